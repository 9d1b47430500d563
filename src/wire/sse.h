// Server-sent events from any split of the bytes (WHATWG HTML, 9.2.6: CR, LF and CRLF, BOM,
// comments, data over several lines). Each frame keeps its exact bytes, so that a proxy can pass it
// on: the `raw` of all frames, one after the other, is the input. One reader a stream; not
// thread-safe.
#pragma once

#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace weir::wire {

inline constexpr size_t kEventLimitBytes = size_t{8} << 20;

class SseReader {
 public:
  struct Frame {
    std::string_view lead;   // "\n" or "": belongs to the frame before
    std::string_view raw;    // with the blank line that ends it
    std::string_view event;  // the last `event:` field, "" when none
    std::string_view data;   // `data:` lines joined with LF
    bool has_data = false;   // false: only comments, other fields or blank lines
  };

  void feed(std::string_view bytes);

  // The next whole frame, or nullopt until more bytes come. Its views hold until the next call of
  // any member. Fails: kTooLarge once one frame exceeds kEventLimitBytes.
  [[nodiscard]] std::expected<std::optional<Frame>, Error> next();

  // The end of input: what has no blank line yet is taken as a frame. nullopt when nothing is left.
  std::optional<Frame> finish();

 private:
  Frame parse(std::string_view raw);

  std::string buffer_;
  std::string joined_;  // data of several lines
  size_t frame_begin_ = 0;
  size_t scanned_ = 0;         // no frame ends before this place
  bool line_is_empty_ = true;  // no byte of the current line so far
  bool swallow_lf_ = false;    // the last byte was a CR: an LF belongs to it
  bool has_lead_ = false;
  bool at_start_ = true;  // a byte order mark may stand here
};

}  // namespace weir::wire
