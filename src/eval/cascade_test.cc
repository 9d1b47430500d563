#include "eval/cascade.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "stats/binomial.h"

namespace weir::eval {
namespace {

// Calibrated confidences in `levels` steps; strong is right in nine of ten.
CascadeRows make_rows(size_t count, uint64_t levels, uint64_t seed) {
  CascadeRows rows;
  Random random(seed);
  for (size_t i = 0; i < count; ++i) {
    const double confidence =
        static_cast<double>(random.below(levels) + 1) / static_cast<double>(levels);
    rows.confidence.push_back(confidence);
    rows.weak.push_back(random.uniform() < confidence ? 1 : 0);
    rows.strong.push_back(random.uniform() < 0.9 ? 1 : 0);
  }
  return rows;
}

TEST(Auroc, CountsPairsAndHalvesTies) {
  EXPECT_DOUBLE_EQ(*auroc({0.1, 0.4, 0.35, 0.8}, {0, 0, 1, 1}), 0.75);
  EXPECT_DOUBLE_EQ(*auroc({0.5, 0.5, 0.5}, {0, 1, 1}), 0.5);
  EXPECT_DOUBLE_EQ(*auroc({1, 2, 3}, {0, 1, 1}), 1);
  EXPECT_EQ(auroc({1, 2}, {1, 1}), std::nullopt);
}

TEST(StudyCascade, AGoodConfidenceBeatsChanceAndCalibrationHoldsOnOtherRows) {
  CascadeRows rows = make_rows(2000, 20, 3);
  const CascadeFigures good = study_cascade(rows, {.seed = 1, .repeats = 5, .resamples = 50});
  EXPECT_GT(*good.auroc_weak_right, 0.75);
  EXPECT_GT(*good.auroc_strong_better, 0.65);
  EXPECT_GT(good.summary.apgr, 0.6);
  EXPECT_LT(good.ece_before, 0.05);
  for (double& confidence : rows.confidence)
    confidence = 0.8 + 0.2 * confidence;
  const CascadeFigures stated = study_cascade(rows, {.seed = 1, .repeats = 5, .resamples = 50});
  EXPECT_NEAR(*stated.auroc_weak_right, *good.auroc_weak_right, 1e-12);
  EXPECT_GT(stated.ece_before, 0.3);
  EXPECT_LT(stated.ece_after, 0.07);
  EXPECT_LT(stated.log_loss_after, stated.log_loss_before);
  EXPECT_NE(stated.map_form, "none");
}

TEST(FitCascade, AcceptsOnlyLevelsWhoseLowerBoundReachesTheTarget) {
  CascadeRows rows;
  const auto add = [&](double confidence, int right, int wrong) {
    for (int i = 0; i < right + wrong; ++i) {
      rows.confidence.push_back(confidence);
      rows.weak.push_back(i < right ? 1 : 0);
    }
  };
  add(0.5, 20, 40);
  add(0.8, 45, 15);
  add(0.9, 80, 2);
  add(0.95, 10, 0);  // fewer than 30: together with the next
  add(1.0, 60, 0);
  const CascadeFit fit = fit_cascade(rows, {.target = 0.9});
  ASSERT_EQ(fit.levels.size(), 4u);
  EXPECT_EQ(fit.levels[3].low, 0.95);
  EXPECT_EQ(fit.levels[3].queries, 70);
  EXPECT_NEAR(fit.levels[2].lower_bound, stats::clopper_pearson_lower(80, 82, 0.05), 1e-12);
  EXPECT_TRUE(fit.reached);
  EXPECT_EQ(fit.escalate_below, fit.map.apply(0.9));
  EXPECT_EQ(fit.give_up_below, 0);
  const CascadeFit strict = fit_cascade(rows, {.target = 0.99});
  EXPECT_FALSE(strict.reached);
  EXPECT_EQ(strict.escalate_below, 1);
}

TEST(FitCascade, GivesUpWhereStrongWouldNotRepair) {
  CascadeRows rows;
  const auto add = [&](double confidence, double weak, double strong, int count) {
    for (int i = 0; i < count; ++i) {
      rows.confidence.push_back(confidence);
      rows.weak.push_back(weak);
      rows.strong.push_back(strong);
    }
  };
  add(0.1, 0, 0, 100);  // nobody knows
  add(0.5, 0, 1, 100);
  add(0.9, 1, 1, 100);
  const CascadeFit fit = fit_cascade(rows, {.target = 0.9, .unsolvable = 0.05});
  EXPECT_GT(fit.give_up_below, fit.map.apply(0.1));
  EXPECT_LE(fit.give_up_below, fit.map.apply(0.5));
  EXPECT_GT(fit.escalate_below, fit.map.apply(0.5));
}

}  // namespace
}  // namespace weir::eval
