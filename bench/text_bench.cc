// Tokenizing and featurizing prompts of 16, 100 and 512 tokens, one thread.
#include <benchmark/benchmark.h>

#include <string>

#include "text/features.h"
#include "text/own_words.h"
#include "text/testdata/goldens.h"
#include "text/wordpiece.h"

namespace {

using namespace weir::text;

constexpr std::string_view kEnglish =
    "Could you explain, step by step, why the function below returns 42 instead of raising an "
    "error "
    "when x is None? def f(x): return 42 if not x else x ** 2. I would also like to know whether "
    "unaffordable recomputation could be avoided, e.g. by memoization; what would you recommend? ";
constexpr std::string_view kMixed =
    "Объясни, пожалуйста, что делает эта функция. 这个函数为什么返回 42 而不是抛出异常？Żółć, déjà "
    "vu, "
    "naïve façade; 日本語のテキスト、한국어 문장. ";

// The shortest prefix of a repeated sentence that has at least `tokens` tokens.
std::string make_prompt(std::string_view sentence, size_t tokens) {
  std::string text;
  TokenBuffer buffer;
  while (true) {
    for (const char byte : sentence) {
      text += byte;
      if (byte != ' ') continue;
      tokenize(goldens().vocabulary, text, buffer);
      if (buffer.ids.size() >= tokens) return text;
    }
  }
}

void report(benchmark::State& state, const std::string& text, size_t tokens) {
  state.counters["tokens/s"] = benchmark::Counter(static_cast<double>(tokens),
                                                  benchmark::Counter::kIsIterationInvariantRate);
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(text.size()));
}

void tokenize_prompt(benchmark::State& state, std::string_view sentence) {
  const std::string text = make_prompt(sentence, static_cast<size_t>(state.range(0)));
  TokenBuffer buffer;
  for (auto _ : state) {
    tokenize(goldens().vocabulary, text, buffer);
    benchmark::DoNotOptimize(buffer.ids.data());
  }
  report(state, text, buffer.ids.size());
}

void featurize_prompt(benchmark::State& state, std::string_view sentence) {
  const std::string text = make_prompt(sentence, static_cast<size_t>(state.range(0)));
  Features features;
  for (auto _ : state) {
    featurize(goldens().vocabulary, text, features);
    benchmark::DoNotOptimize(features.ngrams.data());
  }
  report(state, text, features.token_ids.size());
}

// The first user turn of a coding agent: a long reminder before a short question.
void strip_reminder(benchmark::State& state) {
  std::string reminder = "<system-reminder>\n";
  while (reminder.size() < static_cast<size_t>(state.range(0)))
    reminder += kEnglish;
  reminder += "\n</system-reminder>\n";
  const std::string_view parts[] = {reminder, kEnglish};
  for (auto _ : state)
    benchmark::DoNotOptimize(own_words(parts));
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(reminder.size()));
}

void load_vocabulary(benchmark::State& state) {
  std::string text;
  for (int32_t id = 0; id < goldens().vocabulary.size(); ++id) {
    text.append(goldens().vocabulary.token(id)) += '\n';
  }
  for (auto _ : state)
    benchmark::DoNotOptimize(Vocabulary::from_text(text));
}

#define FOR_LENGTHS Arg(16)->Arg(100)->Arg(512)->Unit(benchmark::kMicrosecond)
BENCHMARK_CAPTURE(tokenize_prompt, english, kEnglish)->FOR_LENGTHS;
BENCHMARK_CAPTURE(tokenize_prompt, mixed, kMixed)->FOR_LENGTHS;
BENCHMARK_CAPTURE(featurize_prompt, english, kEnglish)->FOR_LENGTHS;
BENCHMARK_CAPTURE(featurize_prompt, mixed, kMixed)->FOR_LENGTHS;
BENCHMARK(strip_reminder)->Arg(2'000)->Arg(100'000)->Unit(benchmark::kMicrosecond);
BENCHMARK(load_vocabulary)->Unit(benchmark::kMillisecond);

}  // namespace
