// weir serve: the gateway itself, until a signal ends it.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <signal.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <optional>
#include <thread>

#include "apps/commands.h"
#include "apps/token_counter.h"
#include "base/files.h"
#include "config/load.h"
#include "gateway/router_models.h"
#include "gateway/service.h"
#include "simulate/server.h"

namespace weir::apps {
namespace {

struct ServeOptions {
  std::optional<std::string> file;
  config::Overrides overrides;
};

std::expected<ServeOptions, int> parse(Arguments arguments) {
  ServeOptions options;
  config::Overrides& to = options.overrides;
  CLI::App app("Routes requests between a weak and a strong model.", "weir serve");
  app.add_option("--config", options.file,
                 "settings file (./weir.yaml where it exists, else the environment)");
  app.add_option("--address", to.address, "address to listen on (127.0.0.1)");
  app.add_option("--port", to.port, "port to listen on (9347); 0: the system chooses");
  app.add_option("--state", to.state_folder, "folder of ledger and journal");
  app.add_option("--seed", to.seed, "makes retries and ids repeatable, for tests");
  app.add_option("--ready-file", to.ready_file, "written with ADDRESS:PORT once listening");
  app.add_flag("--insecure", to.insecure, "allow another address than loopback without keys");
  if (const auto parsed = parse_arguments(app, arguments); !parsed)
    return std::unexpected(parsed.error());
  return options;
}

// Signals are waited for on main, so no other thread may take them.
sigset_t block_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGINT);
  ::sigaddset(&set, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return set;
}

std::expected<std::unique_ptr<simulate::Simulator>, Error> start_simulator(
    gateway::Options& options) {
  simulate::Options simulator_options;
  if (options.seed != 0) simulator_options.seed = options.seed;
  TRY_ASSIGN(simulator_options.count_tokens, load_token_counter());
  std::unique_ptr<simulate::Simulator> simulator;
  TRY_ASSIGN(simulator, simulate::Simulator::start(std::move(simulator_options)));
  for (auto& provider : options.providers)
    if (provider.name == config::kSimulatorProvider) provider.base_url = simulator->base_url();
  for (auto& model : simulate::models())
    options.catalog.put(std::move(model));
  return simulator;
}

void print_route(const gateway::Route& route) {
  const gateway::RouteOptions& options = route.options;
  fmt::print("  route {}: {}, {:g} % of conversations forced strong\n", options.name,
             gateway::describe_models(options), options.control_share * 100);
  if (route.scorer)
    fmt::print("    {}{}\n", route.scorer->description,
               options.threshold ? fmt::format("; in force: {:g} (routes.{}.threshold)",
                                               *options.threshold, options.name)
                                 : "");
  if (route.scorer && route.weak_share_limit < 1)
    fmt::print("    at most {:g} % of the latest scored turns go to weak\n",
               route.weak_share_limit * 100);
  if (!route.scorer) fmt::print("    no trained router: everything goes to the strong model\n");
  if (options.match.empty()) return;
  if (options.mode == gateway::RouteMode::kObserve)
    fmt::print(
        "    observes {}: serves what is asked for and logs what it would have done;\n"
        "    to act on it set routes.{}.mode: route\n",
        fmt::join(options.match, ", "), options.name);
  else
    fmt::print("    routes requests for {}\n", fmt::join(options.match, ", "));
}

void print_start(const gateway::Service& service, const config::Loaded& loaded) {
  const gateway::Options& options = service.snapshot().options();
  fmt::print("weir {} listens on {}\n", WEIR_VERSION, service.base_url());
  for (const auto& note : loaded.notes)
    fmt::print("  {}\n", note);
  for (const auto& route : service.snapshot().routes())
    print_route(*route);
  fmt::print("  ledger in {}\n", options.state_folder);
  fmt::print(
      "try:\n  curl {}/v1/chat/completions -H 'content-type: application/json'{} \\\n"
      "    -d '{{\"model\": \"{}\", \"messages\": [{{\"role\": \"user\", \"content\": "
      "\"What is 17 + 25?\"}}]}}'\n",
      service.base_url(), options.keys.empty() ? "" : " -H 'x-api-key: YOUR_KEY'",
      options.routes.empty() ? "MODEL" : options.routes[0].name);
  std::fflush(stdout);
}

std::expected<void, Error> write_ready_file(const gateway::Service& service) {
  const gateway::Options& options = service.snapshot().options();
  if (options.ready_file.empty()) return {};
  return write_file(options.ready_file,
                    fmt::format("{}:{}\n", options.server.address, service.port()));
}

// Until a first signal; then the service stops, unless a second signal cuts everything.
void wait_and_stop(gateway::Service& service, const sigset_t& signals) {
  int signal = 0;
  ::sigwait(&signals, &signal);
  const int64_t grace_ms = service.snapshot().options().shutdown_grace_ms;
  fmt::print("stopping: running answers have {:g} s; another signal cuts them\n",
             static_cast<double>(grace_ms) / 1000);
  std::fflush(stdout);
  std::atomic<bool> stopped = false;
  std::thread stopper([&] {
    const size_t cut = service.stop(grace_ms);
    if (cut > 0) fmt::print("{} answers were cut\n", cut);
    stopped = true;
  });
  const timespec pause = {.tv_sec = 0, .tv_nsec = 50'000'000};
  while (!stopped)
    // The journal keeps what was written; the next start reads it.
    if (::sigtimedwait(&signals, nullptr, &pause) > 0) std::_Exit(1);
  stopper.join();
}

}  // namespace

int run_serve(Arguments arguments) {
  const auto parsed = parse(arguments);
  if (!parsed) return parsed.error();
  const sigset_t signals = block_signals();

  config::LoadInputs inputs;
  inputs.file = config::find_settings_file(parsed->file);
  inputs.environment = config::process_environment();
  inputs.overrides = parsed->overrides;
  auto loaded = config::load(inputs);
  if (!loaded) return report_failure(loaded.error());

  loaded->options.embed_api_key = inputs.environment("WEIR_EMBED_API_KEY").value_or("");

  std::unique_ptr<simulate::Simulator> simulator;
  if (loaded->use_simulator) {
    auto started = start_simulator(loaded->options);
    if (!started) return report_failure(started.error());
    simulator = std::move(*started);
  }
  auto service = gateway::Service::start(loaded->options, gateway::scorers_from_files());
  if (!service) return report_failure(service.error());
  if (const auto written = write_ready_file(**service); !written)
    return report_failure(written.error());
  if (inputs.file) fmt::print("settings: {}\n", inputs.file->string());
  print_start(**service, *loaded);
  wait_and_stop(**service, signals);
  return 0;
}

}  // namespace weir::apps
