#include "eval/thresholds.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"
#include "stats/isotonic.h"
#include "stats/quantile.h"

namespace weir::eval {
namespace {

// Scores 0.1 to 1.0 in tenths less 0.05; weak fails on the upper four.
JudgedRows ten_rows() {
  JudgedRows rows;
  for (int i = 0; i < 10; ++i) {
    rows.score.push_back((i + 0.5) / 10);
    rows.weak.push_back(i < 6 ? 1 : 0);
    rows.strong.push_back(1);
    rows.label.push_back(i < 6 ? 0 : 1);
  }
  return rows;
}

double found(Aim aim, double value, const CallCosts& costs = {}) {
  return find_threshold(ten_rows(), {aim, value}, costs);
}

TEST(FindThreshold, EachAimMeansWhatItSays) {
  EXPECT_DOUBLE_EQ(found(Aim::kRecall, 0.75), 0.75);
  EXPECT_DOUBLE_EQ(found(Aim::kRecall, 0.76), 0.65);
  EXPECT_DOUBLE_EQ(found(Aim::kQuality, 0.9), 0.75);
  EXPECT_DOUBLE_EQ(found(Aim::kQuality, 0.95), 0.65);
  // The gap is 0.4, so 0.95 of it is stricter than 0.95 of the quality: 0.38 of 0.4.
  EXPECT_DOUBLE_EQ(found(Aim::kGap, 0.75), 0.75);
  EXPECT_DOUBLE_EQ(found(Aim::kGap, 0.95), 0.65);
  EXPECT_DOUBLE_EQ(found(Aim::kAcceptableGap, 0.2), 0.85);
  EXPECT_DOUBLE_EQ(found(Aim::kAcceptableGap, 0), 0.65);
  EXPECT_DOUBLE_EQ(found(Aim::kStrongShare, 0.3), stats::quantile(ten_rows().score, 0.7));
}

TEST(FindThreshold, NothingNeededSendsNothing) {
  const double threshold = found(Aim::kQuality, 0.6);
  EXPECT_GT(threshold, 0.95);
  EXPECT_EQ(effect_of(ten_rows(), threshold).strong_share, 0);
}

TEST(FindThreshold, WhatOnlyAllStrongMeetsIsThresholdZero) {
  JudgedRows rows = ten_rows();
  rows.weak.assign(10, 0);
  EXPECT_EQ(find_threshold(rows, {Aim::kQuality, 1}), 0);
}

TEST(FindThreshold, WithoutAGapWeakIsEnough) {
  JudgedRows rows = ten_rows();
  rows.strong = rows.weak;
  EXPECT_EQ(effect_of(rows, find_threshold(rows, {Aim::kGap, 0.95})).strong_share, 0);
}

// Strong iff value x (p_s - p_w) > c_s - c_w: with the isotonic fit of the gain, row by row.
TEST(FindThreshold, ValueAgreesWithTheIsotonicFitOfTheGain) {
  Random random(8);
  JudgedRows rows;
  std::vector<double> gains;
  for (int i = 0; i < 500; ++i) {
    rows.score.push_back(random.uniform());
    rows.strong.push_back(random.uniform() < 0.9 ? 1 : 0);
    rows.weak.push_back(random.uniform() < 0.95 - 0.7 * rows.score.back() ? 1 : 0);
    rows.label.push_back(rows.strong.back() > rows.weak.back() ? 1 : 0);
    gains.push_back(rows.strong.back() - rows.weak.back());
  }
  const auto fit = stats::fit_isotonic(rows.score, gains);
  for (const double value : {0.011, 0.02, 0.0301, 0.05, 0.2}) {
    const CallCosts costs{.weak_usd = 0.001, .strong_usd = 0.011};
    const double threshold = find_threshold(rows, {Aim::kValueUsd, value}, costs);
    for (size_t i = 0; i < fit.xs.size(); ++i) {
      EXPECT_EQ(fit.xs[i] >= threshold, value * fit.ys[i] > 0.01 - 1e-12)
          << value << " at " << fit.xs[i] << " " << fit.ys[i];
    }
  }
}

TEST(EffectOf, CountsSharesRecallAndQuality) {
  const Effect effect = effect_of(ten_rows(), 0.75);
  EXPECT_DOUBLE_EQ(effect.strong_share, 0.3);
  EXPECT_DOUBLE_EQ(effect.recall, 0.75);
  EXPECT_DOUBLE_EQ(effect.quality, 0.9);
  EXPECT_DOUBLE_EQ(effect.quality_ratio, 0.9);
  EXPECT_NEAR(effect.gap, 0.1, 1e-15);
  EXPECT_NEAR(effect.gap_recovered, 0.75, 1e-15);
}

TEST(MeasureThreshold, IntervalsHoldTheEffectAndRepeatForASeed) {
  Random random(2);
  JudgedRows rows;
  for (int i = 0; i < 600; ++i) {
    rows.score.push_back(random.uniform());
    rows.strong.push_back(1);
    rows.weak.push_back(random.uniform() < 1 - rows.score.back() ? 1 : 0);
    rows.label.push_back(rows.weak.back() == 0 ? 1 : 0);
  }
  const auto one = measure_threshold(rows, {Aim::kRecall, 0.8}, {}, 1, 300);
  EXPECT_GE(one.effect.recall, 0.8);
  EXPECT_LT(one.recall_ci95->low, one.effect.recall);
  EXPECT_GT(one.recall_ci95->high, one.effect.recall);
  ASSERT_TRUE(one.met_in_resamples);
  EXPECT_NEAR(*one.met_in_resamples, 0.55, 0.25);
  const auto again = measure_threshold(rows, {Aim::kRecall, 0.8}, {}, 1, 300);
  EXPECT_EQ(again.gap_ci95, one.gap_ci95);
}

TEST(Sweep, TellsWhereTheGapIsAcceptable) {
  const auto rows = sweep(ten_rows(), 0.05, CallCosts{.weak_usd = 0.1, .strong_usd = 1});
  ASSERT_EQ(rows.size(), 11u);
  EXPECT_EQ(rows[0].effect.strong_share, 1);
  EXPECT_EQ(rows[10].effect.strong_share, 0);
  EXPECT_NEAR(rows[10].effect.gap, 0.4, 1e-12);
  EXPECT_TRUE(rows[6].acceptable);
  EXPECT_FALSE(rows[7].acceptable);
  EXPECT_NEAR(*rows[10].multiplier, 10, 1e-12);
  // sd of (1,1,1,1,0 x 6) is sqrt(0.24), of its mean 0.1549.
  EXPECT_NEAR(rows[10].gap_ci95.high - rows[10].gap_ci95.low, 2 * 1.959964 * 0.1549193, 1e-6);
}

}  // namespace
}  // namespace weir::eval
