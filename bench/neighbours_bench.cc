// Time of one decision of the kinds that rest on labelled queries, from the query's vector to the
// score, on seeded made-up data: knn and sw by number of anchors, cluster and mf by number of
// models. (The way from text to vector is measured by decide_bench and embed_bench.)
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "model/cluster.h"
#include "model/estimator.h"
#include "model/knn.h"
#include "model/mf.h"
#include "model/sw.h"
#include "simd/cosine_rows.h"

namespace {

namespace section = weir::model::section;
using weir::model::Kind;
using weir::model::RouterFile;

constexpr size_t kDimension = 256;
constexpr size_t kQueries = 256;

std::vector<float> random_floats(size_t count) {
  std::mt19937 random(20261124);
  std::normal_distribution<float> normal(0.05F, 1);
  std::vector<float> values(count);
  for (float& value : values)
    value = normal(random);
  return values;
}

std::string random_vectors(size_t count) {
  const std::vector<float> floats = random_floats(count * kDimension);
  std::string bytes(floats.size(), '\0');
  for (size_t at = 0; at < floats.size(); at += kDimension)
    weir::simd::quantize(std::span(floats).subspan(at, kDimension),
                         {reinterpret_cast<int8_t*>(bytes.data()) + at, kDimension});
  return bytes;
}

RouterFile file_of(Kind kind, size_t models) {
  RouterFile file;
  file.kind = kind;
  file.trained = true;
  file.embed.from = weir::model::EmbedFrom::kUrl;
  file.embed.dimension = kDimension;
  for (size_t i = 0; i < models; ++i)
    file.models.push_back("model-" + std::to_string(i));
  return file;
}

std::vector<double> spread(size_t count) {
  std::vector<double> values;
  for (size_t i = 0; i < count; ++i)
    values.push_back(static_cast<double>(i % 7) / 7);
  return values;
}

RouterFile knn_file(size_t anchors, size_t models) {
  RouterFile file = file_of(Kind::kKnn, models);
  file.blobs[std::string(section::kKnnVectors)] = random_vectors(anchors);
  std::string scores(anchors * models, '\0');
  for (size_t i = 0; i < scores.size(); ++i)
    scores[i] = static_cast<char>(i % 5 == 0 ? 254 : 0);
  file.blobs[std::string(section::kKnnScores)] = scores;
  file.weights[std::string(section::kKnnPrior)] = spread(models);
  file.weights[std::string(section::kKnnPriorTokens)] = std::vector<double>(models, -1);
  file.weights[std::string(section::kKnnPriorWeight)] = {5};
  file.weights[std::string(section::kKnnNeighbours)] = {80};
  file.weights[std::string(section::kKnnFloor)] = {-1};
  file.weights[std::string(section::kKnnProbability)] = {4, -1};
  return file;
}

RouterFile cluster_file(size_t clusters, size_t models) {
  RouterFile file = file_of(Kind::kCluster, models);
  const std::vector<float> centroids = random_floats(clusters * kDimension);
  std::string bytes(centroids.size() * sizeof(float), '\0');
  std::memcpy(bytes.data(), centroids.data(), bytes.size());
  file.blobs[std::string(section::kClusterCentroids)] = bytes;
  file.weights[std::string(section::kClusterQuality)] = spread(clusters * models);
  file.weights[std::string(section::kClusterTokens)] = spread(clusters * models);
  file.weights[std::string(section::kClusterProbability)] = {4, -1};
  return file;
}

// One battle a query, between any two of ten tiers.
RouterFile sw_file(size_t battles) {
  RouterFile file = file_of(Kind::kSw, 2);
  file.blobs[std::string(section::kSwVectors)] = random_vectors(battles);
  constexpr size_t kTiers = weir::model::kMaxTiers;
  std::vector<std::vector<weir::model::TierWin>> cells(kTiers * kTiers);
  std::mt19937 random(7);
  for (uint32_t query = 0; query < battles; ++query) {
    size_t winner = random() % kTiers, loser = random() % kTiers;
    if (winner == loser) loser = (loser + 1) % kTiers;
    if (winner > loser && random() % 3 != 0) std::swap(winner, loser);
    cells[winner * kTiers + loser].push_back({query, 1});
  }
  std::string bytes;
  std::vector<double> counts;
  for (const auto& cell : cells) {
    bytes.append(reinterpret_cast<const char*>(cell.data()), cell.size() * sizeof(cell[0]));
    counts.push_back(static_cast<double>(cell.size()));
  }
  file.blobs[std::string(section::kSwWins)] = bytes;
  file.weights[std::string(section::kSwCells)] = counts;
  file.weights[std::string(section::kSwTiers)] = {2, 0};
  return file;
}

RouterFile mf_file(size_t models) {
  constexpr size_t kWidth = 64;
  RouterFile file = file_of(Kind::kMf, models);
  file.weights[std::string(section::kMfProjection)] = spread(kWidth * kDimension);
  file.weights[std::string(section::kMfModels)] = spread(models * kWidth);
  file.weights[std::string(section::kMfClassifier)] = spread(kWidth);
  return file;
}

double quantile_us(std::vector<int64_t>& times_ns, double share) {
  const auto at = static_cast<size_t>(share * static_cast<double>(times_ns.size() - 1));
  std::ranges::nth_element(times_ns, times_ns.begin() + static_cast<std::ptrdiff_t>(at));
  return static_cast<double>(times_ns[at]) / 1000;
}

void decide(benchmark::State& state, const RouterFile& file) {
  using Clock = std::chrono::steady_clock;
  const auto estimator = weir::model::make_estimator(file);
  if (!estimator) return state.SkipWithError(estimator.error().message.c_str());
  const std::vector<float> queries = random_floats(kQueries * kDimension);
  const weir::text::Features features;
  weir::model::Workspace workspace;
  std::vector<int64_t> times_ns;
  size_t next = 0;
  for (auto _ : state) {
    const auto start = Clock::now();
    workspace.clear();
    const auto query = std::span(queries).subspan(next++ % kQueries * kDimension, kDimension);
    benchmark::DoNotOptimize((*estimator)->score({{}, features, query}, workspace));
    times_ns.push_back(
        std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start).count());
  }
  state.counters["p50_us"] = quantile_us(times_ns, 0.5);
  state.counters["p99_us"] = quantile_us(times_ns, 0.99);
  state.SetItemsProcessed(state.iterations());
}

void knn_anchors(benchmark::State& state) {
  decide(state, knn_file(static_cast<size_t>(state.range(0)), 2));
}
BENCHMARK(knn_anchors)->Arg(500)->Arg(5'000)->Arg(50'000)->Unit(benchmark::kMicrosecond);

void knn_models(benchmark::State& state) {
  decide(state, knn_file(5'000, static_cast<size_t>(state.range(0))));
}
BENCHMARK(knn_models)->Arg(2)->Arg(8)->Arg(32)->Unit(benchmark::kMicrosecond);

void cluster_models(benchmark::State& state) {
  decide(state, cluster_file(64, static_cast<size_t>(state.range(0))));
}
BENCHMARK(cluster_models)->Arg(2)->Arg(8)->Arg(32)->Unit(benchmark::kMicrosecond);

void mf_models(benchmark::State& state) {
  decide(state, mf_file(static_cast<size_t>(state.range(0))));
}
BENCHMARK(mf_models)->Arg(2)->Arg(8)->Arg(32)->Unit(benchmark::kMicrosecond);

void sw_battles(benchmark::State& state) {
  decide(state, sw_file(static_cast<size_t>(state.range(0))));
}
BENCHMARK(sw_battles)->Arg(1'000)->Arg(8'000)->Arg(65'000)->Unit(benchmark::kMicrosecond);

// The scan alone. Arguments: anchors, queries a call.
void similarities(benchmark::State& state) {
  const auto anchors = static_cast<size_t>(state.range(0));
  const auto queries = static_cast<size_t>(state.range(1));
  const std::string bytes = random_vectors(anchors);
  const weir::simd::CosineRows rows({reinterpret_cast<const int8_t*>(bytes.data()), bytes.size()},
                                    kDimension);
  std::vector<int8_t> asked(queries * kDimension);
  std::copy_n(bytes.begin(), asked.size(), asked.begin());
  std::vector<float> out(queries * anchors);
  for (auto _ : state) {
    rows.similarities(asked, out);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(state.iterations() * state.range(1));
}
BENCHMARK(similarities)
    ->Args({50'000, 1})
    ->Args({65'000, 4})
    ->Args({65'000, 64})
    ->Unit(benchmark::kMicrosecond);

}  // namespace
