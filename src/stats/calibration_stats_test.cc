#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <vector>

#include "base/random.h"
#include "stats/isotonic.h"
#include "stats/reliability.h"

namespace weir::stats {
namespace {

std::vector<double> ones(size_t count) {
  return std::vector<double>(count, 1.0);
}

TEST(PoolAdjacentViolators, EqualsTheWorkedExample) {
  const std::array<double, 8> values{0, 1, 0, 0, 1, 1, 0, 1};
  const double third = 1.0 / 3, two = 2.0 / 3;
  const std::array<double, 8> expected{0, third, third, third, two, two, two, 1};
  const auto fitted = pool_adjacent_violators(values, ones(8));
  ASSERT_EQ(fitted.size(), 8u);
  for (size_t i = 0; i < 8; ++i)
    EXPECT_NEAR(fitted[i], expected[i], 1e-15) << i;
}

TEST(PoolAdjacentViolators, WeightsCountLikeRepeatedRows) {
  const auto weighted = pool_adjacent_violators(std::array{3.0, 0.0}, std::array{1.0, 2.0});
  EXPECT_DOUBLE_EQ(weighted[0], 1);
  EXPECT_DOUBLE_EQ(weighted[1], 1);
  EXPECT_TRUE(pool_adjacent_violators({}, {}).empty());
}

// The least squares optimum has no better neighbour among rising functions; here against all
// rising functions on a grid.
TEST(PoolAdjacentViolators, NoRisingFunctionIsNearer) {
  Random random(4);
  for (int round = 0; round < 50; ++round) {
    std::array<double, 4> values{};
    for (double& v : values)
      v = static_cast<double>(random.below(5)) / 4;
    const auto fitted = pool_adjacent_violators(values, ones(4));
    const auto loss = [&](const auto& at) {
      double sum = 0;
      for (size_t i = 0; i < 4; ++i)
        sum += (at[i] - values[i]) * (at[i] - values[i]);
      return sum;
    };
    const int steps = 12;
    for (int a = 0; a <= steps; ++a)
      for (int b = a; b <= steps; ++b)
        for (int c = b; c <= steps; ++c)
          for (int d = c; d <= steps; ++d)
            ASSERT_GE(loss(std::array{a / 12.0, b / 12.0, c / 12.0, d / 12.0}),
                      loss(fitted) - 1e-12);
  }
}

TEST(FitIsotonic, EqualScoresAreOneObservation) {
  const auto fit = fit_isotonic(std::array{0.5, 0.1, 0.5, 0.9}, std::array{1.0, 0.0, 0.0, 1.0});
  EXPECT_EQ(fit.xs, (std::vector<double>{0.1, 0.5, 0.9}));
  EXPECT_EQ(fit.ys, (std::vector<double>{0, 0.5, 1}));
}

TEST(LogLoss, IsTheMeanOfNegativeLogs) {
  EXPECT_NEAR(log_loss(std::array{0.8, 0.4}, std::array{1, 0}),
              -(std::log(0.8) + std::log(0.6)) / 2, 1e-15);
  EXPECT_TRUE(std::isfinite(log_loss(std::array{0.0}, std::array{1})));
}

TEST(Reliability, BinsHoldEqualCountsAndEqualProbabilitiesStayTogether) {
  const std::array probs{0.1, 0.2, 0.3, 0.4, 0.5, 0.6};
  const std::array outcomes{0, 0, 1, 0, 1, 1};
  const auto bins = reliability_bins(probs, outcomes, 3);
  ASSERT_EQ(bins.size(), 3u);
  EXPECT_EQ(bins[0].rows, 2);
  EXPECT_DOUBLE_EQ(bins[0].mean_prob, 0.15);
  EXPECT_DOUBLE_EQ(bins[1].mean_outcome, 0.5);
  EXPECT_NEAR(expected_calibration_error(bins), (0.15 + 0.15 + 0.45) / 3, 1e-15);
  const auto ties = reliability_bins(std::array{0.5, 0.5, 0.5}, std::array{0, 1, 1}, 10);
  ASSERT_EQ(ties.size(), 1u);
  EXPECT_EQ(ties[0].rows, 3);
}

TEST(Reliability, TrueProbabilitiesHaveASmallError) {
  Random random(9);
  std::vector<double> probs;
  std::vector<int> outcomes;
  for (int i = 0; i < 20'000; ++i) {
    probs.push_back(random.uniform());
    outcomes.push_back(random.uniform() < probs.back() ? 1 : 0);
  }
  EXPECT_LT(expected_calibration_error(reliability_bins(probs, outcomes, 10)), 0.01);
  for (double& p : probs)
    p = p * p;
  EXPECT_GT(expected_calibration_error(reliability_bins(probs, outcomes, 10)), 0.1);
}

}  // namespace
}  // namespace weir::stats
