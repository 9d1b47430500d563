// Exact statements about a share from counts: Clopper-Pearson bounds (1934), the binomial test, and
// the Hoeffding-Bentkus p-value of a bounded mean (Bates et al. 2021, arXiv 2101.02703;
// Angelopoulos et al. 2021, arXiv 2110.01052). Pure functions, thread-safe.
#pragma once

#include <cstdint>

#include "stats/interval.h"

namespace weir::stats {

// P(X <= k) for X ~ Binomial(n, p). Requires p in [0, 1]; k < 0 gives 0, k >= n gives 1.
double binomial_cdf(int64_t k, int64_t n, double p);

// The one-sided bounds of a share that hold with probability 1 - delta. Require 0 <= k <= n,
// 0 < delta < 1. Zero trials give 0 and 1.
double clopper_pearson_lower(int64_t k, int64_t n, double delta);
double clopper_pearson_upper(int64_t k, int64_t n, double delta);
// Both at delta / 2 = (1 - confidence) / 2.
Interval clopper_pearson(int64_t k, int64_t n, double confidence = 0.95);

// The fewest trials without a failure that bound the share of failures by `limit` at `delta`:
// the least n with (1 - limit)^n <= delta. Requires both in (0, 1).
int64_t least_trials_without_failure(double limit, double delta);

// p-value of "the mean is above `limit`" for n independent values in [0, 1] whose sum is `sum`: it
// is small when the mean lies well below the limit, 1 when it lies at or above. One-sided by
// construction. Requires n >= 1, 0 <= sum <= n, 0 < limit < 1. For counts pass the exact integer.
double hoeffding_bentkus_p_value(double sum, int64_t n, double limit);

}  // namespace weir::stats
