#include "quality/stated_confidence.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace weir::quality {
namespace {

constexpr std::string_view kWord = "confidence";
constexpr std::string_view kSpace = " \t\r\n";
constexpr std::string_view kMarkup = " \t*_#>-`";
constexpr std::string_view kBeforeNumber = " \t\r\n*_`<[(";

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool is_word_at(std::string_view text, size_t at) {
  return text.size() - at >= kWord.size() &&
         std::ranges::equal(text.substr(at, kWord.size()), kWord, {}, lower);
}

// Where what follows the colon begins; nullopt: the word is not followed by one.
std::optional<size_t> behind_colon(std::string_view text, size_t word) {
  const size_t colon = text.find_first_not_of(" \t*_`", word + kWord.size());
  if (colon == text.npos || text[colon] != ':') return std::nullopt;
  return colon + 1;
}

struct Number {
  std::optional<double> value;
  size_t end;
};

Number read_number(std::string_view text, size_t from) {
  const size_t begin = std::min(text.find_first_not_of(kBeforeNumber, from), text.size());
  size_t end = std::min(text.find_first_not_of("0123456789.", begin), text.size());
  std::string_view digits = text.substr(begin, end - begin);
  while (digits.ends_with('.'))
    digits.remove_suffix(1);
  double value = 0;
  const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (digits.empty() || error != std::errc() || stop != digits.data() + digits.size())
    return {std::nullopt, from};
  if (end < text.size() && text[end] == '%') {
    value /= 100;
    ++end;
  }
  return {std::clamp(value, 0.0, 1.0), end};
}

bool begins_line(std::string_view text, size_t word) {
  const size_t before = word == 0 ? text.npos : text.find_last_not_of(kMarkup, word - 1);
  return before == text.npos || text[before] == '\n';
}

StatedConfidence cut_line(std::string_view text, size_t begin, Number number) {
  StatedConfidence found;
  found.value = number.value.value_or(kUnstatedConfidence);
  const size_t line_end = std::min(text.find('\n', number.end), text.size());
  const bool is_last = text.find_first_not_of(kSpace, line_end) == text.npos;
  const size_t kept = begin == 0 ? text.npos : text.find_last_not_of(kSpace, begin - 1);
  found.cut_begin = kept == text.npos ? 0 : kept + 1;
  found.cut_end = is_last ? text.size() : line_end;
  return found;
}

}  // namespace

std::string_view confidence_request() {
  return "\n\nProvide your answer. At the end, add a line:\n"
         "CONFIDENCE: <number 0.0-1.0> (how confident you are in this answer)";
}

StatedConfidence find_confidence(std::string_view answer) {
  std::optional<size_t> inside;  // a number behind the word within a line
  for (size_t at = answer.size(); at-- > 0;) {
    if (!is_word_at(answer, at)) continue;
    const auto from = behind_colon(answer, at);
    if (!from) continue;
    const Number number = read_number(answer, *from);
    if (begins_line(answer, at)) {
      const size_t line = answer.rfind('\n', at);
      return cut_line(answer, line == answer.npos ? 0 : line + 1, number);
    }
    if (number.value && !inside) inside = at;
  }
  if (!inside) return {};
  return cut_line(answer, *inside, read_number(answer, *behind_colon(answer, *inside)));
}

}  // namespace weir::quality
