#include "quality/command.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/check.h"
#include "base/files.h"

extern char** environ;

namespace weir::quality {
namespace {

constexpr size_t kPieceBytes = 16 << 10;
constexpr int kWaitMs = 5;

// A descriptor that closes itself.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    close();
    fd_ = std::exchange(other.fd_, -1);
    return *this;
  }
  ~Descriptor() { close(); }
  int get() const { return fd_; }
  bool open() const { return fd_ >= 0; }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

struct Pipe {
  Descriptor read, write;
};

std::expected<Pipe, Error> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    return fail(ErrorCode::kIo, "cannot make a pipe: " + errno_text(errno));
  return Pipe{Descriptor(ends[0]), Descriptor(ends[1])};
}

void set_nonblocking(int fd) {
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
}

// What weir's environment holds, with `more` in place of its own.
std::vector<std::string> environment_with(
    const std::vector<std::pair<std::string, std::string>>& more) {
  std::vector<std::string> out;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const auto replaced = [&](const auto& one) { return text.starts_with(one.first + "="); };
    if (std::none_of(more.begin(), more.end(), replaced)) out.emplace_back(text);
  }
  for (const auto& [name, value] : more)
    // An environment string ends at a NUL byte.
    out.push_back(name + "=" + value.substr(0, value.find('\0')));
  return out;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts)
    out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

}  // namespace

struct CommandRun::State {
  const Clock* clock = nullptr;
  Deadline deadline;
  size_t output_limit = 0;
  pid_t process = -1;
  Descriptor input_pipe, output_pipe;
  std::string input;
  size_t written = 0;
  CommandEnd end;
  bool over = false;

  ~State() {
    if (!over && process > 0) {
      kill_group();
      ::waitpid(process, nullptr, 0);
    }
  }
  void kill_group() const { ::kill(-process, SIGKILL); }
  void write_some();
  void read_some();
  void end_with(int status) {
    kill_group();
    ::waitpid(process, nullptr, 0);
    end.status = status;
    over = true;
  }
};

void CommandRun::State::write_some() {
  while (input_pipe.open()) {
    if (written == input.size()) return input_pipe.close();
    const ssize_t sent = ::write(input_pipe.get(), input.data() + written, input.size() - written);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) return;
    // A program may decide without reading all.
    if (sent < 0) return input_pipe.close();
    written += static_cast<size_t>(sent);
  }
}

void CommandRun::State::read_some() {
  std::array<char, kPieceBytes> piece;
  while (output_pipe.open() && end.output.size() <= output_limit) {
    const ssize_t got = ::read(output_pipe.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) return output_pipe.close();
    end.output.append(piece.data(), static_cast<size_t>(got));
  }
}

std::expected<CommandRun, Error> CommandRun::start(
    std::span<const std::string> argv, std::string input, const CommandLimits& limits,
    const std::vector<std::pair<std::string, std::string>>& environment, const Clock& clock) {
  CHECK(!argv.empty());
  TRY_ASSIGN(Pipe in, make_pipe());
  TRY_ASSIGN(Pipe out, make_pipe());
  std::vector<std::string> words(argv.begin(), argv.end());
  std::vector<std::string> variables = environment_with(environment);

  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, in.read.get(), STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, out.write.get(), STDOUT_FILENO);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  // weir blocks the signals that it waits for and ignores SIGPIPE; the program must not inherit it.
  sigset_t none, all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setpgroup(&attributes, 0);
  ::posix_spawnattr_setflags(
      &attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  auto state = std::make_unique<State>();
  const int failed = ::posix_spawnp(&state->process, words[0].c_str(), &actions, &attributes,
                                    pointers(words).data(), pointers(variables).data());
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) {
    state->process = -1;
    return fail(failed == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
                fmt::format("cannot run '{}': {}", words[0], errno_text(failed)));
  }
  state->clock = &clock;
  state->deadline = Deadline::after_ms(clock, limits.timeout_ms);
  state->output_limit = limits.output_bytes;
  state->input = std::move(input);
  state->input_pipe = std::move(in.write);
  state->output_pipe = std::move(out.read);
  set_nonblocking(state->input_pipe.get());
  set_nonblocking(state->output_pipe.get());
  return CommandRun(std::move(state));
}

CommandRun::CommandRun(std::unique_ptr<State> state) : state_(std::move(state)) {}
CommandRun::CommandRun(CommandRun&&) noexcept = default;
CommandRun& CommandRun::operator=(CommandRun&&) noexcept = default;
CommandRun::~CommandRun() = default;

std::optional<CommandEnd> CommandRun::poll() {
  State& s = *state_;
  if (s.over) return s.end;
  s.write_some();
  s.read_some();
  if (s.end.output.size() > s.output_limit) {
    s.end.output.resize(s.output_limit);
    s.end_with(CommandEnd::kTooMuchOutput);
    return s.end;
  }
  int status = 0;
  const pid_t ended = ::waitpid(s.process, &status, WNOHANG);
  if (ended == s.process) {
    s.read_some();
    if (s.end.output.size() > s.output_limit) s.end.output.resize(s.output_limit);
    // What it has started and left behind ends with it.
    s.kill_group();
    s.end.status = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    s.over = true;
    return s.end;
  }
  if (s.deadline.passed(*s.clock)) {
    s.end_with(CommandEnd::kTimedOut);
    return s.end;
  }
  return std::nullopt;
}

std::expected<CommandEnd, Error> run_command(
    std::span<const std::string> argv, std::string input, const CommandLimits& limits,
    const std::vector<std::pair<std::string, std::string>>& environment) {
  TRY_ASSIGN(CommandRun run, CommandRun::start(argv, std::move(input), limits, environment));
  for (;;) {
    if (auto end = run.poll()) return *std::move(end);
    ::poll(nullptr, 0, kWaitMs);
  }
}

}  // namespace weir::quality
