#include "eval/cost_multiplier.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/random.h"

namespace weir::eval {
namespace {

// 70 % at $0.001 and 30 % at $0.020; price ratio 15 / 0.80 at 30 % strong.
TEST(CostMultiplier, EqualsWorkedExamples) {
  EXPECT_NEAR(cost_multiplier(0.3, {.weak_usd = 0.001, .strong_usd = 0.020}), 2.985074627, 1e-9);
  EXPECT_NEAR(cost_multiplier(0.3, {.weak_usd = 0.80, .strong_usd = 15}), 2.964427, 5e-7);
  EXPECT_NEAR(cost_multiplier(1, {.weak_usd = 0.1, .strong_usd = 1, .router_usd = 0.25}), 0.8,
              1e-12);
}

// Ten queries of rising score. Weak fails on the last four; one of strong's answers is wrong.
struct Ten {
  std::vector<double> score{0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  std::vector<double> weak{1, 1, 1, 1, 1, 1, 0, 0, 0, 0};
  std::vector<double> strong{1, 1, 0, 1, 1, 1, 1, 1, 1, 1};
  MultiplierRows rows() const { return {score, weak, strong}; }
};

constexpr CallCosts kTenToOne{.weak_usd = 0.1, .strong_usd = 1};

TEST(BestMultiplier, KeepsTheQualityRatio) {
  const Ten ten;
  // Six weak answers are worth 1 more than strong's; a seventh loses it: 9 of 9 left.
  const auto all = best_multiplier(ten.rows(), kTenToOne, {.keep = 1.0});
  EXPECT_DOUBLE_EQ(all.strong_share, 0.3);
  EXPECT_DOUBLE_EQ(all.threshold, 7);
  EXPECT_DOUBLE_EQ(all.quality, 0.9);
  EXPECT_DOUBLE_EQ(all.quality_ratio, 1);
  EXPECT_DOUBLE_EQ(all.multiplier, 1 / 0.37);
  EXPECT_EQ(all.binding, Binding::kKeep);
  // 8 of 9 = 0.889 needs one more loss.
  EXPECT_DOUBLE_EQ(best_multiplier(ten.rows(), kTenToOne, {.keep = 0.88}).strong_share, 0.2);
}

TEST(BestMultiplier, SaysWhichLimitBinds) {
  const Ten ten;
  const auto both = best_multiplier(ten.rows(), kTenToOne, {.keep = 0.88, .max_worse = 0.1});
  EXPECT_DOUBLE_EQ(both.strong_share, 0.3);
  EXPECT_DOUBLE_EQ(both.worse_share, 0.1);
  EXPECT_EQ(both.binding, Binding::kMaxWorse);
  const auto free = best_multiplier(ten.rows(), kTenToOne, {.keep = 0.5, .max_worse = 0.5});
  EXPECT_DOUBLE_EQ(free.strong_share, 0);
  EXPECT_EQ(free.binding, Binding::kNothing);
  EXPECT_TRUE(std::isinf(free.threshold));
}

TEST(BestMultiplier, RowsOfEqualScoreAreNotSplit) {
  Ten ten;
  for (double& score : ten.score)
    score = score < 5 ? 0 : 1;
  const auto found = best_multiplier(ten.rows(), kTenToOne, {.keep = 1.0});
  EXPECT_DOUBLE_EQ(found.strong_share, 0.5);
}

TEST(BestMultiplier, WhatNoCutKeepsGoesToStrong) {
  const std::vector<double> score{1, 2}, weak{0, 0}, strong{1, 1};
  const auto found = best_multiplier({score, weak, strong}, kTenToOne, {.keep = 0.95});
  EXPECT_EQ(found.strong_share, 1);
  EXPECT_EQ(found.multiplier, 1);
  EXPECT_EQ(found.binding, Binding::kKeep);
}

TEST(MeasureMultiplier, IntervalHoldsThePointAndRepeatsForASeed) {
  Random random(3);
  std::vector<double> score, weak, strong;
  for (int i = 0; i < 800; ++i) {
    score.push_back(random.uniform());
    weak.push_back(random.uniform() < 0.95 - 0.6 * score.back() ? 1 : 0);
    strong.push_back(random.uniform() < 0.9 ? 1 : 0);
  }
  const MultiplierRows rows{score, weak, strong};
  const auto one = measure_multiplier(rows, kTenToOne, {}, 5, 200);
  ASSERT_TRUE(one.multiplier_ci95);
  EXPECT_LT(one.multiplier_ci95->low, one.best.multiplier);
  EXPECT_GT(one.multiplier_ci95->high, one.best.multiplier);
  EXPECT_EQ(one.multiplier_ci95, measure_multiplier(rows, kTenToOne, {}, 5, 200).multiplier_ci95);
}

}  // namespace
}  // namespace weir::eval
