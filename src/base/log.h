// One line a message on standard error: time, level, text. For the operator, never for data: no
// prompt, answer, key or header value may be passed here (the setting log.texts is the one way to
// have prompts and answers in it).
// Thread-safe: a line is one write(2).
#pragma once

#include <fmt/format.h>

#include <string_view>
#include <utility>

namespace weir {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

void set_log_level(LogLevel least);
void log_line(LogLevel level, std::string_view text);

template <typename... Args>
void log_info(fmt::format_string<Args...> format, Args&&... args) {
  log_line(LogLevel::kInfo, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void log_warning(fmt::format_string<Args...> format, Args&&... args) {
  log_line(LogLevel::kWarning, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void log_error(fmt::format_string<Args...> format, Args&&... args) {
  log_line(LogLevel::kError, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace weir
