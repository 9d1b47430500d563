#include "train/calibration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "base/random.h"

namespace weir::train {
namespace {

using model::MapForm;
using testing::HasSubstr;

// 40 rows that tests/python/oracle_calibration.py and the values below are made from.
ScoredLabels forty_rows() {
  ScoredLabels rows;
  for (int i = 0; i < 40; ++i) {
    rows.scores.push_back((i * 37 % 101) / 101.0 * 0.9 + 0.05);
    rows.labels.push_back((i * 53 % 40) / 40.0 < rows.scores.back() ? 1 : 0);
  }
  return rows;
}

// Newton's method in numpy to the last digit on the smoothed targets; scikit-learn's
// _sigmoid_calibration stops at 0.83168011, 0.40861225.
TEST(FitPlatt, EqualsScikitLearn) {
  const auto map = fit_platt(forty_rows());
  EXPECT_NEAR(map.slope, 0.8316800737297914, 1e-9);
  EXPECT_NEAR(map.offset, 0.40861225231508996, 1e-9);
}

// With a score that says nothing, P is the mean of the smoothed targets: 30 strong-needed rows at
// 31/32 = 0.96875 and 70 others at 1/72 = 0.0138889.
TEST(FitPlatt, TargetsAreSmoothed) {
  ScoredLabels rows;
  for (int i = 0; i < 100; ++i) {
    rows.scores.push_back(0.5);
    rows.labels.push_back(i < 30 ? 1 : 0);
  }
  EXPECT_NEAR(fit_platt(rows).apply(0.5), 0.3 * 0.96875 + 0.7 * (1.0 / 72), 1e-9);
}

TEST(FitTemperature, EqualsNewtonInNumpy) {
  const auto map = fit_temperature(forty_rows());
  EXPECT_NEAR(map.slope, 0.9247990376272632, 1e-9);
  EXPECT_EQ(map.offset, 0);
}

// sklearn.isotonic.IsotonicRegression(out_of_bounds="clip").predict, ends at 1 / 42 and 41 / 42.
TEST(FitIsotonicMap, EqualsScikitLearn) {
  const auto map = fit_isotonic_map(forty_rows());
  const std::array<std::pair<double, double>, 7> table{{{0.0, 1.0 / 6},
                                                        {0.2, 0.25},
                                                        {0.33, 0.25},
                                                        {0.5, 0.6746031746031745},
                                                        {0.61, 0.7142857142857143},
                                                        {0.8, 41.0 / 42},
                                                        {1.0, 41.0 / 42}}};
  for (const auto& [score, prob] : table)
    EXPECT_NEAR(map.apply(score), 0.999 * prob + 0.001 * score, 1e-12) << score;
}

// Labels drawn from `truth` of a uniform score.
ScoredLabels drawn(size_t count, uint64_t seed, double (*truth)(double)) {
  Random random(seed);
  ScoredLabels rows;
  for (size_t i = 0; i < count; ++i) {
    rows.scores.push_back(random.uniform());
    rows.labels.push_back(random.uniform() < truth(rows.scores.back()) ? 1 : 0);
  }
  return rows;
}

std::vector<uint32_t> folds_of(const ScoredLabels& rows) {
  std::vector<uint32_t> folds;
  for (uint32_t i = 0; i < rows.size(); ++i)
    folds.push_back(i % kMapFolds);
  return folds;
}

MapForm chosen(const ScoredLabels& rows) {
  return choose_map(rows, folds_of(rows)).map().form;
}

double same(double x) {
  return x;
}
double shifted(double x) {
  return 0.1 * x;
}
double step(double x) {
  return x < 0.3 ? 0.05 : x < 0.6 ? 0.5 : 0.55;
}
double falling(double x) {
  return 1 - x;
}

TEST(ChooseMap, TakesTheFormThatFits) {
  EXPECT_EQ(chosen(drawn(2000, 1, shifted)), MapForm::kPlatt);
  EXPECT_EQ(chosen(drawn(20'000, 2, step)), MapForm::kIsotonic);
}

TEST(ChooseMap, FewLabelsGetSimpleMaps) {
  const auto choice = choose_map(drawn(60, 3, shifted), folds_of(drawn(60, 3, shifted)));
  EXPECT_TRUE(choice.candidates[1].tried);
  EXPECT_FALSE(choice.candidates[2].tried);
  EXPECT_THAT(choice.candidates[2].why_not, HasSubstr("needs 100 labels, there are 60"));
  EXPECT_THAT(choice.candidates[3].why_not, HasSubstr("needs 1000"));
  EXPECT_EQ(chosen(drawn(20, 3, shifted)), MapForm::kNone);
}

TEST(ChooseMap, ScoresThatRankTheWrongWayAreNotTurnedRound) {
  const auto rows = drawn(900, 5, falling);
  const auto choice = choose_map(rows, folds_of(rows));
  EXPECT_EQ(choice.map().form, MapForm::kNone);
  EXPECT_THAT(choice.candidates[2].why_not, HasSubstr("higher scores do not mean"));
}

TEST(ChooseMap, OneKindOfLabelLeavesTheScoreAlone) {
  auto rows = drawn(300, 6, same);
  rows.labels.assign(rows.size(), 1);
  EXPECT_EQ(chosen(rows), MapForm::kNone);
}

TEST(ChooseMap, SeparableLabelsStillGiveAFiniteMap) {
  ScoredLabels rows;
  for (int i = 0; i < 1200; ++i) {
    rows.scores.push_back((i + 0.5) / 1200);
    rows.labels.push_back(i < 600 ? 0 : 1);
  }
  const auto choice = choose_map(rows, folds_of(rows));
  for (const auto& candidate : choice.candidates) {
    if (!candidate.tried) continue;
    EXPECT_TRUE(std::isfinite(candidate.log_loss));
    EXPECT_GT(candidate.map.apply(0.9), candidate.map.apply(0.1));
  }
}

}  // namespace
}  // namespace weir::train
