// Follows one series of journal segments, also while its worker still writes: reads what has come
// since the last call, and says which segments are done with.
// A reader belongs to the ledger thread.
#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "store/journal.h"

namespace weir::store {

class SegmentReader {
 public:
  // Begins at segment `number`.
  SegmentReader(std::filesystem::path folder, SegmentName name);
  SegmentReader(SegmentReader&& other) noexcept;
  ~SegmentReader();

  // Reads on, at most about `limit_bytes`, and gives the records to `take`. `live_number` is the
  // segment being written: every smaller one is complete. Returns the bytes read, 0 when there is
  // nothing new. Fails: kIo, kUnsupported, and whatever `take` fails with; then go_back() first.
  [[nodiscard]] std::expected<int64_t, Error> read(
      int64_t live_number, int64_t limit_bytes,
      const std::function<std::expected<void, Error>(Record&&)>& take);

  // A segment was read to its end since settle(), which will delete it.
  bool has_finished() const { return !finished_.empty(); }

  // What was read is in the database: deletes the complete segments; damaged ones are kept as
  // "<name>.damaged" and logged.
  void settle();
  // Reads again from the last settle().
  void go_back();

  // Makes what is in the live segment durable (fdatasync).
  [[nodiscard]] std::expected<void, Error> sync();
  const std::string& series() const { return name_.series; }

 private:
  struct Position {
    int64_t number = 0;
    int64_t offset = 0;
    bool damaged = false;
  };
  [[nodiscard]] std::expected<bool, Error> open_segment();
  [[nodiscard]] std::expected<std::string, Error> read_bytes(int64_t limit_bytes);
  void finish_segment();
  void close_segment();

  std::filesystem::path folder_;
  SegmentName name_;  // of the open segment
  int fd_ = -1;
  Position at_, settled_;
  std::vector<std::pair<int64_t, bool>> finished_;  // number, damaged: since settle()
};

}  // namespace weir::store
