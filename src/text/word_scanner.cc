#include "text/word_scanner.h"

#include <algorithm>

namespace weir::text {

void Word::append(char32_t character) {
  const auto put = [this](char32_t byte) { bytes_[size_++] = static_cast<char>(byte); };
  if (character < 0x80) {
    put(character);
  } else if (character < 0x800) {
    put(0xC0 | (character >> 6)), put(0x80 | (character & 0x3F));
  } else if (character < 0x10000) {
    put(0xE0 | (character >> 12)), put(0x80 | ((character >> 6) & 0x3F));
    put(0x80 | (character & 0x3F));
  } else {
    put(0xF0 | (character >> 18)), put(0x80 | ((character >> 12) & 0x3F));
    put(0x80 | ((character >> 6) & 0x3F)), put(0x80 | (character & 0x3F));
  }
}

void Word::settle_marks() {
  if (mark_count_ == 0) return;
  // Insertion sort: stable, in place, and a run has at most kMaxChars marks.
  for (size_t i = 1; i < mark_count_; ++i) {
    const Mark mark = marks_[i];
    size_t slot = i;
    for (; slot > 0 && marks_[slot - 1].rank > mark.rank; --slot)
      marks_[slot] = marks_[slot - 1];
    marks_[slot] = mark;
  }
  for (size_t i = 0; i < mark_count_; ++i)
    append(marks_[i].character);
  mark_count_ = 0;
}

}  // namespace weir::text
