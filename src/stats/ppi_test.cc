#include "stats/ppi.h"

#include <gtest/gtest.h>

#include <array>

namespace weir::stats {
namespace {

constexpr std::array<double, 6> kHuman{1, 0, 1, 1, 0, 1};
constexpr std::array<double, 6> kJudge{1, 0, 1, 1, 1, 1};
constexpr std::array<double, 12> kJudgeOnly{1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 1, 0};

struct Case {
  std::optional<double> weight;
  double used, mean, low, high;
};

// What ppi_py gives for the same numbers at 90 %.
TEST(PpiTest, EqualsTheReferenceImplementation) {
  const Case cases[] = {{std::nullopt, .404762, .632937, .355750, .910123},
                        {1, 1, .583333, .259447, .907220},
                        {0, 0, .666667, .350114, .983219}};
  for (const Case& c : cases) {
    const PpiMean result = ppi_mean(kHuman, kJudge, kJudgeOnly, 0.9, c.weight);
    EXPECT_NEAR(result.weight, c.used, 1e-6);
    EXPECT_NEAR(result.mean, c.mean, 1e-6);
    EXPECT_NEAR(result.interval.low, c.low, 1e-6);
    EXPECT_NEAR(result.interval.high, c.high, 1e-6);
  }
}

TEST(PpiTest, AJudgeThatAlwaysSaysTheSameIsNotUsed) {
  constexpr std::array<double, 6> kSame{1, 1, 1, 1, 1, 1};
  const PpiMean result = ppi_mean(kHuman, kSame, kSame);
  EXPECT_EQ(result.weight, 0);
  EXPECT_NEAR(result.mean, 4.0 / 6, 1e-12);
}

}  // namespace
}  // namespace weir::stats
