// The two dialects that weir speaks on both sides.
#pragma once

#include <string_view>

namespace weir::wire {

enum class Dialect { kOpenAi, kAnthropic };

constexpr std::string_view to_string(Dialect dialect) {
  return dialect == Dialect::kOpenAi ? "openai" : "anthropic";
}

}  // namespace weir::wire
