// The program: finds the subcommand and runs it.
#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "apps/commands.h"
#include "apps/output.h"
#include "catalog/models.h"

namespace {

void print_help(std::FILE* out) {
  fmt::print(out,
             "weir {} - the LLM router that proves its savings\n\n"
             "usage: weir COMMAND [OPTIONS]   (weir COMMAND --help explains one)\n\n",
             WEIR_VERSION);
  for (const auto& command : weir::apps::commands())
    fmt::print(out, "  {:<10} {}\n", command.name, command.summary);
}

// fmt::print throws when standard output takes no more.
int run(const weir::apps::Command& command, weir::apps::Arguments arguments) {
  try {
    const int status = command.run(arguments);
    return status != 0 ? status : weir::apps::exit_status({});
  } catch (const std::system_error& error) {
    if (error.code() == std::errc::broken_pipe) return 0;
    return weir::apps::report_failure({weir::ErrorCode::kIo, error.what()});
  }
}

}  // namespace

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.empty()) {
    print_help(stderr);
    return 2;
  }
  const std::string& name = arguments[0];
  if (name == "--help" || name == "-h" || name == "help") {
    print_help(stdout);
    return weir::apps::exit_status({});
  }
  if (name == "--version") {
    fmt::print("weir {}\n", WEIR_VERSION);
    return weir::apps::exit_status({});
  }
  const auto all = weir::apps::commands();
  const auto found = std::ranges::find(all, name, &weir::apps::Command::name);
  if (found != all.end()) return run(*found, std::span(arguments).subspan(1));
  std::vector<std::string> names;
  for (const auto& command : all)
    names.emplace_back(command.name);
  const auto near = weir::catalog::nearest_names(name, names, 1);
  fmt::print(stderr, "weir: unknown command '{}'{}; weir --help lists them\n", name,
             near.empty() ? "" : fmt::format(", did you mean '{}'?", near[0]));
  return 2;
}
