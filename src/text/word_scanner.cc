#include "text/word_scanner.h"

#include <algorithm>

namespace weir::text {

void Word::append(char32_t character) {
  size_ += write_utf8(character, bytes_.data() + size_);
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
