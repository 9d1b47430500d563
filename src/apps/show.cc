// weir show ID: one request with its decision and its upstream calls.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <optional>

#include "apps/commands.h"
#include "apps/state_option.h"
#include "base/json.h"
#include "catalog/usage.h"

namespace weir::apps {
namespace {

bool is_empty(json::Value value) {
  return !value.exists() || value.is_null() || value.raw() == "\"\"";
}

std::string text_of(std::string_view name, json::Value value) {
  if (name.ends_with("_nanousd"))
    if (const auto amount = value.as_int64()) return "$" + catalog::format_usd(*amount);
  if (name.ends_with("_us"))
    if (const auto us = value.as_int64())
      return fmt::format("{:.3f} ms", static_cast<double>(*us) / 1e3);
  // Clients choose some of these texts: escapes stay escaped, so that none reaches the terminal.
  if (!value.is_string() || value.raw().contains('\\')) return std::string(value.raw());
  return value.string_or("");
}

std::string label_of(std::string_view name) {
  for (const std::string_view unit : {"_nanousd", "_us"})
    if (name.ends_with(unit)) name.remove_suffix(unit.size());
  std::string label(name);
  std::ranges::replace(label, '_', ' ');
  return label;
}

// Every member that says something, in the order of the row; times stand there in words already.
void print_members(json::Value object, std::string_view indent) {
  for (const json::Value member : object) {
    const std::string name = member.key();
    if (name == "started_us" || name == "ended_us" || name == "calls" || is_empty(member)) continue;
    fmt::print("{}{:<20} {}\n", indent, label_of(name), text_of(name, member));
  }
}

void print_text(json::Value request) {
  print_members(request, "");
  if (is_empty(request["outcome"])) fmt::print("{:<20} {}\n", "outcome", "still running");
  for (const json::Value call : request["calls"]) {
    fmt::print("\ncall {}\n", call["seq"].as_int64().value_or(0) + 1);
    print_members(call, "  ");
    if (call["cost_nanousd"].is_null()) fmt::print("  {:<20} {}\n", "cost", "unknown");
  }
}

std::expected<std::string, Error> read_request(const PeriodOptions& options,
                                               const std::string& id) {
  TRY_ASSIGN(const auto ledger, open_ledger(options));
  return ledger->show(id);
}

}  // namespace

int run_show(Arguments arguments) {
  PeriodOptions options;
  std::string id;
  bool json = false;
  CLI::App app("Shows one request: what was asked, decided, called, counted and paid.",
               "weir show");
  app.add_option("id", id, "the value of x-weir-request-id")->required();
  add_state_option(app, options);
  app.add_flag("--json", json, "print JSON");
  if (const auto parsed = parse_arguments(app, arguments); !parsed) return parsed.error();
  const auto text = read_request(options, id);
  if (!text) return report_failure(text.error());
  if (json) {
    fmt::print("{}\n", *text);
    return 0;
  }
  const auto document = json::Document::parse(*text);
  if (!document) return report_failure(document.error());
  print_text(document->root());
  return 0;
}

}  // namespace weir::apps
