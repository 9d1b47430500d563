// Decisions of the kinds that rest on labelled queries allocate nothing once they are warm.
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <string>
#include <vector>

#include "model/allocation_count_for_test.h"
#include "model/cluster.h"
#include "model/estimator.h"
#include "model/knn.h"
#include "model/mf.h"
#include "model/sw.h"

namespace weir::model {
namespace {

constexpr size_t kRows = 40;

RouterFile file_of(Kind kind) {
  RouterFile file;
  file.kind = kind;
  file.trained = true;
  file.embed = {
      .from = EmbedFrom::kUrl, .dimension = 2, .static_hash = 0, .url = "u", .model = "m"};
  file.models = {"w", "s"};
  return file;
}

// Unit-like vectors all around.
std::string vectors() {
  std::string bytes;
  for (size_t i = 0; i < kRows; ++i) {
    bytes += static_cast<char>(static_cast<int>(i * 3) - 60);
    bytes += static_cast<char>(i % 2 == 0 ? 50 : -50);
  }
  return bytes;
}

template <typename T>
std::string bytes_of(const std::vector<T>& values) {
  std::string bytes(values.size() * sizeof(T), '\0');
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

RouterFile knn() {
  RouterFile file = file_of(Kind::kKnn);
  file.blobs[std::string(section::kKnnVectors)] = vectors();
  file.blobs[std::string(section::kKnnScores)] = std::string(2 * kRows, '\x7F');
  file.weights[std::string(section::kKnnPrior)] = {0.5, 0.5};
  file.weights[std::string(section::kKnnPriorTokens)] = {-1, -1};
  file.weights[std::string(section::kKnnPriorWeight)] = {2};
  file.weights[std::string(section::kKnnNeighbours)] = {10};
  file.weights[std::string(section::kKnnFloor)] = {-1};
  file.weights[std::string(section::kKnnProbability)] = {1, 0};
  return file;
}

RouterFile cluster() {
  RouterFile file = file_of(Kind::kCluster);
  file.blobs[std::string(section::kClusterCentroids)] =
      bytes_of(std::vector<float>{1, 0, 0, 1, -1, 0, 0, -1});
  file.weights[std::string(section::kClusterQuality)] = {1, 1, 0, 1, 1, 0, 0, 0};
  file.weights[std::string(section::kClusterTokens)] = std::vector<double>(8, 20);
  file.weights[std::string(section::kClusterProbability)] = {1, 0};
  return file;
}

RouterFile sw() {
  RouterFile file = file_of(Kind::kSw);
  std::vector<TierWin> wins(kRows);
  for (uint32_t i = 0; i < kRows; ++i)
    wins[i].query = i;
  file.blobs[std::string(section::kSwVectors)] = vectors();
  file.blobs[std::string(section::kSwWins)] = bytes_of(wins);
  file.weights[std::string(section::kSwCells)] = {0, kRows - 10, 10, 0};
  file.weights[std::string(section::kSwTiers)] = {1, 0};
  return file;
}

RouterFile mf() {
  RouterFile file = file_of(Kind::kMf);
  file.weights[std::string(section::kMfProjection)] = {1, 0, 0, 1};
  file.weights[std::string(section::kMfModels)] = {0, 1, 0.6, 0.8};
  file.weights[std::string(section::kMfClassifier)] = {1.5, -2};
  return file;
}

TEST(NeighbourKinds, AWarmDecisionAllocatesNothing) {
  for (const RouterFile& file : {knn(), cluster(), sw(), mf()}) {
    const auto estimator = make_estimator(file);
    ASSERT_TRUE(estimator) << estimator.error().message;
    const text::Features features;
    Workspace workspace;
    const std::array<float, 2> first{0.3F, 0.9F}, second{-0.8F, 0.1F};
    (*estimator)->score({{}, features, first}, workspace);
    const size_t before = allocation_count();
    workspace.clear();
    const double score = (*estimator)->score({{}, features, second}, workspace);
    EXPECT_EQ(allocation_count(), before) << to_string(file.kind);
    EXPECT_GT(score, 0);
    EXPECT_LT(score, 1);
    EXPECT_EQ(workspace.estimates.size(), 2U);
  }
}

}  // namespace
}  // namespace weir::model
