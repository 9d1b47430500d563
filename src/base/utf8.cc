#include "base/utf8.h"

namespace weir {
namespace {

// Length and permitted range of the second byte, by lead byte (Unicode 15, table 3-7).
struct Lead {
  int length;
  uint8_t second_min, second_max;
};

Lead classify(uint8_t byte) {
  if (byte >= 0xC2 && byte <= 0xDF) return {2, 0x80, 0xBF};
  if (byte == 0xE0) return {3, 0xA0, 0xBF};
  if (byte == 0xED) return {3, 0x80, 0x9F};
  if (byte >= 0xE1 && byte <= 0xEF) return {3, 0x80, 0xBF};
  if (byte == 0xF0) return {4, 0x90, 0xBF};
  if (byte >= 0xF1 && byte <= 0xF3) return {4, 0x80, 0xBF};
  if (byte == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

}  // namespace

char32_t decode_utf8(std::string_view text, size_t& position) {
  const auto first = static_cast<uint8_t>(text[position++]);
  if (first < 0x80) return first;
  const Lead lead = classify(first);
  if (lead.length == 0) return kReplacementCharacter;
  char32_t value = first & (0xFFu >> (lead.length + 1));
  for (int i = 1; i < lead.length; ++i) {
    if (position >= text.size()) return kReplacementCharacter;
    const auto byte = static_cast<uint8_t>(text[position]);
    const uint8_t min = i == 1 ? lead.second_min : 0x80;
    const uint8_t max = i == 1 ? lead.second_max : 0xBF;
    if (byte < min || byte > max) return kReplacementCharacter;
    value = (value << 6) | (byte & 0x3Fu);
    ++position;
  }
  return value;
}

void append_utf8(char32_t character, std::string& out) {
  if (character > 0x10FFFF || (character >= 0xD800 && character <= 0xDFFF))
    character = kReplacementCharacter;
  char bytes[4];
  out.append(bytes, write_utf8(character, bytes));
}

size_t count_utf8(std::string_view text) {
  size_t count = 0;
  for (size_t position = 0; position < text.size(); ++count) {
    // ASCII, eight bytes at a time.
    for (uint64_t word; text.size() - position >= 8; position += 8, count += 8) {
      __builtin_memcpy(&word, text.data() + position, 8);
      if ((word & 0x8080808080808080) != 0) break;
    }
    if (position == text.size()) break;
    decode_utf8(text, position);
  }
  return count;
}

}  // namespace weir
