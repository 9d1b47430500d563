// What the routers of the gap family learn from: the gap q_strong - q_weak of every row, and from a
// predicted gap to P(strong needed). Pure, thread-safe.
#pragma once

#include <cmath>
#include <span>
#include <vector>

#include "train/examples.h"
#include "train/fit.h"

namespace weir::train {

// The gap of each of `rows`. With several sources, each with its own pair of models, every source's
// mean is taken off its rows: between sources the mean tells the pairs apart, not the queries.
std::vector<double> gap_targets(const Examples& examples, const Rows& rows);

// How easy each of `rows` is: q_strong + q_weak, likewise. Less noisy than the gap, and the gap
// depends on it: small where both models succeed and where both fail.
std::vector<double> ease_targets(const Examples& examples, const Rows& rows);

// The weight of each of `rows`.
std::vector<double> weights_of(const Examples& examples, const Rows& rows);

// P(strong needed) = 1 / (1 + exp(-(slope * gap + offset))), slope > 0.
struct GapToProbability {
  double slope = 1, offset = 0;

  double operator()(double gap) const { return 1 / (1 + std::exp(-(slope * gap + offset))); }
};

// By maximum likelihood on gaps that were predicted for rows not fitted on (Platt 1999). Where the
// predictions say nothing of the labels, or only one label is there, the slope is small and the
// offset gives the share of label 1.
GapToProbability fit_probability(const Examples& examples, const Rows& rows,
                                 std::span<const double> gaps);

}  // namespace weir::train
