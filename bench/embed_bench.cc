// Time of StaticEmbedder::embed by number of tokens: mean of the loop, and p50/p99 of single calls
// on token lists that do not repeat soon, so that rows come from the caches as they would in
// service. Run from the repository's root.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <random>
#include <vector>

#include "model/embedder.h"

namespace {

constexpr size_t kLists = 512;
constexpr double kTypicalRank = 500;  // token ids are drawn log-normally around this rank

std::vector<std::vector<int32_t>> token_lists(size_t tokens) {
  std::mt19937_64 random(tokens);
  std::lognormal_distribution<double> rank(std::log(kTypicalRank), 1.5);
  std::vector<std::vector<int32_t>> lists(kLists, std::vector<int32_t>(tokens));
  for (auto& list : lists) {
    for (int32_t& id : list)
      id = 1000 + static_cast<int32_t>(std::min(rank(random), 29000.0));
  }
  return lists;
}

double quantile_us(std::vector<int64_t>& times_ns, double share) {
  const auto at = static_cast<size_t>(share * static_cast<double>(times_ns.size() - 1));
  std::ranges::nth_element(times_ns, times_ns.begin() + static_cast<std::ptrdiff_t>(at));
  return static_cast<double>(times_ns[at]) / 1000;
}

void embed(benchmark::State& state) {
  using Clock = std::chrono::steady_clock;
  const auto embedder = weir::model::StaticEmbedder::load(std::filesystem::path("models") /
                                                          weir::model::kStaticEmbeddingFile);
  if (!embedder) {
    state.SkipWithError(embedder.error().message.c_str());
    return;
  }
  const auto lists = token_lists(static_cast<size_t>(state.range(0)));
  std::vector<float> out(static_cast<size_t>(embedder->dimension()));
  std::vector<int64_t> times_ns;
  size_t next = 0;
  for (auto _ : state) {
    const auto begin = Clock::now();
    benchmark::DoNotOptimize(embedder->embed(lists[next++ % kLists], out));
    benchmark::ClobberMemory();
    times_ns.push_back((Clock::now() - begin).count());
  }
  state.counters["p50_us"] = quantile_us(times_ns, 0.5);
  state.counters["p99_us"] = quantile_us(times_ns, 0.99);
}
BENCHMARK(embed)->Arg(16)->Arg(100)->Arg(512)->ArgName("tokens");

void load(benchmark::State& state) {
  for (auto _ : state) {
    auto embedder = weir::model::StaticEmbedder::load(std::filesystem::path("models") /
                                                      weir::model::kStaticEmbeddingFile);
    if (!embedder) {
      state.SkipWithError(embedder.error().message.c_str());
      return;
    }
    benchmark::DoNotOptimize(embedder);
  }
}
BENCHMARK(load)->Unit(benchmark::kMillisecond);

}  // namespace
