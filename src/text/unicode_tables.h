// What the tokenizer does with each character: one record a code point, made by
// tools/unicode/make_tables.py from the normalizer and pre-tokenizer of the package `tokenizers`.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace weir::text {

enum class CharKind : uint8_t {
  kWord,         // part of a word, as character + value
  kDrop,         // vanishes, as if it had not been there
  kDropStarter,  // vanishes, but ends a run of combining marks
  kSpace,        // ends a word
  kPunctuation,  // a word of its own, as character + value
  kIdeograph,    // a word of its own, as character + value
  kMark,         // a combining mark that stays; value = rank by which a run of marks is ordered
  kHangul,       // a syllable: two or three jamo
  kExpand,       // several characters, found by `expansion`
};

struct CharRecord {
  CharKind kind = CharKind::kWord;
  int32_t value = 0;
};

namespace tables {
inline constexpr uint32_t kBlockBits = 7;
extern const uint8_t kBlocks[0x110000 >> kBlockBits];
extern const uint16_t kRecordIndexes[];
extern const CharRecord kRecords[];
}  // namespace tables

// Requires a scalar value.
inline CharRecord char_record(char32_t character) {
  constexpr uint32_t kMask = (1u << tables::kBlockBits) - 1;
  const uint32_t block = tables::kBlocks[character >> tables::kBlockBits];
  return tables::kRecords[tables::kRecordIndexes[(block << tables::kBlockBits) |
                                                 (character & kMask)]];
}

// The characters of a kExpand record's value; each is a kWord or a kMark that stays as it is.
std::span<const char32_t> expansion(int32_t value);

}  // namespace weir::text
