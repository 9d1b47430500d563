#include "config/settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace weir::config {
namespace {

template <class... Lambdas>
struct Overloaded : Lambdas... {
  using Lambdas::operator()...;
};
template <class... Lambdas>
Overloaded(Lambdas...) -> Overloaded<Lambdas...>;

std::expected<bool, std::string> parse_flag(std::string_view text) {
  if (text == "true" || text == "yes" || text == "on") return true;
  if (text == "false" || text == "no" || text == "off") return false;
  return std::unexpected(std::string("must be true or false"));
}

std::string range_words(std::string_view what, const Range& range) {
  const bool bounded = std::isfinite(range.most);
  if (bounded)
    return fmt::format("must be {} from {:.12g} to {:.12g}", what, range.least, range.most);
  return fmt::format("must be {} of at least {:.12g}", what, range.least);
}

template <typename T>
std::expected<T, std::string> parse_number(std::string_view text, const Range& range) {
  constexpr std::string_view what = std::is_integral_v<T> ? "a whole number" : "a number";
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size() && !text.empty();
  const double as_double = static_cast<double>(value);
  if (!whole || !(as_double >= range.least && as_double <= range.most))
    return std::unexpected(range_words(what, range));
  return value;
}

template <typename T>
std::expected<T, std::string> parse_as(std::string_view text, const Range& range) {
  if constexpr (std::is_same_v<T, std::string>) {
    return std::string(text);
  } else if constexpr (std::is_same_v<T, bool>) {
    return parse_flag(text);
  } else {
    return parse_number<T>(text, range);
  }
}

template <typename T>
struct Unwrapped {
  using Type = T;
};
template <typename T>
struct Unwrapped<std::optional<T>> {
  using Type = T;
};

template <typename T>
std::string print_value(const T& value) {
  if constexpr (std::is_same_v<T, std::string>) {
    return value;
  } else if constexpr (std::is_same_v<T, std::vector<std::string>>) {
    return fmt::format("{}", fmt::join(value, ", "));
  } else {
    return fmt::format("{}", value);
  }
}
template <typename T>
std::string print_value(const std::optional<T>& value) {
  return value ? print_value(*value) : "";
}

}  // namespace

std::vector<std::string_view> split_key(std::string_view key) {
  std::vector<std::string_view> segments;
  size_t begin = 0;
  for (size_t dot; (dot = key.find('.', begin)) != std::string_view::npos; begin = dot + 1)
    segments.push_back(key.substr(begin, dot - begin));
  segments.push_back(key.substr(begin));
  return segments;
}

std::expected<void, std::string> assign(const Setting& setting, Scope& scope,
                                        std::string_view text) {
  return std::visit(Overloaded{
                        [&](const Custom& custom) { return custom.parse(scope, text); },
                        [&](Ref<std::vector<std::string>> ref) -> std::expected<void, std::string> {
                          ref(scope) = {std::string(text)};
                          return {};
                        },
                        [&]<typename T>(Ref<T> ref) -> std::expected<void, std::string> {
                          auto value = parse_as<typename Unwrapped<T>::Type>(text, setting.range);
                          if (!value) return std::unexpected(value.error());
                          ref(scope) = std::move(*value);
                          return {};
                        },
                    },
                    setting.field);
}

std::expected<void, std::string> assign_list(const Setting& setting, Scope& scope,
                                             std::vector<std::string> items) {
  const auto* ref = std::get_if<Ref<std::vector<std::string>>>(&setting.field);
  if (ref == nullptr)
    return std::unexpected(fmt::format("must be one {}, not a list", type_name(setting)));
  (*ref)(scope) = std::move(items);
  return {};
}

std::string print(const Setting& setting, Scope& scope) {
  return std::visit(Overloaded{
                        [&](const Custom& custom) { return custom.print(scope); },
                        [&]<typename T>(Ref<T> ref) { return print_value(ref(scope)); },
                    },
                    setting.field);
}

std::string_view type_name(const Setting& setting) {
  return std::visit(
      Overloaded{
          [](const Custom& custom) { return custom.form; },
          [](Ref<std::string>) { return std::string_view("text"); },
          [](Ref<std::vector<std::string>>) { return std::string_view("list of text"); },
          [](Ref<bool>) { return std::string_view("true or false"); },
          [](Ref<std::optional<bool>>) { return std::string_view("true or false"); },
          [](Ref<double>) { return std::string_view("number"); },
          [](Ref<std::optional<double>>) { return std::string_view("number"); },
          [](auto) { return std::string_view("whole number"); },
      },
      setting.field);
}

std::optional<int64_t> parse_picousd_per_token(std::string_view usd_per_million) {
  constexpr size_t kFractionDigits = 6;  // a pico-dollar a token is a millionth of a $ a million
  constexpr int64_t kMost = int64_t{1'000'000} * 1'000'000;
  const size_t dot = usd_per_million.find('.');
  std::string digits(usd_per_million.substr(0, dot));
  std::string fraction(dot == std::string_view::npos ? "" : usd_per_million.substr(dot + 1));
  if (digits.empty() || (dot != std::string_view::npos && fraction.empty())) return std::nullopt;
  while (fraction.size() > kFractionDigits && fraction.back() == '0')
    fraction.pop_back();
  if (fraction.size() > kFractionDigits || digits.size() > 7) return std::nullopt;
  fraction.resize(kFractionDigits, '0');
  digits += fraction;
  if (!std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; }))
    return std::nullopt;
  int64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value <= kMost ? std::optional(value) : std::nullopt;
}

std::string print_usd_per_million(int64_t picousd_per_token) {
  std::string text =
      fmt::format("{}.{:06}", picousd_per_token / 1'000'000, picousd_per_token % 1'000'000);
  while (text.back() == '0')
    text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text;
}

}  // namespace weir::config
