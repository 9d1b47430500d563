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

// Appends one scalar value; surrogates and values above U+10FFFF are written as U+FFFD.
void append_utf8(char32_t character, std::string& out);

// Number of characters that decode_utf8 yields.
size_t count_utf8(std::string_view text);

}  // namespace weir
