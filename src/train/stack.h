// Stacked generalisation (Wolpert 1992; Breiman 1996): how much to trust each of several
// predictions, learned on predictions of rows that their fits have not seen.
// Pure, thread-safe.
#pragma once

#include <span>
#include <vector>

namespace weir::train {

struct Stack {
  std::vector<double> weights;  // one a column
  double intercept = 0;

  double operator()(std::span<const double> values) const;
};

enum class Sign { kNotNegative, kAny };

struct StackColumn {
  std::span<const double> values;
  // How strongly its weight is pulled to 0: a ridge penalty relative to the column's variance. The
  // default only keeps columns that say the same from sharing their weight at random.
  double pull = 0.02;
  Sign sign = Sign::kNotNegative;
};

// Least squares by coordinate descent. Requires columns and weights of targets.size() values.
Stack fit_stack(std::span<const StackColumn> columns, std::span<const double> targets,
                std::span<const double> weights);

}  // namespace weir::train
