// PPI++: the mean of what people would say, from a few items that people judged and many that only
// a judge did. The judge's bias is corrected by the items that both have seen.
// Source: Angelopoulos et al. 2023 (arXiv 2301.09633, 2311.01453), ppi_py's ppi_mean_ci with the
// power-tuned weight. Normal approximation: not for fewer than about 50 items that people judged.
// Pure, thread-safe.
#pragma once

#include <optional>
#include <span>

#include "stats/interval.h"

namespace weir::stats {

struct PpiMean {
  double mean = 0;
  double weight = 0;  // of the judge, 0: not used, 1: fully
  Interval interval;
};

// `human` and `judge` are of the same items; `judge_only` of the others. `weight`: 0 to 1, by
// default the one with the smallest variance. Requires at least 2 values each, equal sizes of the
// first two, 0 < confidence < 1.
PpiMean ppi_mean(std::span<const double> human, std::span<const double> judge,
                 std::span<const double> judge_only, double confidence = 0.95,
                 std::optional<double> weight = {});

}  // namespace weir::stats
