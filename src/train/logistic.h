// Logistic regression as scikit-learn defines it: StandardScaler, then
//   minimise 1/2 |b|^2 + C sum_i s_i ln(1 + exp(-y_i (b.z_i + b0))), intercept b0 not penalised,
// solved by Newton's method to the optimum. The objective is convex, so the result does not depend
// on the start; tests/python/oracle_lr.py compares it with scikit-learn.
// Pure functions, thread-safe. Memory besides the input: a block of rows and a [d + 1, d + 1]
// matrix.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <vector>

#include "base/error.h"

namespace weir::train {

// Rows of a feature matrix with labels. Views only.
struct Samples {
  std::span<const float> features;  // [n, dimension], row-major
  size_t dimension = 0;
  std::span<const int> labels;      // [n], 0 or 1
  std::span<const double> weights;  // [n], >= 0
  std::span<const uint32_t> rows;   // which of the n rows take part
};

struct Scaler {
  std::vector<double> mean, scale;  // [dimension]
};

// Mean and population standard deviation (ddof 0) in double, sample weights ignored. A feature that
// is constant up to rounding gets scale 1. Requires at least one row.
Scaler fit_scaler(const Samples& samples);

struct LogisticFit {
  std::vector<double> coefficients;  // of the standardised features
  double intercept = 0;
  int steps = 0;             // Newton steps taken
  double gradient_norm = 0;  // max |gradient| at the result
};

// Fails: kInvalidArgument when a class has no weight; kInternal when 100 steps do not reach the
// optimum (features or weights that span too many orders of magnitude).
[[nodiscard]] std::expected<LogisticFit, Error> fit_logistic(const Samples& samples,
                                                             const Scaler& scaler, double c);

}  // namespace weir::train
