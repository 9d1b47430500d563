// Fits of the map from a router's raw score to P(strong needed), and the choice between them by log
// loss on rows that the fit has not seen. docs/calibration.md.
// Pure for a given seed, thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "model/calibration.h"

namespace weir::train {

// Raw scores of queries and whether strong was needed (1) or not (0).
struct ScoredLabels {
  std::vector<double> scores;
  std::vector<int> labels;

  size_t size() const { return scores.size(); }
};

// sigmoid(A logit(score) + B) by maximum likelihood on the smoothed targets (N+ + 1) / (N+ + 2) and
// 1 / (N- + 2) (Platt 1999), Newton's method to the optimum. The logit of the score is what
// scikit-learn would call the decision function. Requires both labels.
model::CalibrationMap fit_platt(const ScoredLabels& rows);

// sigmoid(logit(score) / T) by maximum likelihood (Guo et al. 2017). Requires at least one row.
model::CalibrationMap fit_temperature(const ScoredLabels& rows);

// Isotonic regression; its ends are kept away from 0 and 1 by 1 / (n + 2). Requires at least one
// row.
model::CalibrationMap fit_isotonic_map(const ScoredLabels& rows);

// Labels that each map needs before it is tried. Isotonic: scikit-learn's documentation advises
// against it "with far fewer than 1,000 samples".
inline constexpr size_t kTemperatureRows = 50;
inline constexpr size_t kPlattRows = 100;
inline constexpr size_t kIsotonicRows = 1000;

struct MapCandidate {
  model::CalibrationMap map = {};  // fitted on all rows
  bool tried = false;
  double log_loss = 0;       // cross-validated, when tried
  std::string why_not = {};  // when not tried
};

struct MapChoice {
  std::vector<MapCandidate> candidates;  // none, temperature, platt, isotonic
  size_t best = 0;

  const model::CalibrationMap& map() const { return candidates[best].map; }
};

// Lowest log loss over five folds; every row is scored by a fit that has not seen it. `folds` holds
// the fold (0 to 4) of every row, equal queries in one. Where the scores rank the wrong way (a
// slope that is not above 0) the map is not tried: it would turn the order round.
MapChoice choose_map(const ScoredLabels& rows, std::span<const uint32_t> folds);
inline constexpr uint32_t kMapFolds = 5;

}  // namespace weir::train
