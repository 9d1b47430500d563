#include "base/log.h"

#include <unistd.h>

#include <atomic>
#include <string>

#include "base/clock.h"

namespace weir {
namespace {

std::atomic<LogLevel> least_level{LogLevel::kInfo};

const char* name_of(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      return "error";
  }
  return "?";
}

}  // namespace

void set_log_level(LogLevel least) {
  least_level = least;
}

void log_line(LogLevel level, std::string_view text) {
  if (level < least_level.load(std::memory_order_relaxed)) return;
  std::string line =
      fmt::format("{} {}: ", format_rfc3339(SystemClock::instance().unix_us()), name_of(level));
  // A line break or escape from outside data would let it forge a line of its own.
  for (const char c : text)
    line.push_back(static_cast<unsigned char>(c) < 0x20 ? ' ' : c);
  line.push_back('\n');
  [[maybe_unused]] const ssize_t n = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace weir
