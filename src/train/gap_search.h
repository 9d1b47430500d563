// What the linear routers of the gap have in common: a learner of the gap whose penalty is found by
// cross-validation, stacked with an increasing curve of the length, and mapped to a probability.
// Internal to the folder. Pure, thread-safe.
#pragma once

#include <array>
#include <expected>
#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "model/kernel.h"
#include "train/examples.h"
#include "train/fit.h"
#include "train/folds.h"
#include "train/monotone.h"
#include "train/stack.h"
#include "train/targets.h"

namespace weir::train {

struct GapSearch {
  size_t best = 0;             // which candidate
  double correlation = 0;      // of its stacked predictions with the gap
  Stack stack = {};            // weights of learner and length
  model::GapShape shape = {};  // stands for intercept and learner's weight where ease is given
  GapToProbability map = {};
  std::vector<double> scores = {};  // out of fold, of the rows of the folds
};

// `predicted`: of every candidate the gaps of folds.rows, by fits that have not seen them; `ease`,
// where the learner predicts it, likewise: then the gap may bend with it (model::GapShape).
GapSearch search_gap(const Examples& examples, const Folds& folds,
                     std::span<const std::vector<double>> predicted,
                     std::span<const double> ease = {});

// The curve of ln(1 + characters) for the gap of `rows`.
model::PiecewiseLinear fit_length_gap(const Examples& examples, const Rows& rows);
double log_chars(const Examples& examples, uint32_t row);

// Puts the length, its weight taken in, and the map into the fit.
void store_gap_parts(const Examples& examples, const Rows& rows, const GapSearch& search, Fit& fit);

}  // namespace weir::train
