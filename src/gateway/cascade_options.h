// The settings of a route's cascade. Plain values; their meaning: docs/routers.md, "cascade".
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace weir::gateway {

struct CascadeOptions {
  std::vector<std::string> signals;  // by name; empty: what the router file says, else the default
  std::optional<double> escalate_below, give_up_below;  // above what the router file says
  std::string checker;                                  // quality::Checker, of signal `checker`
  int samples = 3;                                      // of signal `consistency`
  int64_t answer_ms = 60'000;  // for the weak answer as a whole, before strong is asked
  // Phrases of uncertainty by language, in place of those that ship where the language is `en`.
  std::map<std::string, std::vector<std::string>> uncertainty;
};

}  // namespace weir::gateway
