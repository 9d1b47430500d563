// The append-only journal between the request path and the ledger: one series of segment files a
// worker, so that no lock is on the path. Format: docs/formats/journal.md.
// A record that is committed has been written, so that it survives the death of the process; power
// loss may cost the last `sync_ms`. Requests that are served at the same time share one write(2).
// The ledger thread reads a segment while it is still written, and deletes it once it is complete
// and imported (idempotent by id); whatever lies there at start is replayed. A JournalWriter
// belongs to one worker. SeriesProgress is what the two threads share.
#pragma once

#include <atomic>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/clock.h"
#include "base/error.h"
#include "store/records.h"

namespace weir::store {

struct JournalOptions {
  int64_t segment_bytes = 4 << 20;  // a new segment begins beyond it
  int64_t segment_ms = 60'000;      // or with the first record after this time
  int64_t sync_ms = 100;            // interval of import and fsync in the background
};

// How far a series is written (by its worker) and imported (by the ledger thread).
struct SeriesProgress {
  std::atomic<int64_t> segment_number{0};  // the segment being written; smaller ones are complete
  std::atomic<int64_t> written_bytes{0};   // since the writer was opened
  std::atomic<int64_t> imported_bytes{0};
  std::atomic<bool> failing{false};  // the last append failed
  std::atomic<int64_t> failures{0};  // records that could not be written
};

class JournalWriter {
 public:
  // Records that are written together.
  struct Batch {
    int64_t records = 0;
    bool over = false;             // it was written, or that failed
    std::optional<Error> failure;  // none of its records is in the journal
  };

  // `series` is unique among writers of the folder (letters, digits, '_' and '-'); numbers go on
  // after the segments that lie there. Fails: kIo, kInvalidArgument.
  [[nodiscard]] static std::expected<std::unique_ptr<JournalWriter>, Error> open(
      const std::filesystem::path& folder, std::string_view series, JournalOptions options,
      const Clock& clock = SystemClock::instance(),
      std::shared_ptr<SeriesProgress> progress = std::make_shared<SeriesProgress>());
  virtual ~JournalWriter() = default;
  // Group commit: enqueue() keeps the record in memory, in the batch that it returns. commit()
  // writes the batch, unless that has happened, and says how it went for each of its records.
  // Fails: kIo (disk full, ...): nothing of the batch is left in the segment, and a later one may
  // succeed. The caller decides what a failure means (ledger.on_failure).
  [[nodiscard]] virtual std::shared_ptr<Batch> enqueue(const StartRecord& record) = 0;
  [[nodiscard]] virtual std::shared_ptr<Batch> enqueue(const EndRecord& record) = 0;
  [[nodiscard]] virtual std::expected<void, Error> commit(Batch& batch) = 0;
  [[nodiscard]] std::expected<void, Error> append(const auto& record) {
    return commit(*enqueue(record));
  }
  // Bytes written and not yet imported by the ledger; above a limit requests wait (nothing drops).
  virtual int64_t backlog_bytes() const = 0;
};

// "<series>-<number>.journal"; nullopt for a file of another name.
struct SegmentName {
  std::string series;
  int64_t number = 0;
  std::string file_name() const;
};
std::optional<SegmentName> parse_segment_name(std::string_view file_name);

// Calls `take` for every readable record. Bytes behind the last newline, and a last line that fails
// its checksum, are a write that was cut or is still under way; any other unreadable line is given
// to `damaged` with its offset. Returns how many bytes are settled, that is, without such an end:
// the reader of a live segment goes on from there. Fails: kUnsupported for a segment of a newer
// version, and whatever `take` fails with.
using Record = std::variant<StartRecord, EndRecord>;
struct SegmentVisitor {
  std::function<std::expected<void, Error>(Record&&)> take;
  std::function<void(size_t offset, const Error& why)> damaged;
};
[[nodiscard]] std::expected<size_t, Error> visit_segment(std::string_view bytes,
                                                         const SegmentVisitor& visitor);

// Reads records of one segment, returns their number. A torn last record (crash in the middle of a
// write) ends the reading without error; a record that fails its checksum in the middle is kCorrupt
// with its offset.
[[nodiscard]] std::expected<size_t, Error> read_segment(std::string_view bytes,
                                                        const std::function<void(Record&&)>& take);

}  // namespace weir::store
