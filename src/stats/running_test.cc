#include "stats/running.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"

namespace weir::stats {
namespace {

double tenth_is_zero(int i) {
  return i % 10 == 9 ? 0 : 1;
}

TEST(PlugInBound, EqualsThePins) {
  PlugInBound bound(.025);
  const double values[] = {1, 1, 0, 1, 1, 1, 1, 1, 1, 1};
  for (int i = 0; i < 9; ++i)
    bound.add(values[i]);
  EXPECT_EQ(bound.lower(), 0);
  bound.add(values[9]);
  EXPECT_NEAR(bound.lower(), .0737717, 1e-6);
}

TEST(PlugInBound, BothSidesEqualThePins) {
  PlugInBound low(.025), high(.025);
  for (int i = 0; i < 400; ++i) {
    low.add(tenth_is_zero(i));
    high.add(1 - tenth_is_zero(i));
    if (i == 99) {
      EXPECT_NEAR(low.lower(), .786252, 1e-6);
      EXPECT_NEAR(1 - high.lower(), 1, 1e-6);
    }
  }
  EXPECT_NEAR(low.lower(), .846859, 1e-6);
  EXPECT_NEAR(1 - high.lower(), .952174, 1e-6);
}

TEST(BettingInterval, EqualsThePins) {
  BettingInterval both(.05, 999);  // a grid of 1,000 means
  for (int i = 0; i < 100; ++i)
    both.add(tenth_is_zero(i));
  EXPECT_NEAR(both.interval().low, .798, 1e-3);
  EXPECT_NEAR(both.interval().high, .976, 1e-3);
  for (int i = 100; i < 400; ++i)
    both.add(tenth_is_zero(i));
  EXPECT_NEAR(both.interval().low, .849, 1e-3);
  EXPECT_NEAR(both.interval().high, .949, 1e-3);
}

TEST(RunningInterval, IsWiderThanBettingButShrinks) {
  RunningInterval running(.05);
  Random random(3);
  double last = 1;
  for (int i = 1; i <= 40'000; ++i) {
    running.add(random.uniform() < .1 ? 1 : 0);
    if (i == 400 || i == 4'000 || i == 40'000) {
      const Interval now = running.interval();
      EXPECT_LE(now.low, .1);
      EXPECT_GE(now.high, .1);
      EXPECT_LT(now.high - now.low, last / 2);
      last = now.high - now.low;
    }
  }
  EXPECT_LT(last, .02);
}

// A mean that jumps: the share of streams in which the average of the true means so far ever leaves
// the interval stays at or below alpha.
TEST(RunningInterval, CoversTheRunningMeanUnderDrift) {
  constexpr int kStreams = 300, kLength = 2'000;
  int missed = 0;
  for (int stream = 0; stream < kStreams; ++stream) {
    Random random(static_cast<uint64_t>(stream));
    RunningInterval running(.05);
    double means = 0;
    bool inside = true;
    for (int t = 1; t <= kLength; ++t) {
      const double mean = t < 700 ? .02 : t < 1'400 ? .5 : .1;
      means += mean;
      running.add(random.uniform() < mean ? 1 : 0);
      const Interval now = running.interval();
      const double truth = means / t;
      inside = inside && now.low <= truth && truth <= now.high;
    }
    missed += inside ? 0 : 1;
  }
  EXPECT_LE(missed, 15 + 3 * 4);  // alpha and three standard deviations
}

// The case that sets the families apart: after a long good start the plug-in bound claims a mean
// that the average of the true means has long left.
TEST(PlugInBound, IsNoBoundOfARunningMean) {
  int missed = 0;
  for (uint64_t stream = 0; stream < 50; ++stream) {
    Random random(stream);
    PlugInBound bound(.05);
    double means = 0;
    bool inside = true;
    for (int t = 1; t <= 6'000; ++t) {
      const double mean = t < 200 ? 1 : .1;
      means += mean;
      bound.add(random.uniform() < mean ? 1 : 0);
      inside = inside && bound.lower() <= means / t;
    }
    missed += inside ? 0 : 1;
  }
  EXPECT_GT(missed, 10);
}

}  // namespace
}  // namespace weir::stats
