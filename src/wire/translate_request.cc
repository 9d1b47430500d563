#include "wire/translate_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/digest.h"

namespace weir::wire {

std::expected<void, Error> apply_rules(json::Value object, std::string_view path,
                                       std::span<const FieldRule> rules, Unknown unknown,
                                       std::vector<std::string>& dropped) {
  for (const json::Value member : object) {
    if (!given(member)) continue;
    const std::string name = member.key();
    const auto rule = std::ranges::find(rules, std::string_view(name), &FieldRule::name);
    const Fate fate = rule != rules.end()            ? rule->fate
                      : unknown == Unknown::kRefused ? Fate::kRefused
                                                     : Fate::kDropped;
    if (fate == Fate::kTranslated) continue;
    const std::string field = path.empty() ? name : fmt::format("{}.{}", path, name);
    if (fate == Fate::kDropped) {
      if (!is_empty(member)) note_dropped(field, dropped);
    } else if (rule == rules.end() || rule->is_default == nullptr || !rule->is_default(member)) {
      return inexpressible(field);
    }
  }
  return {};
}

std::unexpected<Error> inexpressible(std::string_view field, std::string_view why) {
  return fail(ErrorCode::kUnsupported,
              fmt::format("{}: cannot be expressed in the dialect of this model's provider{}{}",
                          field.substr(0, 120), why.empty() ? "" : ": ", why));
}

void note_dropped(std::string name, std::vector<std::string>& dropped) {
  constexpr size_t kLimit = 32, kNameLimit = 64;
  name.resize(std::min(name.size(), kNameLimit));
  std::ranges::replace_if(
      name, [](unsigned char c) { return c >= 0x80 || (std::isalnum(c) == 0 && c != '.'); }, '_');
  if (dropped.size() < kLimit && std::ranges::find(dropped, name) == dropped.end())
    dropped.push_back(std::move(name));
}

bool is_blank(json::Value text) {
  const auto decoded = text.as_string();
  return decoded &&
         std::ranges::all_of(*decoded, [](unsigned char c) { return std::isspace(c) != 0; });
}

std::string tool_id(Dialect target, json::Value id) {
  // Anthropic: ^[a-zA-Z0-9_-]+$; OpenAI: at most 40 characters.
  const std::string text = id.string_or("");
  const auto plain = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '-'; };
  const bool fits = target == Dialect::kAnthropic
                        ? !text.empty() && std::ranges::all_of(text, plain)
                        : text.size() <= 40;
  return fits ? json::quoted(text) : json::quoted("call_" + to_hex(sha256(text)).substr(0, 32));
}

}  // namespace weir::wire
