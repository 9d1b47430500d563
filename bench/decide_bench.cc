// Time of one decision from the user's turn to the score, by number of tokens: own words, features,
// embedding, logistic regression. Mean of the loop, and p50/p99 of single calls on texts that do
// not repeat soon. Run from the repository's root.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "model/embedder.h"
#include "model/router.h"
#include "text/own_words.h"

namespace {

using weir::model::StaticEmbedder;

constexpr size_t kTexts = 512;
constexpr double kTypicalRank = 500;  // words are drawn log-normally around this rank

const StaticEmbedder& embedder() {
  static const auto loaded = StaticEmbedder::load("models/static-embedding.bin");
  if (!loaded) std::abort();
  return *loaded;
}

// Texts of whole words that are one token each.
std::vector<std::string> texts_of(size_t tokens) {
  std::vector<std::string_view> words;
  const auto& vocabulary = embedder().vocabulary();
  for (int32_t id = 1000; id < vocabulary.size(); ++id) {
    const std::string_view token = vocabulary.token(id);
    if (std::ranges::all_of(token, [](char c) { return c >= 'a' && c <= 'z'; }))
      words.push_back(token);
  }
  std::mt19937_64 random(tokens);
  std::lognormal_distribution<double> rank(std::log(kTypicalRank), 1.5);
  std::vector<std::string> texts(kTexts);
  for (std::string& text : texts) {
    for (size_t i = 0; i < tokens; ++i) {
      const auto at = static_cast<size_t>(rank(random));
      text += words[std::min(at, words.size() - 1)];
      text += ' ';
    }
  }
  return texts;
}

double quantile_us(std::vector<int64_t>& times_ns, double share) {
  const auto at = static_cast<size_t>(share * static_cast<double>(times_ns.size() - 1));
  std::ranges::nth_element(times_ns, times_ns.begin() + static_cast<std::ptrdiff_t>(at));
  return static_cast<double>(times_ns[at]) / 1000;
}

void decide(benchmark::State& state) {
  using Clock = std::chrono::steady_clock;
  const auto router = weir::model::Router::load("models/default.weir", embedder());
  if (!router) return state.SkipWithError(router.error().message.c_str());
  const auto texts = texts_of(static_cast<size_t>(state.range(0)));
  weir::model::Scratch scratch;
  std::vector<int64_t> times_ns;
  size_t next = 0;
  for (auto _ : state) {
    const auto start = Clock::now();
    const std::array<std::string_view, 1> parts{texts[next++ % texts.size()]};
    const std::string words = weir::text::own_words(parts);
    const auto score = router->score(words, scratch);
    benchmark::DoNotOptimize(score.prob_strong_needed >= router->threshold());
    times_ns.push_back(
        std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start).count());
  }
  state.counters["p50_us"] = quantile_us(times_ns, 0.5);
  state.counters["p99_us"] = quantile_us(times_ns, 0.99);
}
BENCHMARK(decide)->Arg(16)->Arg(100)->Arg(512)->Unit(benchmark::kMicrosecond);

}  // namespace
