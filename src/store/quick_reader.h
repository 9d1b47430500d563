// Reads a journal line in the one spelling in which this program writes it: members in the order in
// which they are asked for, no spaces, members that hold their default left out. Several times
// cheaper than a JSON document. Whatever looks otherwise makes at_end() false, and the line is to
// be read as JSON; a line that is accepted means the same as JSON.
// The line must outlive it. A value of one thread.
#pragma once

#include <algorithm>
#include <charconv>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/json.h"
#include "store/records.h"

namespace weir::store {

class QuickReader {
 public:
  // `line` behind its first member, which the caller knows.
  explicit QuickReader(std::string_view line) : rest_(line) {}

  // Everything was read and understood.
  bool at_end() const { return !odd_ && rest_ == "}"; }

  [[gnu::always_inline]] void operator()(std::string_view name, std::string& text) {
    if (!take_key(name)) return;
    const auto inside = take_string();
    if (inside.find('\\') == inside.npos)
      text = inside;
    else
      text = json::unescape(inside);
  }
  [[gnu::always_inline]] void operator()(std::string_view name, bool& truth) {
    if (!take_key(name)) return;
    truth = take("true");
    odd_ |= !truth;
  }
  template <std::integral I>
  [[gnu::always_inline]] void operator()(std::string_view name, I& number) {
    if (!take_key(name)) return;
    const int64_t wide = take_int64();
    odd_ |= !std::in_range<I>(wide);
    number = static_cast<I>(wide);
  }
  [[gnu::always_inline]] void operator()(std::string_view name, double& number) {
    if (take_key(name)) number = take_double();
  }
  [[gnu::always_inline]] void operator()(std::string_view name, std::optional<int64_t>& number) {
    if (take_key(name)) number = take_int64();
  }
  [[gnu::always_inline]] void operator()(std::string_view name, std::optional<double>& number) {
    if (take_key(name)) number = take_double();
  }
  [[gnu::always_inline]] void operator()(std::string_view name, CallRole& role) {
    if (take_key(name)) keep(parse_call_role(take_string()), role);
  }
  [[gnu::always_inline]] void operator()(std::string_view name, catalog::UsageSource& source) {
    if (take_key(name)) keep(catalog::parse_usage_source(take_string()), source);
  }

  // An array of objects: `read_one` reads the members of each.
  template <typename ReadOne>
  void objects(std::string_view name, ReadOne&& read_one) {
    if (!take_key(name)) return;
    odd_ |= !take("[");
    do {
      odd_ |= !take("{");
      first_ = true;
      read_one();
      odd_ |= !take("}");
    } while (!odd_ && take(","));
    odd_ |= !take("]");
    first_ = false;
  }

 private:
  bool take(std::string_view expected) {
    if (!rest_.starts_with(expected)) return false;
    rest_.remove_prefix(expected.size());
    return true;
  }

  // Inlined, so that a name is compared as a constant.
  [[gnu::always_inline]] bool take_key(std::string_view name) {
    const size_t quote = first_ ? 0 : 1;
    const size_t size = quote + name.size() + 3;
    if (odd_ || rest_.size() < size) return false;
    const char* const at = rest_.data();
    if ((!first_ && at[0] != ',') || at[quote] != '"' || at[size - 1] != ':' ||
        at[size - 2] != '"' || std::memcmp(at + quote + 1, name.data(), name.size()) != 0)
      return false;
    rest_.remove_prefix(size);
    first_ = false;
    return true;
  }

  // The inside of a string that holds no other escapes than the writer's short ones.
  std::string_view take_string() {
    if (rest_.starts_with('"')) {
      const char* const begin = rest_.data() + 1;
      const char* const end = rest_.data() + rest_.size();
      for (const char* p = begin;;) {
        p += json::unescaped_bytes({p, end});
        if (p == end || static_cast<unsigned char>(*p) < 0x20) break;
        if (*p == '"') {
          rest_.remove_prefix(static_cast<size_t>(p + 1 - rest_.data()));
          return {begin, p};
        }
        if (end - p < 2 || !is_short_escape(p[1])) break;
        p += 2;
      }
    }
    odd_ = true;
    return {};
  }
  static bool is_short_escape(char c) {
    return c == '"' || c == '\\' || c == 'n' || c == 'r' || c == 't';
  }

  // The text of a number, as far as its characters go.
  std::string_view number_text() const {
    const auto end = std::ranges::find_if(rest_, [](char c) { return c == ',' || c == '}'; });
    return {rest_.begin(), end};
  }
  // JSON knows no leading zeros, and from_chars knows words.
  static bool is_json_number(std::string_view text) {
    if (text.starts_with('-')) text.remove_prefix(1);
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    return !text.empty() && digit(text.front()) && digit(text.back()) &&
           (text.front() != '0' || text.size() == 1 || !digit(text[1])) &&
           text.find(".e") == text.npos && text.find(".E") == text.npos;
  }
  template <typename N>
  N take_number() {
    const auto text = number_text();
    N number = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    odd_ |= problem != std::errc() || end != text.data() + text.size() || !is_json_number(text);
    rest_.remove_prefix(text.size());
    return number;
  }
  int64_t take_int64() {
    // Eighteen digits cannot overflow; what is longer or is no plain number goes the long way.
    int64_t number = 0;
    size_t digits = 0;
    while (digits < 18 && digits < rest_.size() && rest_[digits] >= '0' && rest_[digits] <= '9')
      number = number * 10 + (rest_[digits++] - '0');
    if (digits == 0 || digits == rest_.size() || (rest_[0] == '0' && digits > 1) ||
        (rest_[digits] != ',' && rest_[digits] != '}'))
      return take_number<int64_t>();
    rest_.remove_prefix(digits);
    return number;
  }
  double take_double() { return take_number<double>(); }

  template <typename E>
  void keep(std::optional<E> parsed, E& value) {
    odd_ |= !parsed;
    value = parsed.value_or(value);
  }

  std::string_view rest_;
  bool first_ = false;  // member of its object
  bool odd_ = false;
};

}  // namespace weir::store
