#include "policy/cascade.h"

#include <algorithm>
#include <cstddef>

#include "base/check.h"

namespace weir::policy {

double mapped_confidence(const CascadeRule& rule, double confidence) {
  const std::vector<double>& xs = rule.knot_confidence;
  const std::vector<double>& ys = rule.knot_accuracy;
  CHECK(xs.size() == ys.size());
  if (xs.empty()) return confidence;
  const auto above = std::ranges::upper_bound(xs, confidence);
  if (above == xs.begin()) return ys.front();
  if (above == xs.end()) return ys.back();
  const auto i = static_cast<size_t>(above - xs.begin());
  const double part = (confidence - xs[i - 1]) / (xs[i] - xs[i - 1]);
  return ys[i - 1] + part * (ys[i] - ys[i - 1]);
}

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
  if (answer.alarm || !answer.confidence) return kEscalated;
  const double accuracy = mapped_confidence(rule, *answer.confidence);
  if (accuracy >= rule.escalate_below) return kAccepted;
  return accuracy < rule.give_up_below ? kGaveUp : kEscalated;
}

}  // namespace weir::policy
