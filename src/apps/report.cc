// weir report: what a period cost, where it went, and what routing is modelled to have saved.
#include "store/report.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "apps/commands.h"
#include "apps/state_option.h"

namespace weir::apps {
namespace {

std::expected<store::Report, Error> read_report(const PeriodOptions& options) {
  TRY_ASSIGN(const int64_t since, since_us(options));
  TRY_ASSIGN(const auto ledger, open_ledger(options));
  return ledger->report(since);
}

}  // namespace

int run_report(Arguments arguments) {
  PeriodOptions options;
  bool json = false;
  CLI::App app("Calls, cost, modelled saving and latency of a period; works while the server runs.",
               "weir report");
  add_state_option(app, options);
  add_since_option(app, options);
  app.add_flag("--json", json, "print JSON (docs/report.md explains the keys)");
  if (const auto parsed = parse_arguments(app, arguments); !parsed) return parsed.error();
  const auto report = read_report(options);
  if (!report) return report_failure(report.error());
  fmt::print("{}", json ? store::report_json(*report) + "\n" : store::report_text(*report));
  return 0;
}

}  // namespace weir::apps
