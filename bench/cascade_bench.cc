// What a cascade costs weir itself, beside the model calls: reading the signals of a weak answer,
// finding the line of confidence, and the softmax of a router that is a language model.
#include <benchmark/benchmark.h>

#include <array>
#include <string>
#include <vector>

#include "model/answer_routers.h"
#include "policy/cascade.h"
#include "quality/signals.h"
#include "quality/stated_confidence.h"

namespace {

using namespace weir;

// About four characters a token.
std::string answer_of(int64_t tokens) {
  std::string text;
  while (text.size() < static_cast<size_t>(4 * tokens))
    text += "The river runs to the sea and the answer is near. ";
  return text + "\nCONFIDENCE: 0.85";
}

void find_confidence(benchmark::State& state) {
  const std::string text = answer_of(state.range(0));
  for (auto _ : state)
    benchmark::DoNotOptimize(quality::find_confidence(text));
}
BENCHMARK(find_confidence)->Arg(100)->Arg(1000);

void judge(benchmark::State& state) {
  const std::string text = answer_of(state.range(0));
  const std::vector<std::string> phrases{"i'm not sure", "i don't know", "i cannot determine",
                                         "insufficient information", "i'm uncertain"};
  quality::JudgedAnswer answer{.text = text};
  answer.stated = 0.85;
  answer.uncertainty_phrases = phrases;
  const std::array chosen{quality::Signal::kStated, quality::Signal::kRefusal,
                          quality::Signal::kEmpty, quality::Signal::kUncertainty};
  const policy::CascadeRule rule;
  for (auto _ : state) {
    const quality::Reading reading = quality::read_signals(chosen, answer);
    benchmark::DoNotOptimize(policy::judge_weak_answer(
        rule, {.prob_right = reading.confidence, .alarm = !reading.alarm.empty()}));
  }
}
BENCHMARK(judge)->Arg(100)->Arg(1000);

void labels(benchmark::State& state) {
  const std::array<float, 5> logits{.1F, .3F, .9F, 1.4F, .6F};
  for (auto _ : state)
    benchmark::DoNotOptimize(model::prob_strong_of_labels(logits.data()));
}
BENCHMARK(labels);

}  // namespace
