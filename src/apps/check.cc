// weir check: says what is wrong with a settings file, or what it means.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <optional>

#include "apps/commands.h"
#include "apps/data_options.h"
#include "config/load.h"
#include "model/model_files.h"
#include "model/router.h"

namespace weir::apps {
namespace {

constexpr std::string_view kDefaultRouter = "default.weir";

// "router lr ..., threshold 0.5". Fails as Router::load does, naming the route.
std::expected<std::string, Error> describe_router(const gateway::RouteOptions& route,
                                                  const model::StaticEmbedder& embedder) {
  if (route.router_none) return std::string("no router: everything goes to strong");
  std::filesystem::path file = route.router_file;
  if (file.empty()) {
    TRY_ASSIGN(file, model::find_model_file(kDefaultRouter));
  }
  const auto router = model::Router::load(file, embedder);
  if (!router)
    return fail(router.error().code,
                fmt::format("routes.{}.router: {}", route.name, router.error().message));
  if (!route.threshold) return router->describe();
  return fmt::format("{}; in force: {:g} (routes.{}.threshold)", router->describe(),
                     *route.threshold, route.name);
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
  TRY_ASSIGN(const model::StaticEmbedder embedder, load_static_embedder());
  for (const auto& route : options.routes) {
    TRY_ASSIGN(const std::string router, describe_router(route, embedder));
    fmt::print("route {}: weak {}/{}, strong {}/{}, {:g} % control\n  {}\n", route.name,
               route.weak.provider, route.weak.model, route.strong.provider, route.strong.model,
               route.control_share * 100, router);
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
