// UTF-8 in and out. Decoding never fails: each maximal ill-formed subsequence becomes one U+FFFD
// (Unicode 15, 3.9, "best practice"; the same as Python's errors='replace').
// Pure functions, thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace weir {

inline constexpr char32_t kReplacementCharacter = 0xFFFD;

// Reads the character at `position` and moves `position` past it. Requires position < text.size().
char32_t decode_utf8(std::string_view text, size_t& position);

// Writes one scalar value as 1 to 4 bytes and gives their number. Requires room for 4 and a scalar
// value: append_utf8 checks, callers that decoded the character need not.
inline size_t write_utf8(char32_t character, char* out) {
  size_t size = 0;
  const auto put = [&](char32_t byte) { out[size++] = static_cast<char>(byte); };
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
  return size;
}

// Appends one scalar value; surrogates and values above U+10FFFF are written as U+FFFD.
void append_utf8(char32_t character, std::string& out);

// Number of characters that decode_utf8 yields.
size_t count_utf8(std::string_view text);

}  // namespace weir
