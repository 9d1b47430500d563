// Cuts a text into the words that WordPiece and the n-grams see: cleaned, lower-cased, without
// accents, split on space and punctuation. One pass, no allocation; the words live on the stack.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/utf8.h"
#include "text/unicode_tables.h"

namespace weir::text {

enum class WordKind : uint8_t { kWord, kIdeograph, kPunctuation };

// A normalised word under construction or ready to read. Marks wait in a run until it ends, because
// the canonical order of marks may put a later one first.
class Word {
 public:
  static constexpr size_t kMaxChars = 100;

  std::string_view bytes() const { return {bytes_.data(), size_}; }
  WordKind kind() const { return kind_; }
  // More than kMaxChars characters: bytes() holds only the first ones.
  bool overlong() const { return overlong_; }

 private:
  template <class Sink, bool kAsciiFastPath>
  friend class WordScanner;

  struct Mark {
    char32_t character;
    int32_t rank;
  };

  bool is_blank() const { return chars_ == 0; }
  void clear() { size_ = chars_ = mark_count_ = 0, overlong_ = false; }

  void push_ascii(char byte) {
    if (mark_count_ != 0) settle_marks();
    if (chars_ == kMaxChars) return void(overlong_ = true);
    ++chars_;
    bytes_[size_++] = byte;
  }
  void push(char32_t character) {
    if (mark_count_ != 0) settle_marks();
    if (chars_ == kMaxChars) return void(overlong_ = true);
    ++chars_;
    append(character);
  }
  void push_mark(char32_t character, int32_t rank) {
    if (chars_ == kMaxChars) return void(overlong_ = true);
    ++chars_;
    marks_[mark_count_++] = {character, rank};
  }
  void settle_marks();
  void append(char32_t character);

  std::array<char, kMaxChars * 4> bytes_;
  std::array<Mark, kMaxChars> marks_;
  size_t size_ = 0;
  size_t chars_ = 0;  // waiting marks included
  size_t mark_count_ = 0;
  WordKind kind_ = WordKind::kWord;
  bool overlong_ = false;
};

namespace tables {
// The records of ASCII with the character already mapped, in one cache line a class.
struct AsciiRecord {
  CharKind kind;
  char character;
};
extern const std::array<AsciiRecord, 128> kAscii;
}  // namespace tables

// Sink:  size_t special(std::string_view rest)  length of the special token that begins `rest`,
//                                               after taking it; 0 if there is none
//        void word(const Word&)                 valid during the call
// kAsciiFastPath = false reads ASCII through the general tables; both must give the same words.
template <class Sink, bool kAsciiFastPath = true>
class WordScanner {
 public:
  explicit WordScanner(Sink& sink) : sink_(sink) {}

  void scan(std::string_view text) {
    for (size_t position = 0; position < text.size();) {
      const char byte = text[position];
      if (byte == '[' && take_special(text, position)) continue;
      if (kAsciiFastPath && static_cast<uint8_t>(byte) < 0x80) {
        ++position;
        take_ascii(tables::kAscii[static_cast<uint8_t>(byte)]);
      } else {
        take(decode_utf8(text, position));
      }
    }
    finish_word();
  }

 private:
  bool take_special(std::string_view text, size_t& position) {
    const std::string_view rest = text.substr(position);
    if (rest.size() < 5) return false;  // "[PAD]" is as short as they come
    finish_word();
    const size_t length = sink_.special(rest);
    position += length;
    return length != 0;
  }

  void take_ascii(tables::AsciiRecord record) {
    switch (record.kind) {
      case CharKind::kWord:
        return word_.push_ascii(record.character);
      case CharKind::kSpace:
        return finish_word();
      case CharKind::kPunctuation:
        finish_word();
        word_.push_ascii(record.character);
        return give(WordKind::kPunctuation);
      default:
        return;
    }
  }

  void take(char32_t character) {
    const CharRecord record = char_record(character);
    const auto mapped = static_cast<char32_t>(static_cast<int32_t>(character) + record.value);
    switch (record.kind) {
      case CharKind::kWord:
        return word_.push(mapped);
      case CharKind::kDrop:
        return;
      case CharKind::kDropStarter:
        return word_.settle_marks();
      case CharKind::kSpace:
        return finish_word();
      case CharKind::kPunctuation:
      case CharKind::kIdeograph:
        finish_word();
        word_.push(mapped);
        return give(record.kind == CharKind::kIdeograph ? WordKind::kIdeograph
                                                        : WordKind::kPunctuation);
      case CharKind::kMark:
        return word_.push_mark(character, record.value);
      case CharKind::kHangul:
        return take_hangul(character);
      case CharKind::kExpand:
        for (const char32_t part : expansion(record.value)) {
          const CharRecord own = char_record(part);
          own.kind == CharKind::kMark ? word_.push_mark(part, own.value) : word_.push(part);
        }
    }
  }

  // Unicode 15, 3.12: arithmetic decomposition.
  void take_hangul(char32_t syllable) {
    const char32_t index = syllable - 0xAC00;
    word_.push(0x1100 + index / (21 * 28));
    word_.push(0x1161 + index % (21 * 28) / 28);
    if (index % 28 != 0) word_.push(0x11A7 + index % 28);
  }

  void finish_word() {
    if (!word_.is_blank()) give(WordKind::kWord);
  }

  void give(WordKind kind) {
    word_.settle_marks();
    word_.kind_ = kind;
    sink_.word(word_);
    word_.clear();
  }

  Sink& sink_;
  Word word_;
};

}  // namespace weir::text
