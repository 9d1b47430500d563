#include "quality/extract.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace weir::quality {
namespace {

constexpr std::string_view kSpace = " \t\r\n\f\v";
constexpr std::string_view kMinusSign = "\xE2\x88\x92";
constexpr std::array<std::string_view, 2> kCurlyApostrophes{"\xE2\x80\x98", "\xE2\x80\x99"};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_word(char c) {
  return is_letter(c) || is_digit(c) || c == '_' || (static_cast<uint8_t>(c) & 0x80) != 0;
}
char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

// Where `needle` (lower case) last stands in `text`, in any case.
size_t rfind_folded(std::string_view text, std::string_view needle) {
  const auto found = std::find_end(text.begin(), text.end(), needle.begin(), needle.end(),
                                   [](char a, char b) { return lower(a) == b; });
  return found == text.end() ? std::string_view::npos : static_cast<size_t>(found - text.begin());
}

// The inside of the brace that opens at `open`; to the end when it never closes.
std::string_view in_braces(std::string_view text, size_t open) {
  int depth = 0;
  for (size_t i = open; i < text.size(); ++i) {
    if (text[i] == '{') ++depth;
    if (text[i] == '}' && --depth == 0) return text.substr(open + 1, i - open - 1);
  }
  return text.substr(open + 1);
}

// What follows a mark up to the end of its line, or of the next one when nothing is left on it.
std::string_view after_mark(std::string_view text, size_t position) {
  std::string_view rest = text.substr(position);
  rest.remove_prefix(std::min(rest.find_first_not_of(" \t*:=_\r\n"), rest.size()));
  return trimmed(rest.substr(0, rest.find('\n')));
}

struct Number {
  double value = 0;
  size_t end = 0;  // behind its last character
};

// Digits with thousands separators: a comma must be followed by three digits and no fourth.
size_t read_whole_part(std::string_view text, size_t i, std::string& digits) {
  while (i < text.size()) {
    if (is_digit(text[i])) {
      digits += text[i++];
      continue;
    }
    const auto group = text.substr(i, 5);
    const bool separates = text[i] == ',' && !digits.empty() && group.size() >= 4 &&
                           is_digit(group[1]) && is_digit(group[2]) && is_digit(group[3]) &&
                           (group.size() == 4 || !is_digit(group[4]));
    if (!separates) break;
    digits += text.substr(i + 1, 3);
    i += 4;
  }
  return i;
}

size_t read_fraction_and_exponent(std::string_view text, size_t i, std::string& digits) {
  if (i + 1 < text.size() && text[i] == '.' && is_digit(text[i + 1])) {
    digits += text[i++];
    while (i < text.size() && is_digit(text[i]))
      digits += text[i++];
  }
  if (i < text.size() && lower(text[i]) == 'e') {
    size_t j = i + 1;
    if (j < text.size() && (text[j] == '+' || text[j] == '-')) ++j;
    size_t last = j;
    while (last < text.size() && is_digit(text[last]))
      ++last;
    const bool ends = last == text.size() || !is_word(text[last]);
    if (last > j && last - j <= 3 && ends) {
      digits += text.substr(i, last - i);
      i = last;
    }
  }
  return i;
}

// An unsigned number that begins at `i`; nullopt when none does.
std::optional<Number> read_unsigned(std::string_view text, size_t i) {
  std::string digits;
  const bool bare_fraction = text[i] == '.' && i + 1 < text.size() && is_digit(text[i + 1]);
  if (!is_digit(text[i]) && !bare_fraction) return std::nullopt;
  i = read_whole_part(text, i, digits);
  if (digits.empty()) digits = "0";
  i = read_fraction_and_exponent(text, i, digits);
  double value = 0;
  // Too large a number reads as infinite, which equals nothing.
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (read.ec == std::errc::result_out_of_range) value = HUGE_VAL;
  return Number{value, i};
}

// "3/4" behind a number that ends at number.end; dates and paths such as 3/4/2024 are none.
std::optional<Number> read_ratio(std::string_view text, const Number& number) {
  const size_t slash = number.end;
  if (slash + 1 >= text.size() || text[slash] != '/' || !is_digit(text[slash + 1]))
    return std::nullopt;
  const auto below = read_unsigned(text, slash + 1);
  if (!below || below->value == 0) return std::nullopt;
  if (below->end < text.size() && text[below->end] == '/') return std::nullopt;
  return Number{number.value / below->value, below->end};
}

// \frac{1}{2}, \dfrac{1}{2}, at the backslash.
std::optional<Number> read_latex_fraction(std::string_view text, size_t i) {
  for (const std::string_view name : {"\\frac{", "\\dfrac{", "\\tfrac{"}) {
    if (!text.substr(i).starts_with(name)) continue;
    const size_t open = i + name.size() - 1;
    const std::string_view above = in_braces(text, open);
    const size_t second = open + above.size() + 2;
    if (second >= text.size() || text[second] != '{') return std::nullopt;
    const std::string_view below = in_braces(text, second);
    double parts[2] = {};
    for (const auto& [part, value] : {std::pair(above, &parts[0]), std::pair(below, &parts[1])}) {
      if (part.empty()) return std::nullopt;
      const size_t sign = part[0] == '-' ? 1 : 0;
      if (sign == part.size()) return std::nullopt;
      const auto number = read_unsigned(part, sign);
      if (!number || number->end != part.size()) return std::nullopt;
      *value = sign != 0 ? -number->value : number->value;
    }
    if (parts[1] == 0) return std::nullopt;
    return Number{parts[0] / parts[1], second + below.size() + 2};
  }
  return std::nullopt;
}

// Whether the sign before `i` belongs to the number: it is not one between two operands.
bool is_negative(std::string_view text, size_t i) {
  while (i > 0 && (text[i - 1] == '$' || text[i - 1] == '\\'))
    --i;
  size_t before = i;
  if (text.substr(0, i).ends_with(kMinusSign))
    before = i - kMinusSign.size();
  else if (i > 0 && text[i - 1] == '-')
    before = i - 1;
  if (before == i) return false;
  if (before == 0) return true;
  const char left = text[before - 1];
  return !is_word(left) && left != ')' && left != ']' && left != '}' && left != '-';
}

enum class Which { kFirst, kLast };

std::optional<double> find_number(std::string_view text, Which which) {
  std::optional<double> found;
  for (size_t i = 0; i < text.size();) {
    std::optional<Number> number;
    if (text[i] == '\\') number = read_latex_fraction(text, i);
    const bool inside_word = i > 0 && is_letter(text[i - 1]) && is_digit(text[i]);
    if (!number && !inside_word) {
      number = read_unsigned(text, i);
      const bool after_slash = i > 0 && text[i - 1] == '/';
      if (number && !after_slash)
        if (const auto ratio = read_ratio(text, *number)) number = ratio;
    }
    if (!number) {
      // The rest of a word such as x2y3 is passed as a whole.
      if (inside_word)
        while (i < text.size() && is_word(text[i]))
          ++i;
      else
        ++i;
      continue;
    }
    found = is_negative(text, i) ? -number->value : number->value;
    if (which == Which::kFirst) return found;
    i = std::max(number->end, i + 1);
  }
  return found;
}

bool is_choice(char c) {
  return upper(c) >= 'A' && upper(c) <= 'J';
}

// The letter of a text that is or begins with one: "B", "(b)", "**C**", "B. Paris".
std::optional<char> leading_choice(std::string_view text) {
  text = trimmed(text);
  constexpr std::string_view kWrapping = "([{*_`\"'$";
  const size_t begin = text.find_first_not_of(kWrapping);
  if (begin == std::string_view::npos || !is_choice(text[begin])) return std::nullopt;
  if (begin + 1 == text.size()) return upper(text[begin]);
  const std::string_view rest = text.substr(begin + 1);
  if (begin > 0 && std::string_view(")]}*_`\"'$").contains(rest[0])) return upper(text[begin]);
  if (std::string_view(").:]").contains(rest[0])) return upper(text[begin]);
  const bool alone = rest[0] == ',' || rest[0] == '\n' || rest[0] == '\r' || rest[0] == ';';
  if (alone && text[begin] == upper(text[begin])) return text[begin];
  return std::nullopt;
}

// "\text{B}" and "option B" -> "B".
std::string_view without_lead(std::string_view text) {
  text = trimmed(text);
  for (const std::string_view lead : {"\\text{", "\\mathrm{", "\\textbf{", "option ", "choice ",
                                      "letter ", "the option ", "the letter "})
    if (text.size() > lead.size() && rfind_folded(text.substr(0, lead.size()), lead) == 0)
      return text.substr(lead.size());
  return text;
}

std::optional<char> last_standing_alone(std::string_view text) {
  for (size_t i = text.size(); i-- > 0;) {
    const char before = i > 0 ? text[i - 1] : ' ';
    const char after = i + 1 < text.size() ? text[i + 1] : ' ';
    if (is_choice(text[i]) && before == '(' && after == ')') return upper(text[i]);
  }
  for (size_t i = text.size(); i-- > 0;) {
    const char c = text[i];
    if (!is_choice(c) || c != upper(c) || c == 'A' || c == 'I') continue;
    const char before = i > 0 ? text[i - 1] : ' ';
    const char after = i + 1 < text.size() ? text[i + 1] : ' ';
    if (!is_word(before) && !is_word(after) && after != '\'' && before != '\'') return c;
  }
  return std::nullopt;
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

std::string folded(std::string_view text) {
  text = trimmed(text);
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
    if (!kSpace.contains(c))
      out += lower(c);
    else if (out.back() != ' ')
      out += ' ';
  }
  return out;
}

std::optional<std::string_view> stated_answer(std::string_view text) {
  if (const size_t boxed = text.rfind("\\boxed{"); boxed != std::string_view::npos)
    return trimmed(in_braces(text, boxed + 6));
  if (const size_t hashes = text.rfind("####"); hashes != std::string_view::npos)
    return after_mark(text, hashes + 4);
  size_t best = std::string_view::npos, length = 0;
  for (const std::string_view mark : {"answer is", "answer:", "answer**:", "answer:**"}) {
    const size_t found = rfind_folded(text, mark);
    if (found == std::string_view::npos) continue;
    if (best == std::string_view::npos || found > best) best = found, length = mark.size();
  }
  if (best == std::string_view::npos) return std::nullopt;
  return after_mark(text, best + length);
}

std::optional<double> extract_number(std::string_view text) {
  if (const auto stated = stated_answer(text))
    if (const auto number = find_number(*stated, Which::kFirst)) return number;
  return find_number(text, Which::kLast);
}

std::optional<char> extract_choice(std::string_view text) {
  if (const auto stated = stated_answer(text)) {
    if (const auto choice = leading_choice(without_lead(*stated))) return choice;
    if (const auto choice = last_standing_alone(*stated)) return choice;
    // "answer is B because ..."
    const std::string_view rest = without_lead(*stated);
    const bool stands = !rest.empty() && is_choice(rest[0]) && rest[0] == upper(rest[0]) &&
                        (rest.size() == 1 || !is_word(rest[1]));
    if (stands) return rest[0];
  }
  if (const auto choice = leading_choice(text)) return choice;
  return last_standing_alone(text);
}

std::string_view extract_json(std::string_view text) {
  const size_t fence = text.find("```");
  if (fence == std::string_view::npos) return trimmed(text);
  // A fence inside a JSON string is none.
  if (const auto whole = trimmed(text); whole.starts_with('{') || whole.starts_with('['))
    return whole;
  const size_t line = text.find('\n', fence);
  if (line == std::string_view::npos) return trimmed(text);
  const std::string word = folded(text.substr(fence + 3, line - fence - 3));
  if (!word.empty() && word != "json") return trimmed(text);
  const size_t end = text.find("```", line);
  return trimmed(text.substr(line, end == std::string_view::npos ? end : end - line));
}

}  // namespace weir::quality
