// weir simulate: the built-in provider by itself.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "apps/commands.h"
#include "apps/provider_command.h"

namespace weir::apps {

int run_simulate(Arguments arguments) {
  ProviderCommand command;
  CLI::App app(
      "An OpenAI- and Anthropic-compatible provider that answers checkable questions; "
      "docs/simulator.md",
      "weir simulate");
  add_provider_options(app, command);
  app.add_option("--seed", command.options.seed, "decides which answers are wrong")
      ->capture_default_str();
  if (const auto parsed = parse_arguments(app, arguments); !parsed) return parsed.error();
  return run_provider(std::move(command),
                      fmt::format("simulated models {} and {}: their answers and prices are "
                                  "invented",
                                  simulate::kWeakModel, simulate::kStrongModel));
}

}  // namespace weir::apps
