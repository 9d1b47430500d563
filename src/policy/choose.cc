#include "policy/choose.h"

#include "base/check.h"

namespace weir::policy {
namespace {

struct Verdict {
  Tier tier;
  Reason reason;
};

Verdict judge(const Inputs& in) {
  if (!in.trained) return {Tier::kStrong, Reason::kUntrained};
  if (!needs_score(in)) return {*in.sticky, Reason::kSticky};
  if (!in.score) return {Tier::kStrong, Reason::kCannotJudge};
  return {*in.score >= in.threshold ? Tier::kStrong : Tier::kWeak, Reason::kScore};
}

std::optional<size_t> first_eligible(const Inputs& in, Tier tier) {
  for (size_t i = 0; i < in.candidates.size(); ++i)
    if (in.candidates[i].tier == tier && in.candidates[i].eligible) return i;
  return std::nullopt;
}

// The tier that is to serve, then what may serve in its place: strong behind weak as the fallback,
// weak behind strong only when no strong model can take the request.
void set_attempts(const Inputs& in, Tier wanted, Plan& plan) {
  const auto weak = first_eligible(in, Tier::kWeak);
  const auto strong = first_eligible(in, Tier::kStrong);
  if (wanted == Tier::kWeak && weak) plan.attempts.push_back(*weak);
  if (strong) plan.attempts.push_back(*strong);
  if (plan.attempts.empty() && weak) plan.attempts.push_back(*weak);
  if (plan.attempts.empty() || in.candidates[plan.attempts[0]].tier != wanted)
    plan.reason = Reason::kCapability;
}

}  // namespace

std::string_view to_string(Reason reason) {
  switch (reason) {
    case Reason::kScore:
      return "score";
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

bool needs_score(const Inputs& in) {
  if (!in.trained || in.asked) return false;
  return !in.sticky || (*in.sticky == Tier::kWeak && in.may_move_up);
}

Plan choose(const Inputs& in) {
  CHECK(!in.candidates.empty());
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
  if (in.in_experiment) {
    plan.control = in.unit_draw < in.control_share;
    if (plan.control) plan.assigned = Tier::kStrong;
    if (plan.control && verdict.reason == Reason::kScore) plan.reason = Reason::kControl;
    if (plan.by_score == Tier::kWeak)
      plan.propensity = plan.control ? in.control_share : 1 - in.control_share;
  }
  const bool moved_before = in.served_so_far == Tier::kStrong && plan.assigned == Tier::kWeak;
  if (moved_before) plan.reason = Reason::kSticky;
  set_attempts(in, moved_before ? Tier::kStrong : plan.assigned, plan);
  return plan;
}

}  // namespace weir::policy
