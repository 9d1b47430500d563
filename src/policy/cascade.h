// The decision behind a weak answer: keep it, or ask the strong model. Pure, thread-safe.
//
//   raw confidence -> calibration map -> estimate of P(weak answer is right) -> three zones
//     below give_up            kept: nobody is expected to solve it (AutoMix, arXiv 2310.12963)
//     give_up to escalate      escalated
//     from escalate_below on   accepted
//
// An alarm (a refusal, an empty answer ...) escalates whatever the confidence; so does a confidence
// that could not be read.
#pragma once

#include <optional>
#include <string_view>

namespace weir::policy {

inline constexpr double kDefaultEscalateBelow = 0.7;

struct CascadeRule {
  double escalate_below = kDefaultEscalateBelow;
  double give_up_below = 0;  // at most escalate_below; 0: never give up
};

enum class CascadeVerdict { kAccepted, kEscalated, kGaveUp };
std::string_view to_string(CascadeVerdict verdict);  // "accepted", "escalated", "gave_up"

struct WeakAnswer {
  std::optional<double> prob_right;  // nullopt: no confidence could be read
  bool alarm = false;
};
CascadeVerdict judge_weak_answer(const CascadeRule& rule, const WeakAnswer& answer);

}  // namespace weir::policy
