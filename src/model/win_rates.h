// Estimates of kinds that know models by battles only. Pure, thread-safe.
#pragma once

#include <span>
#include <vector>

#include "model/bradley_terry.h"
#include "model/workspace.h"

namespace weir::model {

// Leaves one estimate a model: quality is its mean probability of beating the others.
inline void leave_win_rates(std::span<const double> ratings,
                            std::vector<ModelEstimate>& estimates) {
  estimates.clear();
  for (size_t i = 0; i < ratings.size(); ++i) {
    double sum = 0;
    for (size_t j = 0; j < ratings.size(); ++j)
      if (j != i) sum += win_probability(ratings[i], ratings[j]);
    estimates.push_back({.quality = sum / static_cast<double>(ratings.size() - 1)});
  }
}

}  // namespace weir::model
