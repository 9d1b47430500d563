#include "store/segment_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <system_error>
#include <utility>

#include "base/files.h"
#include "base/log.h"

namespace weir::store {
namespace fs = std::filesystem;
namespace {

// Random bytes look like very many records: a few say where, their number says how much.
constexpr int64_t kLoggedRecords = 5;

}  // namespace

SegmentReader::SegmentReader(fs::path folder, SegmentName name)
    : folder_(std::move(folder)), name_(std::move(name)) {
  at_.number = settled_.number = name_.number;
}

SegmentReader::SegmentReader(SegmentReader&& other) noexcept
    : folder_(std::move(other.folder_)),
      name_(std::move(other.name_)),
      fd_(std::exchange(other.fd_, -1)),
      at_(other.at_),
      settled_(other.settled_),
      finished_(std::move(other.finished_)) {}

SegmentReader::~SegmentReader() {
  close_segment();
}

std::expected<int64_t, Error> SegmentReader::read(
    int64_t live_number, int64_t limit_bytes,
    const std::function<std::expected<void, Error>(Record&&)>& take) {
  int64_t total = 0;
  for (int64_t want = limit_bytes; total < limit_bytes;) {
    if (at_.number > live_number) break;
    TRY_ASSIGN(const bool exists, open_segment());
    if (!exists) {
      if (at_.number == live_number) break;
      finish_segment();
      continue;
    }
    TRY_ASSIGN(const std::string bytes, read_bytes(want));
    const SegmentVisitor visitor{.take = take, .damaged = [&](size_t offset, const Error& why) {
                                   note_damage(at_.offset + static_cast<int64_t>(offset), why);
                                 }};
    TRY_ASSIGN(const size_t settled, visit_segment(bytes, visitor));
    at_.offset += static_cast<int64_t>(settled);
    total += static_cast<int64_t>(settled);
    const bool at_end = static_cast<int64_t>(bytes.size()) < want;
    if (!at_end) {
      // A line longer than what was read, or an unreadable one at its end: look further.
      want = settled == 0 ? want * 2 : limit_bytes;
      continue;
    }
    if (at_.number == live_number) break;
    finish_segment();
  }
  return total;
}

void SegmentReader::settle() {
  for (const auto& [number, damaged_records] : std::exchange(finished_, {})) {
    const fs::path path = folder_ / SegmentName{name_.series, number}.file_name();
    std::error_code problem;
    if (damaged_records > kLoggedRecords)
      log_error("{}: {} damaged records are lost", path.string(), damaged_records);
    if (damaged_records > 0)
      fs::rename(path, fs::path(path.string() + std::string(kDamagedSuffix)), problem);
    else
      fs::remove(path, problem);
    if (problem && problem != std::errc::no_such_file_or_directory)
      log_warning("cannot remove {}: {}", path.string(), problem.message());
  }
  settled_ = at_;
}

void SegmentReader::go_back() {
  finished_.clear();
  if (at_.number != settled_.number) close_segment();
  at_ = settled_;
}

std::expected<void, Error> SegmentReader::sync() {
  if (fd_ < 0 || ::fdatasync(fd_) == 0) return {};
  return fail(ErrorCode::kIo,
              fmt::format("cannot sync {}: {}", name_.file_name(), errno_text(errno)));
}

std::expected<bool, Error> SegmentReader::open_segment() {
  if (fd_ >= 0) return true;
  name_.number = at_.number;
  const fs::path path = folder_ / name_.file_name();
  fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd_ >= 0) return true;
  if (errno == ENOENT) return false;
  return fail(ErrorCode::kIo, fmt::format("cannot read {}: {}", path.string(), errno_text(errno)));
}

std::expected<std::string, Error> SegmentReader::read_bytes(int64_t limit_bytes) {
  std::string bytes;
  int problem = 0;
  // Without filling it with zeros first: mostly there is far less to read than the limit.
  bytes.resize_and_overwrite(static_cast<size_t>(limit_bytes), [&](char* data, size_t size) {
    size_t filled = 0;
    while (filled < size) {
      const ssize_t n =
          ::pread(fd_, data + filled, size - filled, at_.offset + static_cast<int64_t>(filled));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) problem = errno;
      if (n <= 0) break;
      filled += static_cast<size_t>(n);
    }
    return filled;
  });
  if (problem != 0)
    return fail(ErrorCode::kIo,
                fmt::format("cannot read {}: {}", name_.file_name(), errno_text(problem)));
  return bytes;
}

void SegmentReader::note_damage(int64_t offset, const Error& why) {
  if (++at_.damaged_records > kLoggedRecords) return;
  log_error("{} byte {}: {}; the record is lost", (folder_ / name_.file_name()).string(), offset,
            why.message);
}

void SegmentReader::finish_segment() {
  finished_.emplace_back(at_.number, at_.damaged_records);
  close_segment();
  at_ = {.number = at_.number + 1};
}

void SegmentReader::close_segment() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

}  // namespace weir::store
