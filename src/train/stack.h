// Stacked generalisation (Wolpert 1992; Breiman 1996): how much to trust each of several
// predictions, learned on predictions of rows that their fits have not seen.
// Pure, thread-safe.
#pragma once

#include <span>
#include <vector>

namespace weir::train {

struct Stack {
  std::vector<double> weights;  // one a column, >= 0
  double intercept = 0;

  double operator()(std::span<const double> values) const;
};

// Least squares with weights that are not negative, found by coordinate descent, and pulled a
// little towards each other, as columns that say the same would otherwise share at random. Requires
// columns and weights of targets.size() values.
Stack fit_stack(std::span<const std::vector<double>> columns, std::span<const double> targets,
                std::span<const double> weights);

}  // namespace weir::train
