#include "eval/transfer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "base/random.h"

namespace weir::eval {
namespace {

constexpr size_t kDimension = 8;

// Vectors near one of the first two axes (labels) or near the last one.
std::vector<float> near_axis(size_t axis, Random& random) {
  std::vector<float> vector(kDimension);
  for (float& x : vector)
    x = static_cast<float>(0.2 * random.uniform());
  vector[axis] = 1;
  return vector;
}

std::string labels(size_t count, Random& random) {
  std::string bytes;
  for (size_t i = 0; i < count; ++i) {
    const auto vector = near_axis(i % 2, random);
    double norm = 0;
    for (const float x : vector)
      norm += static_cast<double>(x * x);
    for (const float x : vector)
      bytes += static_cast<char>(std::lround(127 * static_cast<double>(x) / std::sqrt(norm)));
  }
  return bytes;
}

TEST(Transfer, QueriesLikeTheLabelsAreInside) {
  Random random(1);
  const std::string sample = labels(200, random);
  std::vector<float> queries;
  for (int i = 0; i < 300; ++i)
    for (const float x : near_axis(static_cast<size_t>(i) % 2, random))
      queries.push_back(x);
  const auto transfer = measure_transfer(sample, queries, kDimension);
  ASSERT_TRUE(transfer);
  EXPECT_EQ(transfer->queries, 300);
  EXPECT_EQ(transfer->label_sample, 200);
  EXPECT_NEAR(transfer->similarity, transfer->own_similarity, 0.01);
  EXPECT_LT(transfer->outside_share, 0.12);
  EXPECT_FALSE(transfer->warns());
}

TEST(Transfer, OtherQueriesAreWarnedOf) {
  Random random(2);
  const std::string sample = labels(200, random);
  std::vector<float> queries;
  for (int i = 0; i < 5000; ++i)
    for (const float x : near_axis(7, random))
      queries.push_back(x);
  const auto transfer = measure_transfer(sample, queries, kDimension);
  EXPECT_EQ(transfer->queries, 2000);
  EXPECT_EQ(transfer->outside_share, 1);
  EXPECT_THAT(to_text(transfer), testing::HasSubstr("WARNING"));
}

// By hand: labels (1,0) x 10 and (0,1) x 10, query (3,4): cosines 0.6 and 0.8.
TEST(Transfer, SimilarityIsTheMeanOfTheLargestCosines) {
  std::string sample;
  for (int i = 0; i < 10; ++i)
    sample += std::string("\x7f\x00\x00\x7f", 4);
  const std::array<float, 2> query{3, 4};
  const auto transfer = measure_transfer(sample, query, 2);
  EXPECT_NEAR(transfer->similarity, 0.8, 1e-6);
  EXPECT_NEAR(transfer->own_similarity, 1, 1e-6);
}

TEST(Transfer, FewLabelsSayNothing) {
  const std::array<float, 2> query{3, 4};
  EXPECT_FALSE(measure_transfer(std::string(2 * 19, '\x10'), query, 2));
  EXPECT_FALSE(measure_transfer(std::string(2 * 20, '\x10'), {}, 2));
  EXPECT_FALSE(measure_transfer("", {}, 0));
}

}  // namespace
}  // namespace weir::eval
