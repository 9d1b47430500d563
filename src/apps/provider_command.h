// What `weir simulate` and `weir replay` share: the options of a provider of our own, and running
// it until a signal.
#pragma once

#include <optional>
#include <string>

#include "apps/commands.h"
#include "simulate/server.h"

namespace weir::apps {

struct ProviderCommand {
  simulate::Options options;
  std::optional<std::string> ready_file;
};

// `command` must live until the arguments are parsed.
void add_provider_options(CLI::App& app, ProviderCommand& command);

// Starts, prints `summary` and the address, waits for SIGINT or SIGTERM. Returns the exit status.
int run_provider(ProviderCommand command, std::string_view summary);

// Blocks SIGINT and SIGTERM for the calling thread and those that it starts; wait_for_signal()
// waits for either.
void block_end_signals();
void wait_for_signal();

}  // namespace weir::apps
