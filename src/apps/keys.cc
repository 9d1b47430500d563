// weir keys new: makes a key for a client.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "apps/commands.h"
#include "config/client_keys.h"
#include "config/load.h"

namespace weir::apps {

int run_keys(Arguments arguments) {
  std::string id = "client";
  CLI::App app("Keys with which clients call weir.", "weir keys");
  app.require_subcommand(1);
  auto* make = app.add_subcommand("new", "prints a new key once, and its line for weir.yaml");
  make->add_option("--id", id, "name of the key in reports")->capture_default_str();
  if (const auto parsed = parse_arguments(app, arguments); !parsed) return parsed.error();
  const std::string key = config::make_client_key();
  const std::string lines = fmt::format("keys:\n  {}: {}\n", id, config::hash_client_key(key));
  // The settings know which ids are allowed.
  const auto checked =
      config::load_text(lines, "--id", {std::nullopt, config::process_environment(), {}});
  if (!checked) return report_failure(checked.error());
  fmt::print(
      "key, shown only now; the client sends it as 'Authorization: Bearer' or "
      "'x-api-key':\n\n  {}\n\nfor weir.yaml, which stores only its hash:\n\n{}",
      key, lines);
  return 0;
}

}  // namespace weir::apps
