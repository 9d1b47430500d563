#include "wire/sse.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>

namespace weir::wire {
namespace {

// The next CR or LF at or behind `from`, or the size: eight bytes at a time with the exact
// zero-byte trick, because every byte of a stream passes here twice.
size_t find_line_end(std::string_view text, size_t from) {
  constexpr uint64_t kOnes = 0x0101010101010101, kHighs = 0x8080808080808080;
  const auto has_zero = [](uint64_t v) { return ((v - kOnes) & ~v & kHighs) != 0; };
  for (; from + 8 <= text.size(); from += 8) {
    uint64_t word;
    std::memcpy(&word, text.data() + from, 8);
    if (has_zero(word ^ (kOnes * '\n')) || has_zero(word ^ (kOnes * '\r'))) break;
  }
  while (from < text.size() && text[from] != '\n' && text[from] != '\r')
    ++from;
  return from;
}

}  // namespace

void SseReader::feed(std::string_view bytes) {
  if (frame_begin_ == buffer_.size()) {
    scanned_ -= frame_begin_;
    frame_begin_ = 0;
    buffer_.clear();
  } else if (frame_begin_ > (size_t{64} << 10)) {
    buffer_.erase(0, frame_begin_);
    scanned_ -= frame_begin_;
    frame_begin_ = 0;
  }
  buffer_.append(bytes);
}

std::expected<std::optional<SseReader::Frame>, Error> SseReader::next() {
  while (scanned_ < buffer_.size()) {
    const char c = buffer_[scanned_++];
    if (c == '\n' && swallow_lf_) {
      swallow_lf_ = false;
      if (scanned_ == frame_begin_ + 1) {
        frame_begin_ = scanned_;
        has_lead_ = true;
      }
      continue;
    }
    swallow_lf_ = c == '\r';
    if (c != '\n' && c != '\r') {
      line_is_empty_ = false;
      scanned_ = find_line_end(buffer_, scanned_);
      continue;
    }
    if (!line_is_empty_) {
      line_is_empty_ = true;
      continue;
    }
    if (swallow_lf_ && scanned_ < buffer_.size() && buffer_[scanned_] == '\n') {
      ++scanned_;
      swallow_lf_ = false;
    }
    const auto raw = std::string_view(buffer_).substr(frame_begin_, scanned_ - frame_begin_);
    frame_begin_ = scanned_;
    return parse(raw);
  }
  if (buffer_.size() - frame_begin_ > kEventLimitBytes)
    return fail(ErrorCode::kTooLarge, "an event of the provider's stream exceeds 8 MiB");
  return std::nullopt;
}

std::optional<SseReader::Frame> SseReader::finish() {
  if (frame_begin_ == buffer_.size()) return std::nullopt;
  const auto raw = std::string_view(buffer_).substr(frame_begin_);
  frame_begin_ = scanned_ = buffer_.size();
  return parse(raw);
}

SseReader::Frame SseReader::parse(std::string_view raw) {
  Frame frame{.lead = std::exchange(has_lead_, false) ? "\n" : "",
              .raw = raw,
              .event = {},
              .data = {},
              .has_data = false};
  std::string_view rest = raw;
  if (at_start_ && rest.starts_with("\xEF\xBB\xBF")) rest.remove_prefix(3);
  at_start_ = false;
  while (!rest.empty()) {
    const size_t end = find_line_end(rest, 0);
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const size_t colon = line.find(':');
    const std::string_view field = line.substr(0, colon);
    if (field != "data" && field != "event") continue;
    std::string_view value = colon == std::string_view::npos ? "" : line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    if (field == "event") {
      frame.event = value;
    } else if (!frame.has_data) {
      frame.has_data = true;
      frame.data = value;
    } else {
      if (frame.data.data() != joined_.data()) joined_ = frame.data;
      joined_.push_back('\n');
      joined_.append(value);
      frame.data = joined_;
    }
  }
  return frame;
}

}  // namespace weir::wire
