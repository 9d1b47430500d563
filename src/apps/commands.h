// The subcommands of `weir`: one file each, listed in commands.cc in the order of the help text.
// A command reads its arguments with CLI11, prints results to standard output and problems to
// standard error, and returns the exit status: 0 done, 1 failed, 2 wrong usage.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace CLI {
class App;
}

namespace weir::apps {

using Arguments = std::span<const std::string>;  // without the program and command names

struct Command {
  std::string_view name;
  std::string_view summary;  // one line, lower case, no full stop
  int (*run)(Arguments arguments);
};

std::span<const Command> commands();

// Parses `arguments` into `app` (named "weir <command>"). A value is the exit status with which the
// command must return at once (help was printed, or the usage was wrong and has been explained).
[[nodiscard]] std::expected<void, int> parse_arguments(CLI::App& app, Arguments arguments);

// Prints "weir: <message>" to standard error; returns 1.
int report_failure(const Error& error);

}  // namespace weir::apps
