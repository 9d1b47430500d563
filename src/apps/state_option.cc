#include "apps/state_option.h"

#include <CLI/CLI.hpp>

#include "base/clock.h"
#include "store/report.h"
#include "store/state_folder.h"

namespace weir::apps {

void add_state_option(CLI::App& app, PeriodOptions& options) {
  options.state = store::default_state_folder().string();
  app.add_option("--state", options.state, "the server's state folder")->capture_default_str();
}

void add_since_option(CLI::App& app, PeriodOptions& options) {
  app.add_option("--since", options.since,
                 "a span (30s, 90m, 24h, 7d), a date or an RFC 3339 time; all there is by default");
}

std::expected<std::unique_ptr<store::ReadLedger>, Error> open_ledger(const PeriodOptions& options) {
  return store::ReadLedger::open(options.state);
}

std::expected<int64_t, Error> since_us(const PeriodOptions& options) {
  if (options.since.empty()) return 0;
  return store::parse_since(options.since, SystemClock::instance().unix_us());
}

}  // namespace weir::apps
