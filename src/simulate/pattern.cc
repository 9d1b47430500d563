#include "simulate/pattern.h"

#include <algorithm>
#include <charconv>

#include "base/check.h"

namespace weir::simulate {
namespace {

constexpr size_t kWordsLimit = 60;
constexpr size_t kNumberLimit = 18;
constexpr size_t kHole = 3;  // "{n}"

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_word_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == ' ' || c == '\'' ||
         c == '-';
}

size_t number_length(std::string_view text) {
  size_t length = text.starts_with('-') ? 1 : 0;
  const size_t sign = length;
  while (length < text.size() && length < kNumberLimit && is_digit(text[length]))
    ++length;
  return length == sign ? 0 : length;
}

// Words reach up to the first place where the literal after the hole stands.
size_t words_length(std::string_view text, std::string_view next_literal) {
  const size_t end = std::min(text.size(), kWordsLimit);
  for (size_t length = 0; length <= end; ++length) {
    if (length > 0 && text.substr(length).starts_with(next_literal)) return length;
    if (length == text.size() || !is_word_char(text[length])) return 0;
  }
  return 0;
}

std::string_view literal_prefix(std::string_view pattern) {
  return pattern.substr(0, std::min(pattern.find('{'), pattern.size()));
}

}  // namespace

std::string fill(std::string_view pattern, const std::vector<std::string>& values) {
  std::string out;
  size_t used = 0;
  while (true) {
    const std::string_view literal = literal_prefix(pattern);
    out += literal;
    pattern.remove_prefix(literal.size());
    if (pattern.empty()) break;
    CHECK(used < values.size());
    out += values[used++];
    pattern.remove_prefix(kHole);
  }
  CHECK(used == values.size());
  return out;
}

std::optional<Match> match_at(std::string_view pattern, std::string_view text, size_t position) {
  Match match{position, position, {}};
  while (true) {
    const std::string_view literal = literal_prefix(pattern);
    if (!text.substr(match.end).starts_with(literal)) return std::nullopt;
    match.end += literal.size();
    pattern.remove_prefix(literal.size());
    if (pattern.empty()) return match;
    const bool number = pattern[1] == 'n';
    pattern.remove_prefix(kHole);
    const std::string_view rest = text.substr(match.end);
    const size_t length =
        number ? number_length(rest) : words_length(rest, literal_prefix(pattern));
    if (length == 0) return std::nullopt;
    match.values.emplace_back(rest.substr(0, length));
    match.end += length;
  }
}

std::optional<Match> find_last(std::string_view pattern, std::string_view text) {
  const std::string_view literal = literal_prefix(pattern);
  CHECK(!literal.empty());
  for (size_t at = text.rfind(literal); at != std::string_view::npos;
       at = at == 0 ? std::string_view::npos : text.rfind(literal, at - 1))
    if (auto match = match_at(pattern, text, at)) return match;
  return std::nullopt;
}

std::optional<int64_t> to_number(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace weir::simulate
