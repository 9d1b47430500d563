// A small neural network for a number: one hidden layer of rectified linear units, least squares by
// Adam (Kingma and Ba 2015) with decoupled weight decay (Loshchilov and Hutter 2019).
// Pure, thread-safe; the same input and seed give the same network on one machine.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "train/examples.h"
#include "train/fit.h"

namespace weir::train {

inline constexpr size_t kHiddenUnits = 32;

struct Mlp {
  std::vector<float> hidden_weights;  // [kHiddenUnits, dimension], of the vectors as they are
  std::vector<float> hidden_bias;     // [kHiddenUnits]
  std::vector<float> weights;         // [kHiddenUnits]
  double intercept = 0;

  double operator()(std::span<const float> vector) const;
};

// Fits the vectors of `rows` to `targets`. Requires as many targets and weights as rows, and at
// least one row.
Mlp fit_mlp(const Examples& examples, const Rows& rows, std::span<const double> targets,
            std::span<const double> weights, int64_t seed);

}  // namespace weir::train
