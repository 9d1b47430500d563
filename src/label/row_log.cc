#include "label/row_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/json.h"

namespace weir::label {
namespace {

std::unexpected<Error> io_failure(const std::filesystem::path& path, std::string_view what) {
  return fail(ErrorCode::kIo, fmt::format("{}: {}: {}", path.string(), what, errno_text(errno)));
}

bool is_object(const std::string& line) {
  const auto document = json::Document::parse(line);
  return document && document->root().is_object();
}

}  // namespace

RowLog::RowLog(RowLog&& other) noexcept
    : path_(std::move(other.path_)),
      lock_(std::move(other.lock_)),
      fd_(std::exchange(other.fd_, -1)),
      earlier_(std::move(other.earlier_)),
      cut_torn_line_(other.cut_torn_line_) {}

RowLog::~RowLog() {
  if (fd_ >= 0) ::close(fd_);
}

std::expected<RowLog, Error> RowLog::open(const std::filesystem::path& path) {
  RowLog log;
  log.path_ = path;
  auto lock = FileLock::acquire(path);
  if (!lock && lock.error().code == ErrorCode::kConflict)
    return fail(ErrorCode::kConflict,
                fmt::format("{}: another process is writing it; wait for it or name another file",
                            path.string()));
  if (!lock) return std::unexpected(std::move(lock).error());
  log.lock_ = std::move(*lock);
  TRY_ASSIGN(const std::string content, read_file(path));
  size_t kept = 0, number = 0;
  while (kept < content.size()) {
    const size_t end = content.find('\n', kept);
    ++number;
    if (end == std::string::npos) break;
    std::string line = content.substr(kept, end - kept);
    if (!is_object(line))
      return fail(ErrorCode::kCorrupt,
                  fmt::format("{}:{}: is no row of an earlier run; name another file with --out",
                              path.string(), number));
    log.earlier_.push_back(std::move(line));
    kept = end + 1;
  }
  log.fd_ = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (log.fd_ < 0) return io_failure(path, "cannot be written");
  if (kept < content.size()) {
    log.cut_torn_line_ = true;
    if (::ftruncate(log.fd_, static_cast<off_t>(kept)) != 0)
      return io_failure(path, "its torn last line cannot be cut off");
  }
  return log;
}

std::expected<void, Error> RowLog::append(std::string_view row) {
  const std::string line = std::string(row) + "\n";
  const off_t before = ::lseek(fd_, 0, SEEK_END);
  const ssize_t written = ::write(fd_, line.data(), line.size());
  if (written == static_cast<ssize_t>(line.size())) return {};
  const int cause = written < 0 ? errno : ENOSPC;
  // Part of a line must not stand before the next run's first.
  if (written > 0 && before >= 0 && ::ftruncate(fd_, before) != 0) return io_failure(path_, "cut");
  errno = cause;
  return io_failure(path_, "cannot be written");
}

}  // namespace weir::label
