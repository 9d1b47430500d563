#include "policy/cascade.h"

namespace weir::policy {

std::string_view to_string(CascadeVerdict verdict) {
  switch (verdict) {
    case CascadeVerdict::kAccepted:
      return "accepted";
    case CascadeVerdict::kEscalated:
      return "escalated";
    case CascadeVerdict::kGaveUp:
      return "gave_up";
  }
  return "";
}

CascadeVerdict judge_weak_answer(const CascadeRule& rule, const WeakAnswer& answer) {
  using enum CascadeVerdict;
  if (answer.alarm || !answer.prob_right) return kEscalated;
  if (*answer.prob_right >= rule.escalate_below) return kAccepted;
  return *answer.prob_right < rule.give_up_below ? kGaveUp : kEscalated;
}

}  // namespace weir::policy
