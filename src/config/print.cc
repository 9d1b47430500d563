#include <fmt/format.h>

#include <functional>
#include <string>
#include <vector>

#include "config/finish.h"
#include "config/settings.h"

namespace weir::config {
namespace {

void print_line(const Setting& setting, Scope& scope, std::string_view key, std::string& out) {
  std::string value = print(setting, scope);
  if (setting.secrecy == Secrecy::kSecret && !value.empty()) value = "(set)";
  out += fmt::format("{} = {}\n", key, value);
}

std::string fill_in(std::string_view key, std::string_view name) {
  const size_t open = key.find('<');
  const size_t close = key.find('>', open);
  return fmt::format("{}{}{}", key.substr(0, open), name, key.substr(close + 1));
}

// The names that a section's entry gives to the last part of a key.
std::vector<std::string> own_names(const Scope& scope) {
  std::vector<std::string> names;
  if (scope.provider != nullptr)
    for (const auto& [header, value] : scope.provider->headers)
      names.push_back(header);
  if (scope.route != nullptr)
    for (const auto& [language, phrases] : scope.route->options.cascade.uncertainty)
      names.push_back(language);
  return names;
}

void print_section(std::string_view section, std::string_view name, Scope& scope,
                   std::string& out) {
  for (const Setting& setting : settings()) {
    const auto path = split_key(setting.key);
    if (path[0] != section) continue;
    const std::string key = fill_in(setting.key, name);
    if (path.size() < 3 || !is_placeholder(path.back())) {
      print_line(setting, scope, key, out);
      continue;
    }
    for (const std::string& own : own_names(scope)) {
      scope.name = own;
      print_line(setting, scope, fill_in(key, own), out);
    }
  }
}

std::string default_text(const Setting& setting) {
  Draft draft;
  gateway::ProviderOptions provider;
  RouteDraft route;
  ModelDraft model;
  gateway::ClientKey key;
  Scope scope{draft, &provider, &route, &model, &key, ""};
  // Without an entry of its own a dialect or a hash has no default to show.
  const auto path = split_key(setting.key);
  if (path[0] == "keys" || path.back() == "dialect") return "";
  return print(setting, scope);
}

constexpr std::string_view kHead =
    "# Settings\n\n"
    "<!-- Written by `weir check --print-settings`; edit src/config/settings_table.cc. -->\n\n"
    "`weir serve --config weir.yaml` reads these. `weir check --config weir.yaml` says what is\n"
    "wrong with a file, by line and key, and what would be in effect. A commented file to start\n"
    "from: [examples/weir.yaml](../examples/weir.yaml).\n\n"
    "A value may hold `${VARIABLE}` or `${VARIABLE:-default}`, or be `os.environ/VARIABLE` as a\n"
    "whole; `$${` stands for a plain `${`. Names in angle brackets are yours.\n\n"
    "Without a `providers` section the providers come from the environment: `OPENAI_API_KEY`\n"
    "(with `OPENAI_BASE_URL`) and `ANTHROPIC_API_KEY`; without those the built-in simulator\n"
    "answers ([simulator.md](simulator.md)).\n";

std::string_view section_of(const Setting& setting) {
  const auto path = split_key(setting.key);
  return path.size() == 1 ? std::string_view("other") : path[0];
}

}  // namespace

std::string print_effective(Draft& draft) {
  std::string out;
  Scope plain{draft};
  for (const Setting& setting : settings())
    if (setting.key.find('<') == std::string_view::npos)
      print_line(setting, plain, setting.key, out);
  for (auto& key : draft.keys) {
    Scope scope{draft};
    scope.key = &key;
    print_section("keys", key.id, scope, out);
  }
  for (auto& provider : draft.providers) {
    Scope scope{draft};
    scope.provider = &provider;
    print_section("providers", provider.name, scope, out);
  }
  for (auto& route : draft.routes) {
    Scope scope{draft};
    scope.route = &route;
    print_section("routes", route.options.name, scope, out);
  }
  for (auto& model : draft.models) {
    Scope scope{draft};
    scope.model = &model;
    print_section("models", model.name, scope, out);
  }
  return out;
}

std::string settings_markdown() {
  std::string out(kHead);
  std::string_view section;
  for (const Setting& setting : settings()) {
    if (section_of(setting) != section) {
      section = section_of(setting);
      out += fmt::format("\n## {}\n\n| key | type | default | meaning |\n|---|---|---|---|\n",
                         section == "other" ? setting.key : section);
      if (section == "other") section = setting.key;
    }
    const std::string fallback = default_text(setting);
    const std::string unit = setting.unit.empty() ? "" : fmt::format(", {}", setting.unit);
    out += fmt::format("| `{}` | {}{} | {} | {} |\n", setting.key, type_name(setting), unit,
                       fallback.empty() ? "" : fmt::format("`{}`", fallback), setting.text);
  }
  return out;
}

}  // namespace weir::config
