#include "stats/off_policy.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace weir::stats {

OffPolicyEstimates estimate_off_policy(std::span<const LoggedDecision> decisions, double clip,
                                       double shrinkage) {
  CHECK(!decisions.empty() && clip > 0 && shrinkage > 0);
  double weights = 0, squares = 0, rewards = 0, clipped = 0, direct = 0;
  double correction = 0, switched = 0, shrunken = 0;
  for (const LoggedDecision& d : decisions) {
    CHECK(d.weight >= 0 && std::isfinite(d.weight));
    const double residual = d.reward - d.model_taken;
    weights += d.weight;
    squares += d.weight * d.weight;
    rewards += d.weight * d.reward;
    clipped += std::min(d.weight, clip) * d.reward;
    direct += d.model_asked;
    correction += d.weight * residual;
    if (d.weight <= clip) switched += d.weight * residual;
    shrunken += shrinkage * d.weight / (d.weight * d.weight + shrinkage) * residual;
  }
  const auto n = static_cast<double>(decisions.size());
  return {.ips = rewards / n,
          .snips = rewards / weights,
          .clipped_ips = clipped / n,
          .direct = direct / n,
          .doubly_robust = (direct + correction) / n,
          .self_normalised_dr = direct / n + correction / weights,
          .switch_dr = (direct + switched) / n,
          .shrunken_dr = (direct + shrunken) / n,
          .effective_sample_size = squares > 0 ? weights * weights / squares : 0};
}

}  // namespace weir::stats
