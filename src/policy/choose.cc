#include "policy/choose.h"

#include <algorithm>

#include "base/check.h"

namespace weir::policy {
namespace {

struct Verdict {
  Tier tier;
  Reason reason;
  std::optional<double> prob_strong = {};
};

// The eligible candidate for which `worth` is largest, the weakest of equals; candidates without a
// worth are passed over.
template <typename Worth>
std::optional<size_t> best_eligible(const Inputs& in, Worth worth) {
  std::optional<size_t> best;
  double most = 0;
  for (size_t i = 0; i < in.candidates.size(); ++i) {
    if (!in.candidates[i].eligible) continue;
    const std::optional<double> value = worth(in.candidates[i]);
    if (!value || (best && *value <= most)) continue;
    best = i, most = *value;
  }
  return best;
}

std::optional<double> negative_cost(const Candidate& candidate) {
  if (!candidate.cost_nanousd) return std::nullopt;
  return -static_cast<double>(*candidate.cost_nanousd);
}

std::optional<size_t> most_valuable(const Inputs& in) {
  return best_eligible(in, [&](const Candidate& c) -> std::optional<double> {
    if (!c.quality || !c.cost_nanousd) return std::nullopt;
    return in.value_nanousd * *c.quality - static_cast<double>(*c.cost_nanousd);
  });
}

// Where a cost is unknown, the ladder says what is cheap.
std::optional<size_t> cheapest_above_floor(const Inputs& in) {
  const bool priced = std::ranges::all_of(
      in.candidates, [](const Candidate& c) { return !c.eligible || c.cost_nanousd; });
  const auto chosen = best_eligible(in, [&](const Candidate& c) -> std::optional<double> {
    if (!c.quality || *c.quality < in.quality_floor) return std::nullopt;
    return priced ? negative_cost(c) : -static_cast<double>(c.tier);
  });
  if (chosen) return chosen;
  return best_eligible(in, [](const Candidate& c) { return c.quality; });
}

std::optional<size_t> by_estimates(const Inputs& in) {
  return in.rule == Rule::kValue ? most_valuable(in) : cheapest_above_floor(in);
}

Verdict judge_afresh(const Inputs& in) {
  if (in.wanted) return {in.candidates[*in.wanted].tier, Reason::kSemantic};
  if (in.weak_first) return {in.candidates.front().tier, Reason::kCascade};
  if (!in.score) return {Tier::kStrong, Reason::kCannotJudge};
  if (in.explore) {
    const double p = std::clamp(*in.score, *in.explore, 1 - *in.explore);
    return {Tier::kWeak, Reason::kExplore, std::max(p, in.sticky_prob_strong.value_or(0))};
  }
  if (in.rule == Rule::kThreshold) {
    const bool strong = *in.score >= in.threshold;
    return {strong ? Tier::kStrong : in.candidates.front().tier, Reason::kScore};
  }
  const auto chosen = by_estimates(in);
  if (!chosen) return {Tier::kStrong, Reason::kCannotJudge};
  return {in.candidates[*chosen].tier, Reason::kScore};
}

// The tier of the score: afresh where that can change it, and never lower than before.
Verdict judge(const Inputs& in) {
  if (!in.trained) return {Tier::kStrong, Reason::kUntrained};
  if (!needs_score(in)) return {*in.sticky, Reason::kSticky, in.sticky_prob_strong};
  Verdict verdict = judge_afresh(in);
  if (in.sticky && verdict.tier < *in.sticky) verdict = {*in.sticky, Reason::kSticky};
  return verdict;
}

// What is to serve: the first model at the wanted tier or above that can take the request, else the
// strongest that can; behind it the strongest as the fallback.
void set_attempts(const Inputs& in, Tier wanted, Plan& plan) {
  std::optional<size_t> first, strongest;
  for (size_t i = 0; i < in.candidates.size(); ++i) {
    if (!in.candidates[i].eligible) continue;
    if (!first && in.candidates[i].tier >= wanted) first = i;
    strongest = i;
  }
  if (!first) first = strongest;
  if (first) plan.attempts.push_back(*first);
  if (strongest != first) plan.attempts.push_back(*strongest);
  if (!first || in.candidates[*first].tier != wanted) plan.reason = Reason::kCapability;
}

// Sets who is in the control group, or drawn, and how probable that was.
void assign(const Inputs& in, const Verdict& verdict, Plan& plan) {
  const double control_share = in.in_experiment ? in.control_share : 0;
  const double p = verdict.prob_strong.value_or(plan.by_score == Tier::kStrong ? 1 : 0);
  if (verdict.prob_strong && in.explore_draw < p) plan.assigned = Tier::kStrong;
  plan.control = in.in_experiment && in.unit_draw < control_share;
  if (plan.control) plan.assigned = Tier::kStrong;
  const bool judged = verdict.reason == Reason::kScore || verdict.reason == Reason::kSemantic ||
                      verdict.reason == Reason::kExplore || verdict.reason == Reason::kCascade;
  if (plan.control && judged) plan.reason = Reason::kControl;
  plan.propensity = plan.assigned == Tier::kStrong ? control_share + (1 - control_share) * p
                                                   : (1 - control_share) * (1 - p);
}

}  // namespace

std::string_view to_string(Reason reason) {
  switch (reason) {
    case Reason::kScore:
      return "score";
    case Reason::kSemantic:
      return "semantic";
    case Reason::kCascade:
      return "cascade";
    case Reason::kExplore:
      return "explore";
    case Reason::kControl:
      return "control";
    case Reason::kSticky:
      return "sticky";
    case Reason::kUntrained:
      return "untrained";
    case Reason::kCannotJudge:
      return "cannot_judge";
    case Reason::kNamed:
      return "named";
    case Reason::kHeader:
      return "header";
    case Reason::kOff:
      return "off";
    case Reason::kCapability:
      return "capability";
    case Reason::kObserve:
      return "observe";
  }
  return "";
}

std::string_view to_string(Rule rule) {
  switch (rule) {
    case Rule::kThreshold:
      return "threshold";
    case Rule::kValue:
      return "value_usd";
    case Rule::kQualityFloor:
      return "quality_floor";
  }
  return "";
}

bool needs_score(const Inputs& in) {
  if (!in.trained || in.asked) return false;
  return !in.sticky || (*in.sticky != Tier::kStrong && in.may_move_up);
}

Plan choose(const Inputs& in) {
  CHECK(!in.candidates.empty() && in.candidates.size() <= kMostCandidates);
  CHECK(!in.explore || (*in.explore > 0 && *in.explore <= 0.5));
  CHECK(!in.wanted || *in.wanted < in.candidates.size());
  Plan plan;
  if (in.asked) {
    plan.reason = Reason::kHeader;
    plan.assigned = plan.by_score = *in.asked;
    set_attempts(in, *in.asked, plan);
    return plan;
  }
  const Verdict verdict = judge(in);
  plan.reason = verdict.reason;
  plan.assigned = plan.by_score = verdict.tier;
  plan.prob_strong = verdict.prob_strong;
  assign(in, verdict, plan);
  const bool moved_before = in.served_so_far && plan.assigned < *in.served_so_far;
  if (moved_before) plan.reason = Reason::kSticky;
  set_attempts(in, moved_before ? *in.served_so_far : plan.assigned, plan);
  return plan;
}

}  // namespace weir::policy
