// Lines of a stream with a bound on their length, for commands that read standard input of any
// size in constant memory.
#pragma once

#include <cstdio>
#include <expected>
#include <optional>
#include <string>

#include "base/error.h"

namespace weir::apps {

class LineReader {
 public:
  // `stream` stays the caller's.
  LineReader(std::FILE* stream, size_t limit_bytes) : stream_(stream), limit_bytes_(limit_bytes) {}

  // The next line without its end; nullopt at the end of the stream. Fails: kTooLarge, kIo, naming
  // the line.
  [[nodiscard]] std::expected<std::optional<std::string>, Error> next();
  // Whether next() would find bytes, or the end, without waiting.
  bool ready() const;
  size_t line_number() const { return line_number_; }  // of the last line, from 1

 private:
  std::FILE* stream_;
  size_t limit_bytes_;
  size_t line_number_ = 0;
};

}  // namespace weir::apps
