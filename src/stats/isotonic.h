// Isotonic regression by pooling adjacent violators (Ayer et al. 1955): the non-decreasing step
// function nearest to weighted values in squares. Pure functions, thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace weir::stats {

// The fitted value of each row. `values` are in the order of their predictor; `weights` > 0, equal
// sizes.
std::vector<double> pool_adjacent_violators(std::span<const double> values,
                                            std::span<const double> weights);

// A fit against a predictor, linear between knots and flat outside (scikit-learn's
// IsotonicRegression with out_of_bounds="clip"): ascending xs, non-decreasing ys.
struct IsotonicFit {
  std::vector<double> xs, ys;
};

// Rows of equal x are one observation, their mean. Requires equal sizes, at least one row.
IsotonicFit fit_isotonic(std::span<const double> x, std::span<const double> y);

}  // namespace weir::stats
