#include "apps/provider_command.h"

#include <fmt/format.h>
#include <signal.h>

#include <CLI/CLI.hpp>

#include "apps/token_counter.h"
#include "base/files.h"

namespace weir::apps {
namespace {

sigset_t end_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGINT);
  ::sigaddset(&set, SIGTERM);
  return set;
}

}  // namespace

void block_end_signals() {
  const sigset_t set = end_signals();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

void wait_for_signal() {
  const sigset_t set = end_signals();
  int signal = 0;
  ::sigwait(&set, &signal);
}

void add_provider_options(CLI::App& app, ProviderCommand& command) {
  simulate::Options& options = command.options;
  options.port = 9348;
  app.add_option("--address", options.address, "address to listen on")->capture_default_str();
  app.add_option("--port", options.port, "port to listen on; 0: the system chooses")
      ->capture_default_str();
  app.add_option("--workers", options.workers, "threads")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  app.add_option("--latency-ms", options.latency_ms, "wait before every answer")
      ->check(CLI::Range(0, 600'000))
      ->capture_default_str();
  app.add_option("--tokens-per-second", options.tokens_per_second,
                 "speed of streams; 0: as fast as they are read")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str();
  app.add_option("--ready-file", command.ready_file, "written with ADDRESS:PORT once listening");
}

int run_provider(ProviderCommand command, std::string_view summary) {
  block_end_signals();
  auto counter = load_token_counter();
  if (!counter) return report_failure(counter.error());
  command.options.count_tokens = std::move(*counter);
  const std::string address = command.options.address;
  auto started = simulate::Simulator::start(std::move(command.options));
  if (!started) return report_failure(started.error());
  const auto& provider = **started;
  if (command.ready_file) {
    const auto written =
        write_file(*command.ready_file, fmt::format("{}:{}\n", address, provider.port()));
    if (!written) return report_failure(written.error());
  }
  fmt::print("{}\nlistening on {}, for clients of OpenAI and Anthropic; any key will do\n", summary,
             provider.base_url());
  std::fflush(stdout);
  wait_for_signal();
  return 0;
}

}  // namespace weir::apps
