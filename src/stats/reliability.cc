#include "stats/reliability.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "base/check.h"

namespace weir::stats {

double log_loss(std::span<const double> probs, std::span<const int> outcomes) {
  CHECK(!probs.empty() && probs.size() == outcomes.size());
  double sum = 0;
  for (size_t i = 0; i < probs.size(); ++i) {
    const double p = std::clamp(probs[i], 1e-15, 1 - 1e-15);
    sum -= outcomes[i] == 1 ? std::log(p) : std::log1p(-p);
  }
  return sum / static_cast<double>(probs.size());
}

std::vector<ReliabilityBin> reliability_bins(std::span<const double> probs,
                                             std::span<const int> outcomes, size_t bins) {
  CHECK(!probs.empty() && probs.size() == outcomes.size() && bins > 0);
  std::vector<uint32_t> order(probs.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::sort(order, {}, [probs](uint32_t row) { return std::pair(probs[row], row); });
  std::vector<ReliabilityBin> result;
  size_t begin = 0;
  for (size_t bin = 0; bin < bins && begin < order.size(); ++bin) {
    size_t end = std::max(begin + 1, order.size() * (bin + 1) / bins);
    while (end < order.size() && probs[order[end]] == probs[order[end - 1]])
      ++end;
    ReliabilityBin here{.rows = static_cast<int64_t>(end - begin), .outcome_ci95 = {}};
    uint64_t happened = 0;
    for (size_t i = begin; i < end; ++i) {
      here.mean_prob += probs[order[i]];
      happened += outcomes[order[i]] == 1 ? 1 : 0;
    }
    const auto count = static_cast<double>(here.rows);
    here.mean_prob /= count;
    here.mean_outcome = static_cast<double>(happened) / count;
    here.outcome_ci95 = wilson(happened, static_cast<uint64_t>(here.rows));
    result.push_back(here);
    begin = end;
  }
  return result;
}

double expected_calibration_error(std::span<const ReliabilityBin> bins) {
  double sum = 0, rows = 0;
  for (const ReliabilityBin& bin : bins) {
    const auto count = static_cast<double>(bin.rows);
    sum += count * std::abs(bin.mean_prob - bin.mean_outcome);
    rows += count;
  }
  return rows > 0 ? sum / rows : 0;
}

}  // namespace weir::stats
