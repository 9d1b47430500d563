#include "stats/boundary.h"

#include <gtest/gtest.h>

namespace weir::stats {
namespace {

// The vectors of confseq's uniform_boundaries_unittest.cpp.
TEST(Boundary, EqualsThePublishedVectors) {
  EXPECT_NEAR(best_rho(100, .05), 12.60056, 1e-5);
  EXPECT_NEAR(two_sided_normal_mixture(100, .05, 100), 30.35209, 1e-5);
  EXPECT_NEAR(one_sided_normal_mixture(100, .05, 100), 27.66071, 1e-5);
  EXPECT_NEAR(poly_stitching(100, .05, 10, 3), 64.48755, 1e-5);
}

TEST(Boundary, BernoulliIntervalEqualsThePublishedVectors) {
  struct Row {
    int64_t k, n;
    double t_opt, low, high;
  };
  for (const auto& [k, n, t_opt, low, high] :
       {Row{700, 1000, 100, .651629, .745949}, Row{15, 50, 50, .129556, .511896},
        Row{1, 50, 50, 0, .13489}, Row{100, 200, 1, .328923, .671076}}) {
    const Interval interval = bernoulli_interval(k, n, .05, t_opt);
    EXPECT_NEAR(interval.low, low, 5e-6) << k;
    EXPECT_NEAR(interval.high, high, 5e-6) << k;
  }
}

TEST(Boundary, BernoulliIntervalIsMirroredAndHoldsTheShare) {
  for (const int64_t k : {0, 1, 7, 50, 99, 100}) {
    const Interval one = bernoulli_interval(k, 100, .05, 100);
    const Interval other = bernoulli_interval(100 - k, 100, .05, 100);
    EXPECT_NEAR(one.low, 1 - other.high, 1e-9);
    EXPECT_LE(one.low, static_cast<double>(k) / 100);
    EXPECT_GE(one.high, static_cast<double>(k) / 100);
  }
}

TEST(Boundary, OneSidedIsTighterThanTwoSidedAndAllGrow) {
  double last[3] = {0, 0, 0};
  for (double v = 1; v < 1e6; v *= 3) {
    const double now[3] = {two_sided_normal_mixture(v, .05, 100),
                           one_sided_normal_mixture(v, .05, 100), poly_stitching(v, .05, 1, 1)};
    EXPECT_LT(now[1], now[0]);
    for (int i = 0; i < 3; ++i) {
      EXPECT_GT(now[i], last[i]);
      last[i] = now[i];
    }
  }
}

}  // namespace
}  // namespace weir::stats
