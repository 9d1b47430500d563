// What turns a router's score into a probability that can be compared with money: the calibration
// map of a .weir file, applied in the one forward pass (Router::score), and the thresholds that
// were found on calibrated scores. Fits: train/calibration.h. How and why: docs/calibration.md.
// Values and pure functions, thread-safe; apply does not allocate.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weir::model {

enum class MapForm { kNone, kTemperature, kPlatt, kIsotonic };
std::string_view to_string(MapForm form);

// Every form keeps the order of scores, strictly up to rounding.
struct CalibrationMap {
  MapForm form = MapForm::kNone;
  // kTemperature, kPlatt: p = sigmoid(slope logit(score) + offset), slope > 0; a temperature T is
  // the slope 1/T with offset 0.
  double slope = 1, offset = 0;
  // kIsotonic: knots, scores strictly and probs not strictly ascending; linear between them, flat
  // outside. kOrderShare of the score itself is mixed in, so that flat parts stay ordered.
  std::vector<double> scores = {}, probs = {};

  static constexpr double kOrderShare = 1e-3;

  double apply(double score) const noexcept;  // [0, 1] -> [0, 1]

  bool operator==(const CalibrationMap&) const = default;
};

// The logit of a score that is kept away from 0 and 1.
double clamped_logit(double score) noexcept;

// A map and what it was measured on. Rows of the fit and of the measurement are different queries.
struct Calibration {
  CalibrationMap map = {};
  int64_t fit_rows = 0;
  int64_t held_out_rows = 0;
  int64_t seed = 0;
  // On the held-out rows, of the scores as they come and of the mapped ones.
  double log_loss_before = 0, log_loss_after = 0;
  double ece_before = 0, ece_after = 0;  // expected calibration error, ece_bins bins of equal count
  int64_t ece_bins = 0;
  std::string time;       // RFC 3339
  std::string data_hash;  // SHA-256 of the labelled rows, hexadecimal

  bool operator==(const Calibration&) const = default;
};

// A threshold by meaning, on the scale of the calibrated score.
struct StoredThreshold {
  std::string rule;  // "recall 0.8", "quality 0.95" ...
  double value = 0.5;
  double strong_share = 0;  // of the rows that it was found on
  int64_t rows = 0;
  std::string time;
  std::string data_hash;

  bool operator==(const StoredThreshold&) const = default;
};

}  // namespace weir::model
