// The append-only journal between the request path and the ledger: one series of segment files a
// worker, so that no lock is on the path. Format: docs/formats/journal.md.
// append() is one write(2) and returns after it: a record survives the death of the process; power
// loss may cost the last `sync_ms`. Segments are imported by the ledger thread (idempotent by id)
// and deleted afterwards; whatever lies there at start is replayed.
// A JournalWriter belongs to one worker.
#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "base/error.h"
#include "store/records.h"

namespace weir::store {

struct JournalOptions {
  int64_t segment_bytes = 4 << 20;   // a new segment begins beyond it
  int64_t segment_ms = 1'000;        // or after this time, so that rows become visible
  int64_t sync_ms = 100;             // background fsync interval
};

class JournalWriter {
 public:
  // `series` is unique among writers of the folder (instance and worker index).
  [[nodiscard]] static std::expected<std::unique_ptr<JournalWriter>, Error> open(
      const std::filesystem::path& folder, std::string_view series, JournalOptions options);
  virtual ~JournalWriter() = default;
  // Fail: kIo (disk full, ...). The caller decides what a failure means (ledger.on_failure).
  [[nodiscard]] virtual std::expected<void, Error> append(const StartRecord& record) = 0;
  [[nodiscard]] virtual std::expected<void, Error> append(const EndRecord& record) = 0;
  // Bytes written and not yet imported by the ledger; above a limit requests wait (nothing drops).
  virtual int64_t backlog_bytes() const = 0;
};

// Reads records of one segment. A torn last record (crash in the middle of a write) ends the
// reading without error; a record that fails its checksum in the middle is kCorrupt with its offset.
using Record = std::variant<StartRecord, EndRecord>;
[[nodiscard]] std::expected<size_t, Error> read_segment(
    std::string_view bytes, const std::function<void(Record&&)>& take);

}  // namespace weir::store
