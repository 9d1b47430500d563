// The --state option that report, export and show share, and the times they take.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>

#include "base/error.h"
#include "store/ledger.h"

namespace CLI {
class App;
}

namespace weir::apps {

struct PeriodOptions {
  std::string state;
  std::string since;
};

// Adds --state; `options` must live until the arguments are parsed.
void add_state_option(CLI::App& app, PeriodOptions& options);
// Adds --since.
void add_since_option(CLI::App& app, PeriodOptions& options);

[[nodiscard]] std::expected<std::unique_ptr<store::ReadLedger>, Error> open_ledger(
    const PeriodOptions& options);
// 0, the beginning of time, when --since was not given.
[[nodiscard]] std::expected<int64_t, Error> since_us(const PeriodOptions& options);

}  // namespace weir::apps
