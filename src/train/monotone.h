// An increasing curve through noisy points: means of equal-sized bins of x, made increasing by
// pooling adjacent violators (Ayer et al. 1955), joined by straight lines.
// Pure, thread-safe.
#pragma once

#include <span>
#include <vector>

#include "model/piecewise.h"

namespace weir::train {

// The weighted least-squares fit that never falls: one value an entry. Requires equal sizes and
// positive weights.
std::vector<double> pool_adjacent_violators(std::span<const double> values,
                                            std::span<const double> weights);

// A bin holds at least 50 points, and there are at most 12. The curve rises everywhere, by at least
// PiecewiseLinear::kTailSlope, so that what it is given keeps its order. Requires equal sizes, at
// least one point and weights of at least 0.
model::PiecewiseLinear fit_increasing(std::span<const double> x, std::span<const double> y,
                                      std::span<const double> weights);

}  // namespace weir::train
