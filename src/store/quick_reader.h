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

  void operator()(std::string_view name, std::string& text) {
    if (!take_key(name)) return;
    const auto inside = take_string();
    if (inside.find('\\') == inside.npos)
      text = inside;
    else
      text = json::unescape(inside);
  }
  void operator()(std::string_view name, bool& truth) {
    if (!take_key(name)) return;
    truth = take("true");
    odd_ |= !truth;
  }
  template <std::integral I>
  void operator()(std::string_view name, I& number) {
    if (!take_key(name)) return;
    const int64_t wide = take_int64();
    odd_ |= !std::in_range<I>(wide);
    number = static_cast<I>(wide);
  }
  void operator()(std::string_view name, double& number) {
    if (take_key(name)) number = take_double();
  }
  void operator()(std::string_view name, std::optional<int64_t>& number) {
    if (take_key(name)) number = take_int64();
  }
  void operator()(std::string_view name, std::optional<double>& number) {
    if (take_key(name)) number = take_double();
  }
  void operator()(std::string_view name, CallRole& role) {
    if (take_key(name)) keep(parse_call_role(take_string()), role);
  }
  void operator()(std::string_view name, catalog::UsageSource& source) {
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

  bool take_key(std::string_view name) {
    const size_t quote = first_ ? 0 : 1;
    const size_t size = quote + name.size() + 3;
    if (odd_ || rest_.size() < size || (!first_ && rest_[0] != ',') || rest_[quote] != '"' ||
        rest_.substr(quote + 1, name.size()) != name || rest_[size - 2] != '"' ||
        rest_[size - 1] != ':')
      return false;
    rest_.remove_prefix(size);
    first_ = false;
    return true;
  }

  // The inside of a string that holds no other escapes than the writer's short ones.
  std::string_view take_string() {
    const char* const begin = rest_.data();
    const char* const end = begin + rest_.size();
    const char* p = begin + 1;
    if (begin != end && *begin == '"') {
      while (p < end && *p != '"') {
        if (static_cast<unsigned char>(*p) < 0x20) break;
        if (*p == '\\') {
          ++p;
          if (p == end || !is_short_escape(*p)) break;
        }
        ++p;
      }
      if (p < end && *p == '"') {
        rest_.remove_prefix(static_cast<size_t>(p + 1 - begin));
        return {begin + 1, p};
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
    const size_t size = std::min(rest_.find_first_of(",}"), rest_.size());
    return rest_.substr(0, size);
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
  int64_t take_int64() { return take_number<int64_t>(); }
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
