#include "store/records.h"

namespace weir::store {

std::string_view to_string(CallRole role) {
  switch (role) {
    case CallRole::kServed:
      return "served";
    case CallRole::kDiscarded:
      return "discarded";
    case CallRole::kBackground:
      return "background";
    case CallRole::kJudge:
      return "judge";
    case CallRole::kRouter:
      return "router";
    case CallRole::kLabel:
      return "label";
  }
  return "served";
}

std::optional<CallRole> parse_call_role(std::string_view name) {
  for (const auto role : {CallRole::kServed, CallRole::kDiscarded, CallRole::kBackground,
                          CallRole::kJudge, CallRole::kRouter, CallRole::kLabel})
    if (name == to_string(role)) return role;
  return std::nullopt;
}

}  // namespace weir::store
