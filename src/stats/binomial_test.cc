#include "stats/binomial.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace weir::stats {
namespace {

TEST(BinomialCdf, EqualsTheSumOfItsTerms) {
  for (const double p : {0.0, 0.05, 0.3, 0.97, 1.0}) {
    double sum = 0;
    for (int k = 0; k <= 12; ++k) {
      double term = 1;
      for (int i = 0; i < k; ++i)
        term *= (12.0 - i) / (i + 1.0) * p;
      term *= std::pow(1 - p, 12 - k);
      sum += term;
      EXPECT_NEAR(binomial_cdf(k, 12, p), sum, 1e-14) << p << " " << k;
    }
  }
  EXPECT_EQ(binomial_cdf(-1, 5, 0.5), 0);
  EXPECT_EQ(binomial_cdf(5, 5, 0.5), 1);
}

// scipy.stats.beta.ppf(1 - d, k + 1, n - k)
TEST(ClopperPearson, UpperBoundEqualsScipy) {
  struct Row {
    int64_t k, n;
    double delta, bound;
  };
  for (const auto& [k, n, delta, bound] :
       {Row{0, 59, .05, .0495076}, Row{0, 299, .05, .00996915}, Row{5, 100, .05, .102253},
        Row{10, 500, .05, .0336883}, Row{25, 1000, .1, .0325847}}) {
    EXPECT_NEAR(clopper_pearson_upper(k, n, delta), bound, 1e-6);
    EXPECT_NEAR(clopper_pearson_lower(n - k, n, delta), 1 - bound, 1e-6);
  }
  EXPECT_EQ(clopper_pearson_upper(7, 7, .05), 1);
  EXPECT_EQ(clopper_pearson_lower(0, 7, .05), 0);
  EXPECT_EQ(clopper_pearson(0, 0), (Interval{0, 1}));
}

TEST(ClopperPearson, CoversAtLeastAtItsLevel) {
  constexpr int64_t kTrials = 40;
  for (const double p : {0.02, 0.1, 0.37, 0.5, 0.9}) {
    double covered = 0;
    for (int64_t k = 0; k <= kTrials; ++k)
      if (clopper_pearson_upper(k, kTrials, 0.05) >= p)
        covered += binomial_cdf(k, kTrials, p) - binomial_cdf(k - 1, kTrials, p);
    EXPECT_GE(covered, 0.95) << p;
  }
}

TEST(LeastTrialsWithoutFailure, IsTheZeroErrorSampleSize) {
  for (const auto& [limit, n] :
       std::array<std::pair<double, int64_t>, 4>{{{.10, 29}, {.05, 59}, {.02, 149}, {.01, 299}}}) {
    EXPECT_EQ(least_trials_without_failure(limit, .05), n);
    EXPECT_LE(clopper_pearson_upper(0, n, .05), limit);
    EXPECT_GT(clopper_pearson_upper(0, n - 1, .05), limit);
  }
}

TEST(HoeffdingBentkus, EqualsThePublishedForm) {
  EXPECT_NEAR(hoeffding_bentkus_p_value(10, 500, .05), .00125043, 1e-8);
  EXPECT_NEAR(hoeffding_bentkus_p_value(15, 500, .05), .0539807, 1e-7);
  EXPECT_NEAR(hoeffding_bentkus_p_value(.03 * 500, 500, .05), .0539807, 1e-7);
  EXPECT_NEAR(hoeffding_bentkus_p_value(2, 200, .05), .00635071, 1e-8);
  EXPECT_NEAR(hoeffding_bentkus_p_value(0, 59, .05), .0484945, 1e-7);
}

// The two-sided form in public reference code would certify a mean far above the limit.
TEST(HoeffdingBentkus, NeverRejectsFromAbove) {
  EXPECT_EQ(hoeffding_bentkus_p_value(600, 2000, .1), 1);
  EXPECT_EQ(hoeffding_bentkus_p_value(2000, 2000, .1), 1);
  EXPECT_LT(hoeffding_bentkus_p_value(100, 2000, .1), 1e-10);
}

}  // namespace
}  // namespace weir::stats
