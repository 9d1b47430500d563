// Runs a program that judges an answer: bounded in time and output, never waited for by blocking an
// event loop. The program gets the text on standard input, runs in a process group of its own
// (killed as a whole at the limit) and sees of the environment what weir sees plus `environment`.
// A CommandRun belongs to one thread.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/error.h"

namespace weir::quality {

struct CommandLimits {
  int64_t timeout_ms = 10'000;
  size_t output_bytes = 64 << 10;  // of standard output; more ends the program as a failure
};

struct CommandEnd {
  // 0 to 255; -1 to -64: ended by that signal; kTimedOut, kTooMuchOutput.
  static constexpr int kTimedOut = -1000;
  static constexpr int kTooMuchOutput = -1001;
  int status = 0;
  std::string output = {};  // standard output; standard error is not read
};

class CommandRun {
 public:
  // argv[0] is searched in PATH. Fails: kNotFound and kIo naming the program.
  [[nodiscard]] static std::expected<CommandRun, Error> start(
      std::span<const std::string> argv, std::string input, const CommandLimits& limits,
      const std::vector<std::pair<std::string, std::string>>& environment = {},
      const Clock& clock = SystemClock::instance());
  CommandRun(CommandRun&&) noexcept;
  CommandRun& operator=(CommandRun&&) noexcept;
  ~CommandRun();  // kills what still runs

  // Moves bytes without waiting; a value once the program has ended. Call it every few
  // milliseconds (Worker::sleep) until then.
  std::optional<CommandEnd> poll();

 private:
  struct State;
  explicit CommandRun(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// The same, waiting on the calling thread.
[[nodiscard]] std::expected<CommandEnd, Error> run_command(
    std::span<const std::string> argv, std::string input, const CommandLimits& limits,
    const std::vector<std::pair<std::string, std::string>>& environment = {});

}  // namespace weir::quality
