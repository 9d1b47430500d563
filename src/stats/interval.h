// Confidence intervals for means and shares. Pure functions, thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/random.h"

namespace weir::stats {

struct Interval {
  double low = 0, high = 0;

  bool operator==(const Interval&) const = default;
};

// The inverse of the standard normal distribution function, to about 1e-15 (Acklam's rational
// approximation with one Halley step). Requires 0 < p < 1.
double normal_quantile(double p);

// Wilson's score interval (1927) for a share; never leaves [0, 1]. Requires successes <= trials.
// Zero trials give [0, 1].
Interval wilson(uint64_t successes, uint64_t trials, double confidence = 0.95);

// How often each of `rows` rows is drawn when `rows` are drawn with replacement. Replaces `counts`.
void draw_bootstrap_counts(size_t rows, Random& random, std::vector<uint32_t>& counts);

// The middle `confidence` of the values that are finite (percentile bootstrap, Efron 1979);
// nullopt when fewer than half of them are.
std::optional<Interval> percentile_interval(std::span<const double> values,
                                            double confidence = 0.95);

}  // namespace weir::stats
