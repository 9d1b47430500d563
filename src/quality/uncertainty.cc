#include "quality/uncertainty.h"

#include <algorithm>
#include <array>
#include <string>

namespace weir::quality {
namespace {

constexpr std::array<std::string_view, 8> kPhrases{
    "i'm not sure",
    "i don't know",
    "i cannot determine",
    "insufficient information",
    "i would need more context",
    "i'm uncertain",
    "i'm unable to",
    "i don't have enough",
};
constexpr std::array<std::string_view, 2> kCurlyApostrophes{"\xE2\x80\x98", "\xE2\x80\x99"};

// ASCII letters in lower case, curly apostrophes straight.
std::string folded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const auto curly = [&](std::string_view mark) { return text.substr(i).starts_with(mark); };
    if (std::ranges::any_of(kCurlyApostrophes, curly)) {
      out += '\'';
      i += 3;
      continue;
    }
    const char c = text[i++];
    out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return out;
}

}  // namespace

std::span<const std::string_view> uncertainty_phrases() {
  return kPhrases;
}

bool says_uncertain(std::string_view answer, std::span<const std::string_view> phrases) {
  const std::string text = folded(answer);
  return std::ranges::any_of(phrases,
                             [&](std::string_view p) { return text.find(p) != std::string::npos; });
}

}  // namespace weir::quality
