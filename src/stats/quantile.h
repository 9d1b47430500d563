// Quantiles as numpy computes them by default (method "linear"): between two order statistics the
// value is interpolated. Pure functions, thread-safe.
#pragma once

#include <span>
#include <vector>

namespace weir::stats {

// Requires `sorted` ascending and not empty, q in [0, 1].
double quantile_of_sorted(std::span<const double> sorted, double q);

// Sorts a copy. Requires at least one value, none of them NaN.
double quantile(std::span<const double> values, double q);

}  // namespace weir::stats
