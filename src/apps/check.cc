// weir check: says what is wrong with a settings file, or what it means.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <utility>

#include "apps/commands.h"
#include "config/load.h"
#include "gateway/router_models.h"
#include "gateway/snapshot.h"
#include "simulate/server.h"

namespace weir::apps {
namespace {

// "router lr ..., threshold 0.5".
std::string describe_router(const gateway::Route& route) {
  if (route.options.router_none) return "no router: everything goes to strong";
  if (!route.scorer) return "an untrained router: everything goes to strong";
  const gateway::RouteOptions& options = route.options;
  if (options.value_usd)
    return fmt::format("{}; one unit of quality is worth ${:g}", route.scorer->description,
                       *options.value_usd);
  if (options.quality_floor)
    return fmt::format("{}; the cheapest model with quality {:g} or more",
                       route.scorer->description, *options.quality_floor);
  if (!options.threshold) return route.scorer->description;
  return fmt::format("{}; in force: {:g} (routes.{}.threshold)", route.scorer->description,
                     *options.threshold, options.name);
}

// What the server would be started with, so that whatever would keep it from starting is found.
std::expected<std::shared_ptr<const gateway::Snapshot>, Error> build_snapshot(
    const config::Loaded& loaded) {
  constexpr std::string_view kSalt = "0123456789abcdef";
  gateway::Options options = loaded.options;
  if (loaded.use_simulator) {
    for (gateway::ProviderOptions& provider : options.providers)
      provider.base_url = "http://127.0.0.1";
    for (catalog::Model& model : simulate::models())
      options.catalog.put(std::move(model));
  }
  return gateway::Snapshot::build(std::move(options), gateway::scorers_from_files(), kSalt,
                                  "check");
}

std::expected<void, Error> print_summary(const config::Loaded& loaded) {
  const gateway::Options& options = loaded.options;
  fmt::print("listens on {}:{}{}, {} workers, {} client keys\n", options.server.address,
             options.server.port, options.server.tls ? " with TLS" : "", options.server.workers,
             options.keys.size());
  for (const auto& provider : options.providers)
    fmt::print("provider {}: {}{}, {}\n", provider.name,
               provider.speaks_both ? "both dialects" : wire::to_string(provider.dialect),
               provider.simulated ? ", the built-in simulator" : " at " + provider.base_url,
               provider.api_key.empty() ? "no key" : "key set");
  TRY_ASSIGN(const auto snapshot, build_snapshot(loaded));
  for (const auto& built : snapshot->routes()) {
    const gateway::RouteOptions& route = built->options;
    fmt::print("route {}: {}, {:g} % control\n  {}\n", route.name, gateway::describe_models(route),
               route.control_share * 100, describe_router(*built));
    if (!route.match.empty())
      fmt::print("  {} {}\n", route.mode == gateway::RouteMode::kObserve ? "observes" : "routes",
                 fmt::join(route.match, ", "));
  }
  for (const auto& note : loaded.notes)
    fmt::print("note: {}\n", note);
  fmt::print("settings {}: valid\n", options.config_hash);
  return {};
}

}  // namespace

int run_check(Arguments arguments) {
  config::LoadInputs inputs;
  std::optional<std::string> file;
  bool print_settings = false, effective = false;
  CLI::App app("Checks the settings, router files included; docs/settings.md", "weir check");
  app.add_option("--config", file,
                 "settings file (./weir.yaml where it exists, else the environment)");
  app.add_flag("--insecure", inputs.overrides.insecure, "as for weir serve");
  app.add_flag("--effective", effective, "print every setting in effect, secrets hidden");
  app.add_flag("--print-settings", print_settings, "print docs/settings.md");
  if (const auto parsed = parse_arguments(app, arguments); !parsed) return parsed.error();
  if (print_settings) {
    fmt::print("{}", config::settings_markdown());
    return 0;
  }
  inputs.file = config::find_settings_file(file);
  inputs.environment = config::process_environment();
  const auto loaded = config::load(inputs);
  if (!loaded) return report_failure(loaded.error());
  if (effective) {
    fmt::print("{}", loaded->effective);
    return 0;
  }
  if (const auto printed = print_summary(*loaded); !printed) return report_failure(printed.error());
  return 0;
}

}  // namespace weir::apps
