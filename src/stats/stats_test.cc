#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "stats/interval.h"
#include "stats/quantile.h"

namespace weir::stats {
namespace {

// numpy.quantile([3, 1, 4, 1, 5, 9, 2, 6], q)
TEST(Quantile, EqualsNumpyLinear) {
  const std::array<double, 8> values{3, 1, 4, 1, 5, 9, 2, 6};
  const std::array<std::pair<double, double>, 8> table{
      {{0, 1}, {0.1, 1}, {0.2, 1.4}, {0.333, 2.331}, {0.5, 3.5}, {0.8, 5.6}, {0.95, 7.95}, {1, 9}}};
  for (const auto& [q, expected] : table)
    EXPECT_NEAR(quantile(values, q), expected, 1e-14) << q;
}

TEST(Quantile, OneValueIsEveryQuantile) {
  const std::array<double, 1> values{0.3};
  for (const double q : {0.0, 0.2, 1.0})
    EXPECT_EQ(quantile(values, q), 0.3);
}

TEST(Quantile, NeverLeavesTheTwoNeighbours) {
  Random random(1);
  for (int i = 0; i < 1000; ++i) {
    const double a = random.uniform(), b = a + random.uniform() * 1e-15;
    const std::array<double, 2> values{a, b};
    const double q = quantile_of_sorted(values, random.uniform());
    EXPECT_GE(q, a);
    EXPECT_LE(q, b);
  }
}

// scipy.stats.norm.ppf
TEST(NormalQuantile, EqualsScipy) {
  EXPECT_NEAR(normal_quantile(1e-10), -6.361340902404056, 1e-13);
  EXPECT_NEAR(normal_quantile(0.001), -3.090232306167813, 1e-14);
  EXPECT_NEAR(normal_quantile(0.02), -2.053748910631823, 1e-14);
  EXPECT_NEAR(normal_quantile(0.5), 0, 1e-15);
  EXPECT_NEAR(normal_quantile(0.8), 0.8416212335729143, 1e-14);
  EXPECT_NEAR(normal_quantile(0.975), 1.959963984540054, 1e-14);
  EXPECT_NEAR(normal_quantile(0.999999), 4.753424308817087, 1e-11);
}

// scipy.stats.binomtest(k, n).proportion_ci(c, 'wilson')
TEST(Wilson, EqualsScipy) {
  EXPECT_NEAR(wilson(0, 10).high, 0.27753279986288926, 1e-14);
  EXPECT_EQ(wilson(0, 10).low, 0);
  EXPECT_NEAR(wilson(3, 10).low, 0.10779126740630102, 1e-14);
  EXPECT_NEAR(wilson(3, 10).high, 0.6032218525388546, 1e-14);
  EXPECT_NEAR(wilson(10, 10, 0.9).low, 0.787058029916593, 1e-14);
  EXPECT_EQ(wilson(10, 10, 0.9).high, 1);
  EXPECT_NEAR(wilson(81, 263).low, 0.2552885198782742, 1e-14);
  EXPECT_NEAR(wilson(81, 263).high, 0.36620957698280004, 1e-14);
}

TEST(Wilson, NothingTriedMeansNothingKnown) {
  EXPECT_EQ(wilson(0, 0), (Interval{0, 1}));
}

TEST(Bootstrap, DrawsAsManyRowsAsThereAre) {
  Random random(5);
  std::vector<uint32_t> counts;
  draw_bootstrap_counts(1000, random, counts);
  EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), 0U), 1000U);
  const auto missed = std::count(counts.begin(), counts.end(), 0U);
  EXPECT_NEAR(static_cast<double>(missed), 368, 50);  // 1000 / e
}

// The interval of a mean must agree with the normal approximation.
TEST(Bootstrap, IntervalOfAMeanIsAboutTwoStandardErrorsWide) {
  Random random(6);
  std::vector<double> values(2000), means;
  for (double& x : values)
    x = random.uniform();
  std::vector<uint32_t> counts;
  for (int i = 0; i < 2000; ++i) {
    draw_bootstrap_counts(values.size(), random, counts);
    double sum = 0;
    for (size_t j = 0; j < values.size(); ++j)
      sum += counts[j] * values[j];
    means.push_back(sum / static_cast<double>(values.size()));
  }
  const auto interval = percentile_interval(means);
  ASSERT_TRUE(interval);
  const double expected = 2 * 1.96 * std::sqrt(1.0 / 12 / 2000);
  EXPECT_NEAR(interval->high - interval->low, expected, expected * 0.1);
}

TEST(PercentileInterval, IgnoresUndefinedValuesUntilTheyAreMost) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(percentile_interval(std::array{nan, 1.0, 1.0}), (Interval{1, 1}));
  EXPECT_EQ(percentile_interval(std::array{nan, nan, 1.0}), std::nullopt);
  EXPECT_EQ(percentile_interval({}), std::nullopt);
}

}  // namespace
}  // namespace weir::stats
