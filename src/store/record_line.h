// One record as one line of a journal segment: eight hex digits of CRC-32C, a space, JSON, newline.
// JSON strings escape control characters, so a newline ends a record and nothing else. Fields at
// their default are left out; unknown fields are ignored, so that an older program reads a newer
// one's records. Format: docs/formats/journal.md. Pure functions, thread-safe.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <variant>

#include "base/error.h"
#include "store/records.h"

namespace weir::store {

inline constexpr int kJournalVersion = 1;
// Longer strings are cut when written: a record stays small whatever a client or provider sends.
inline constexpr size_t kLongestField = 16 << 10;

// The first line of every segment.
struct SegmentHeader {
  int version = kJournalVersion;
  std::string series = {};
  int64_t number = 0;
};

using Line = std::variant<SegmentHeader, StartRecord, EndRecord>;

void append_line(const SegmentHeader& header, std::string& out);
void append_line(const StartRecord& record, std::string& out);
void append_line(const EndRecord& record, std::string& out);

// `line` without its newline. Fails: kCorrupt (checksum, JSON, a record without id), kUnsupported
// (a segment of a newer version).
[[nodiscard]] std::expected<Line, Error> parse_line(std::string_view line);

}  // namespace weir::store
