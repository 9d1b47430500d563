// How far probabilities are from what happens: log loss, reliability bins, expected calibration
// error. Pure functions, thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "stats/interval.h"

namespace weir::stats {

// Mean of -ln p(outcome), p kept away from 0 and 1 by 1e-15. Outcomes are 0 or 1. Requires equal
// sizes, at least one row.
double log_loss(std::span<const double> probs, std::span<const int> outcomes);

struct ReliabilityBin {
  int64_t rows = 0;
  double mean_prob = 0;     // what was said
  double mean_outcome = 0;  // what happened
  Interval outcome_ci95;    // Wilson
};

// At most `bins` bins of nearly equal count in the order of probs; rows of equal probability stay
// in one bin. Equal count, because scores of routers crowd: bins of equal width would leave most
// empty. Requires equal sizes, at least one row, bins >= 1.
std::vector<ReliabilityBin> reliability_bins(std::span<const double> probs,
                                             std::span<const int> outcomes, size_t bins);

// Mean of |said - happened| over the bins, weighted by rows (Naeini et al. 2015).
double expected_calibration_error(std::span<const ReliabilityBin> bins);

}  // namespace weir::stats
