#include <fmt/format.h>

#include "config/reader.h"

namespace weir::config {
namespace {

constexpr std::string_view kWholeValue = "os.environ/";

bool is_variable_name(std::string_view name) {
  constexpr std::string_view kFirst = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
  constexpr std::string_view kDigits = "0123456789";
  if (name.empty() || kDigits.find(name[0]) != std::string_view::npos) return false;
  for (const char c : name)
    if (kFirst.find(c) == std::string_view::npos && kDigits.find(c) == std::string_view::npos)
      return false;
  return true;
}

std::expected<std::string, std::string> look_up(std::string_view name,
                                                const Environment& environment) {
  if (!is_variable_name(name))
    return std::unexpected(std::string(
        "a variable is written ${NAME}, with letters, digits and _; $${ stands for a plain ${"));
  const auto value = environment(name);
  if (!value || value->empty())
    return std::unexpected(
        fmt::format("the environment variable {} is {}; set it, or write ${{{}:-default}}", name,
                    value ? "empty" : "not set", name));
  return *value;
}

std::expected<std::string, std::string> resolve(std::string_view inside,
                                                const Environment& environment) {
  const size_t colon = inside.find(":-");
  if (colon == std::string_view::npos) return look_up(inside, environment);
  auto value = look_up(inside.substr(0, colon), environment);
  if (value || !is_variable_name(inside.substr(0, colon))) return value;
  return std::string(inside.substr(colon + 2));
}

}  // namespace

std::expected<Expanded, std::string> expand_variables(std::string_view text,
                                                      const Environment& environment) {
  if (text.starts_with(kWholeValue)) {
    auto value = look_up(text.substr(kWholeValue.size()), environment);
    if (!value) return std::unexpected(value.error());
    return Expanded{std::move(*value), true};
  }
  Expanded expanded;
  for (size_t i = 0; i < text.size();) {
    const std::string_view rest = text.substr(i);
    if (rest.starts_with("$${")) {
      expanded.text += "${";
      i += 3;
    } else if (rest.starts_with("${")) {
      const size_t close = rest.find('}');
      if (close == std::string_view::npos)
        return std::unexpected(std::string("${ without }; $${ stands for a plain ${"));
      auto value = resolve(rest.substr(2, close - 2), environment);
      if (!value) return std::unexpected(value.error());
      expanded.text += *value;
      expanded.from_environment = true;
      i += close + 1;
    } else {
      expanded.text += text[i++];
    }
  }
  return expanded;
}

}  // namespace weir::config
