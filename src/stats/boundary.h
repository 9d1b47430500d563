// Boundaries that a sum of centred observations stays under at all times at once, with probability
// 1 - alpha: closed forms of Howard et al. 2021 (arXiv 1810.08240), checked against the vectors of
// gostevehoward/confseq. `v` is the intrinsic time (variance process), s the sum.
// Pure functions, thread-safe.
#pragma once

#include <cstdint>

#include "stats/interval.h"

namespace weir::stats {

// The mixture's parameter that makes a normal mixture tightest near intrinsic time `v`.
double best_rho(double v, double alpha);

// |s| stays under it. `v_opt`: where it is to be tight. Require v >= 0, v_opt > 0, 0 < alpha < 1.
double two_sided_normal_mixture(double v, double alpha, double v_opt);
// s stays under it; solved to rounding.
double one_sided_normal_mixture(double v, double alpha, double v_opt);

// The polynomially stitched boundary for sub-gamma sums with scale `c`, eta 2 and s 1.4; from
// `v_min` on it follows the law of the iterated logarithm.
double poly_stitching(double v, double alpha, double v_min, double c);

// The shares p that a beta-binomial mixture does not reject after k successes in n trials, at any
// time; `t_opt`: the number of trials where it is to be tight. Requires 0 <= k <= n, n >= 1.
Interval bernoulli_interval(int64_t k, int64_t n, double alpha, double t_opt);

}  // namespace weir::stats
