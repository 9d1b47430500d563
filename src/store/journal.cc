#include "store/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/check.h"
#include "base/files.h"
#include "store/record_line.h"

namespace weir::store {
namespace {

constexpr std::string_view kSuffix = ".journal";
constexpr size_t kBatchLimitBytes = 256 << 10;  // beyond it nobody is waited for

bool is_series_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  });
}

class FileWriter final : public JournalWriter {
 public:
  FileWriter(std::filesystem::path folder, SegmentName next, JournalOptions options,
             const Clock& clock, std::shared_ptr<SeriesProgress> progress)
      : folder_(std::move(folder)),
        name_(std::move(next)),
        options_(options),
        clock_(clock),
        progress_(std::move(progress)) {}
  ~FileWriter() override {
    if (batch_->records > 0) write_batch();
    close_segment();
  }

  std::shared_ptr<Batch> enqueue(const StartRecord& record) override { return put(record); }
  std::shared_ptr<Batch> enqueue(const EndRecord& record) override { return put(record); }

  std::expected<void, Error> commit(Batch& batch) override {
    if (!batch.over) {
      CHECK(&batch == batch_.get());
      write_batch();
    }
    if (batch.failure) return std::unexpected(*batch.failure);
    return {};
  }

  int64_t backlog_bytes() const override {
    return progress_->written_bytes.load() - progress_->imported_bytes.load();
  }

  std::expected<void, Error> open_segment() {
    close_segment();
    const auto path = folder_ / name_.file_name();
    fd_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
    if (fd_ < 0) return failure("create");
    opened_us_ = clock_.steady_us();
    segment_bytes_ = 0;
    // Only now: the reader takes every smaller number for complete.
    progress_->segment_number.store(name_.number);
    std::string header;
    append_line(SegmentHeader{.series = name_.series, .number = name_.number}, header);
    return write(header);
  }

 private:
  template <typename R>
  std::shared_ptr<Batch> put(const R& record) {
    append_line(record, pending_);
    ++batch_->records;
    const std::shared_ptr<Batch> batch = batch_;
    if (pending_.size() >= kBatchLimitBytes) write_batch();
    return batch;
  }

  // Ends the batch and begins the next.
  void write_batch() {
    const std::shared_ptr<Batch> batch = std::exchange(batch_, std::make_shared<Batch>());
    const auto written = try_write();
    pending_.clear();
    progress_->failing.store(!written);
    if (!written) {
      progress_->failures += batch->records;
      batch->failure = written.error();
    }
    batch->over = true;
  }

  std::expected<void, Error> try_write() {
    const bool full = segment_bytes_ >= options_.segment_bytes ||
                      clock_.steady_us() - opened_us_ >= options_.segment_ms * 1000;
    if (fd_ < 0 || full) {
      if (fd_ >= 0) ++name_.number;
      TRY(open_segment());
    }
    return write(pending_);
  }

  std::expected<void, Error> write(std::string_view lines) {
    for (std::string_view rest = lines; !rest.empty();) {
      const ssize_t n = ::write(fd_, rest.data(), rest.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) {
        auto failed = failure("write");
        // Part of a line would hide the next one. Where even cutting it off fails, the segment is
        // left with its torn end and the next record begins another.
        if (::ftruncate(fd_, segment_bytes_) != 0 || segment_bytes_ == 0) {
          close_segment();
          ++name_.number;
        }
        return failed;
      }
      rest.remove_prefix(static_cast<size_t>(n));
    }
    const auto size = static_cast<int64_t>(lines.size());
    segment_bytes_ += size;
    progress_->written_bytes += size;
    return {};
  }

  std::unexpected<Error> failure(const char* verb) const {
    return fail(ErrorCode::kIo,
                fmt::format("cannot {} journal {}: {}", verb,
                            (folder_ / name_.file_name()).string(), errno_text(errno)));
  }

  void close_segment() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

  const std::filesystem::path folder_;
  SegmentName name_;  // of the segment being written, or of the next one while fd_ is -1
  const JournalOptions options_;
  const Clock& clock_;
  const std::shared_ptr<SeriesProgress> progress_;
  int fd_ = -1;
  int64_t segment_bytes_ = 0;
  int64_t opened_us_ = 0;
  std::string pending_;  // the lines of batch_
  std::shared_ptr<Batch> batch_ = std::make_shared<Batch>();
};

}  // namespace

std::string SegmentName::file_name() const {
  return fmt::format("{}-{:010}{}", series, number, kSuffix);
}

std::optional<SegmentName> parse_segment_name(std::string_view file_name) {
  if (!file_name.ends_with(kSuffix)) return std::nullopt;
  file_name.remove_suffix(kSuffix.size());
  const size_t dash = file_name.rfind('-');
  if (dash == file_name.npos || !is_series_name(file_name.substr(0, dash))) return std::nullopt;
  const std::string_view digits = file_name.substr(dash + 1);
  SegmentName name{.series = std::string(file_name.substr(0, dash))};
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), name.number);
  if (error != std::errc() || end != digits.data() + digits.size() || name.number < 0)
    return std::nullopt;
  return name;
}

std::expected<std::unique_ptr<JournalWriter>, Error> JournalWriter::open(
    const std::filesystem::path& folder, std::string_view series, JournalOptions options,
    const Clock& clock, std::shared_ptr<SeriesProgress> progress) {
  if (!is_series_name(series))
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' is no name for a journal: letters, digits, '_' and '-'", series));
  SegmentName next{.series = std::string(series), .number = 1};
  std::error_code problem;
  for (const auto& entry : std::filesystem::directory_iterator(folder, problem)) {
    const auto name = parse_segment_name(entry.path().filename().string());
    if (name && name->series == series) next.number = std::max(next.number, name->number + 1);
  }
  if (problem)
    return fail(ErrorCode::kIo,
                fmt::format("cannot list {}: {}", folder.string(), problem.message()));
  auto writer =
      std::make_unique<FileWriter>(folder, std::move(next), options, clock, std::move(progress));
  TRY(writer->open_segment());
  return writer;
}

std::expected<size_t, Error> visit_segment(std::string_view bytes, const SegmentVisitor& visitor) {
  size_t offset = 0;
  std::optional<std::pair<size_t, Error>> doubtful;  // unreadable, and perhaps the torn end
  for (;;) {
    const size_t newline = bytes.find('\n', offset);
    if (newline == bytes.npos) return doubtful ? doubtful->first : offset;
    auto line = parse_line(bytes.substr(offset, newline - offset));
    if (doubtful) visitor.damaged(doubtful->first, doubtful->second);
    doubtful.reset();
    if (!line) {
      if (line.error().code == ErrorCode::kUnsupported) return std::unexpected(line.error());
      doubtful.emplace(offset, std::move(line.error()));
    } else if (auto* start = std::get_if<StartRecord>(&*line)) {
      TRY(visitor.take(std::move(*start)));
    } else if (auto* end = std::get_if<EndRecord>(&*line)) {
      TRY(visitor.take(std::move(*end)));
    }
    offset = newline + 1;
  }
}

std::expected<size_t, Error> read_segment(std::string_view bytes,
                                          const std::function<void(Record&&)>& take) {
  size_t count = 0;
  std::optional<Error> broken;
  const SegmentVisitor visitor{
      .take = [&](Record&& record) -> std::expected<void, Error> {
        if (broken) return {};
        ++count;
        take(std::move(record));
        return {};
      },
      .damaged =
          [&](size_t offset, const Error& why) {
            if (!broken)
              broken = Error{ErrorCode::kCorrupt,
                             fmt::format("journal record at byte {}: {}", offset, why.message)};
          }};
  TRY(visit_segment(bytes, visitor));
  if (broken) return std::unexpected(*broken);
  return count;
}

}  // namespace weir::store
