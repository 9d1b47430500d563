// What a policy would have earned, from what another one did: the estimators of off-policy
// evaluation for discrete actions as st-tech/zr-obp defines them (Dudík et al. 2014, Wang et al.
// 2017 for SWITCH, Su et al. 2020 for DRos). A weight is the probability of the action taken under
// the policy asked about over that under the policy that took it.
// Pure functions, thread-safe.
#pragma once

#include <cstdint>
#include <span>

namespace weir::stats {

// One logged decision. `model_taken`, `model_asked`: what a reward model expects of the action
// taken and, averaged over its actions, of the policy asked about; without such a model both 0.
struct LoggedDecision {
  double reward = 0;
  double weight = 0;  // >= 0, finite
  double model_taken = 0;
  double model_asked = 0;
};

struct OffPolicyEstimates {
  double ips = 0;            // mean w r
  double snips = 0;          // self-normalised
  double clipped_ips = 0;    // weights cut at `clip`
  double direct = 0;         // the reward model alone
  double doubly_robust = 0;  // model plus weighted correction
  double self_normalised_dr = 0;
  double switch_dr = 0;              // correction where w <= clip
  double shrunken_dr = 0;            // DRos: weights l w / (w^2 + l)
  double effective_sample_size = 0;  // (sum w)^2 / sum w^2; 0 when no weight is above 0
};

// Requires at least one decision, clip > 0, shrinkage > 0. Self-normalised figures are NaN where no
// weight is above 0: nothing logged supports the policy.
OffPolicyEstimates estimate_off_policy(std::span<const LoggedDecision> decisions, double clip,
                                       double shrinkage);

}  // namespace weir::stats
