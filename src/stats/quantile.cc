#include "stats/quantile.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace weir::stats {

double quantile_of_sorted(std::span<const double> sorted, double q) {
  CHECK(!sorted.empty() && q >= 0 && q <= 1);
  const double position = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(std::floor(position));
  const size_t above = std::min(below + 1, sorted.size() - 1);
  const double share = position - std::floor(position);
  const double a = sorted[below], b = sorted[above];
  // numpy's _lerp: from the nearer end, so that the result never leaves [a, b].
  const double value = share < 0.5 ? a + (b - a) * share : b - (b - a) * (1 - share);
  return a == b ? a : value;
}

double quantile(std::span<const double> values, double q) {
  std::vector<double> sorted(values.begin(), values.end());
  std::ranges::sort(sorted);
  return quantile_of_sorted(sorted, q);
}

}  // namespace weir::stats
