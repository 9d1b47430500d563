#include "model/calibration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "model/router_file.h"

namespace weir::model {
namespace {

using testing::HasSubstr;

CalibrationMap platt() {
  return {.form = MapForm::kPlatt, .slope = 1.5, .offset = -0.25};
}

CalibrationMap isotonic() {
  return {.form = MapForm::kIsotonic, .scores = {0.2, 0.4, 0.7}, .probs = {0.1, 0.1, 0.9}};
}

TEST(CalibrationMap, NoneLeavesTheScore) {
  for (const double score : {0.0, 0.25, 1.0})
    EXPECT_EQ(CalibrationMap().apply(score), score);
}

// scipy.special.expit(1.5 * scipy.special.logit(x) - 0.25)
TEST(CalibrationMap, PlattIsALineInTheLogit) {
  EXPECT_NEAR(platt().apply(0.5), 0.43782349911420193, 1e-15);
  EXPECT_NEAR(platt().apply(0.2), 0.08871380070193699, 1e-15);
  EXPECT_NEAR(platt().apply(0.9), 0.9546024514625787, 1e-15);
}

TEST(CalibrationMap, IsotonicInterpolatesAndHoldsTheEnds) {
  const auto mixed = [](double prob, double score) { return 0.999 * prob + 0.001 * score; };
  EXPECT_DOUBLE_EQ(isotonic().apply(0), mixed(0.1, 0));
  EXPECT_DOUBLE_EQ(isotonic().apply(0.3), mixed(0.1, 0.3));
  EXPECT_DOUBLE_EQ(isotonic().apply(0.55), mixed(0.5, 0.55));
  EXPECT_DOUBLE_EQ(isotonic().apply(1), mixed(0.9, 1));
}

// What a threshold can separate before, it can separate after.
TEST(CalibrationMap, KeepsTheOrderOfScores) {
  for (const CalibrationMap& map : {platt(), isotonic()}) {
    double last = -1;
    for (int i = 0; i <= 1000; ++i) {
      const double mapped = map.apply(i / 1000.0);
      EXPECT_GT(mapped, last);
      EXPECT_GE(mapped, 0);
      EXPECT_LE(mapped, 1);
      last = mapped;
    }
  }
}

RouterFile calibrated_file(CalibrationMap map) {
  RouterFile file;
  file.kind = Kind::kLength;
  file.trained = true;
  file.feature_spec = "weir-text-1";
  file.models = {"weak", "strong"};
  file.weights = {{"length_knots", {0, 10}}, {"length_values", {0.1, 0.9}}};
  file.calibration = {.map = std::move(map),
                      .fit_rows = 300,
                      .held_out_rows = 200,
                      .seed = 3,
                      .log_loss_before = 0.7,
                      .log_loss_after = 0.5,
                      .ece_before = 0.2,
                      .ece_after = 0.03,
                      .ece_bins = 10,
                      .time = "2026-11-23T00:00:00Z",
                      .data_hash = "ab12"};
  file.thresholds = {{.rule = "recall 0.8",
                      .value = 0.25,
                      .strong_share = 0.4,
                      .rows = 200,
                      .time = "2026-11-23T00:00:00Z",
                      .data_hash = "ab12"}};
  return file;
}

TEST(CalibrationInFile, ComesBackAsItWasWritten) {
  for (const CalibrationMap& map : {CalibrationMap(), platt(), isotonic()}) {
    const RouterFile file = calibrated_file(map);
    const auto back = parse_router_file(encode_router_file(file).value());
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(*back, file);
  }
}

TEST(CalibrationInFile, RefusesMapsThatDoNotRise) {
  const auto error_of = [](const CalibrationMap& map) {
    const auto bytes = encode_router_file(calibrated_file(map));
    return bytes ? "accepted" : bytes.error().message;
  };
  CalibrationMap map = platt();
  map.slope = 0;
  EXPECT_THAT(error_of(map), HasSubstr("'slope'"));
  map = isotonic();
  map.scores[1] = map.scores[0];
  EXPECT_THAT(error_of(map), HasSubstr("'scores'"));
  map = isotonic();
  map.probs[2] = 0;
  EXPECT_THAT(error_of(map), HasSubstr("'probs'"));
  map = isotonic();
  map.probs.pop_back();
  EXPECT_THAT(error_of(map), HasSubstr("as long as"));
  map = isotonic();
  map.scores.clear(), map.probs.clear();
  EXPECT_THAT(error_of(map), HasSubstr("'scores'"));
}

TEST(LabelSample, HoldsWholeVectorsOnly) {
  RouterFile file = calibrated_file({});
  file.kind = Kind::kLr;
  file.embed = {
      .from = EmbedFrom::kStatic, .dimension = 2, .static_hash = 1, .url = {}, .model = {}};
  file.weights = {{"scaler_mean", {0, 0}},
                  {"scaler_scale", {1, 1}},
                  {"coefficients", {0, 0}},
                  {"intercept", {0}}};
  file.label_sample = std::string("\x7f\x01\x02\x80", 4);
  const auto back = parse_router_file(encode_router_file(file).value());
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(*back, file);
  file.label_sample += 'x';
  EXPECT_THAT(encode_router_file(file).error().message, HasSubstr("whole vectors"));
}

}  // namespace
}  // namespace weir::model
