// Follows one series of journal segments, also while its worker still writes: reads what has come
// since the last call, and says which segments are done with.
// A reader belongs to the ledger thread.
#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "store/journal.h"

namespace weir::store {

// Behind the name of a segment that is kept because some of its records were lost.
inline constexpr std::string_view kDamagedSuffix = ".damaged";

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
  // "<name>.damaged" and logged: the first records one by one, then their number.
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
    int64_t damaged_records = 0;
  };
  [[nodiscard]] std::expected<bool, Error> open_segment();
  [[nodiscard]] std::expected<std::string, Error> read_bytes(int64_t limit_bytes);
  void note_damage(int64_t offset, const Error& why);
  void finish_segment();
  void close_segment();

  std::filesystem::path folder_;
  SegmentName name_;  // of the open segment
  int fd_ = -1;
  Position at_, settled_;
  std::vector<std::pair<int64_t, int64_t>> finished_;  // number, damaged records: since settle()
};

}  // namespace weir::store
