#include "stats/betting.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/random.h"

namespace weir::stats {
namespace {

TEST(BettingTest, CapitalIsTheMeanOfItsBets) {
  BettingTest test(0.5);
  const double values[] = {0.5, -0.5, 0.25, 1};
  std::vector<double> capital(BettingTest::kBets, 1);
  for (const double y : values) {
    test.add(y);
    for (int i = 0; i < BettingTest::kBets; ++i)
      capital[static_cast<size_t>(i)] *= 1 + 2 / 512.0 * std::pow(0.98 * 512, i / 31.0) * y;
  }
  double mean = 0;
  for (const double c : capital)
    mean += c / BettingTest::kBets;
  EXPECT_NEAR(std::exp(test.log_capital()), mean, 1e-12);
}

TEST(BettingTest, RejectsAsSeldomAsItsLevelSaysAtAnyTime) {
  int rejected = 0;
  for (uint64_t stream = 0; stream < 2'000; ++stream) {
    Random random(stream);
    BettingTest test(.05);
    for (int t = 0; t < 1'000 && !test.rejects(.05); ++t)
      test.add(random.uniform() < .05 ? .95 : -.05);  // mean 0: the edge of the hypothesis
    rejected += test.rejects(.05) ? 1 : 0;
  }
  EXPECT_LE(rejected, 100 + 3 * 10);
}

TEST(BettingTest, FindsAMeanAboveZeroInBothScales) {
  for (const double effect : {.02, .3}) {
    Random random(5);
    BettingTest test(1);
    int t = 0;
    while (!test.rejects(.05) && t < 100'000) {
      test.add(random.uniform() < .5 + effect / 2 ? 1 : -1);
      ++t;
    }
    EXPECT_LT(t, 20 / (effect * effect)) << effect;
  }
}

std::vector<int64_t> delays(int64_t history) {
  std::vector<int64_t> found;
  for (uint64_t stream = 0; stream < 100; ++stream) {
    Random random(stream);
    ChangeDetector detector(.05, 50'000);
    for (int64_t t = 0; t < history; ++t)
      detector.add(random.uniform() < .03 ? 1 : 0);
    EXPECT_FALSE(detector.alarm());
    while (!detector.add(random.uniform() < .13 ? 1 : 0)) {
    }
    found.push_back(detector.alarm_at() - history);
  }
  std::ranges::sort(found);
  return found;
}

TEST(ChangeDetector, DelayDoesNotGrowWithTheHistory) {
  const int64_t without = delays(0)[50], after = delays(20'000)[50];
  EXPECT_LT(without, 600);
  EXPECT_LT(after, 600);
  EXPECT_LT(std::abs(without - after), 100);
}

TEST(ChangeDetector, IsSilentAtTheLimitForAboutItsThreshold) {
  // Runs cut off at twice the threshold only lower the mean, so that the check is the stricter one.
  constexpr int kRuns = 200;
  constexpr int64_t kThreshold = 500;
  int64_t total = 0;
  for (uint64_t run = 0; run < kRuns; ++run) {
    Random random(run);
    ChangeDetector detector(.1, kThreshold);
    int64_t t = 1;
    while (!detector.add(random.uniform() < .1 ? 1 : 0) && t < 10 * kThreshold)
      ++t;
    total += t;
  }
  EXPECT_GE(total / kRuns, kThreshold);
}

}  // namespace
}  // namespace weir::stats
