#include "config/reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "catalog/models.h"

namespace weir::config {
namespace {

constexpr size_t kProblemsLimit = 50;
constexpr size_t kNameLimit = 200;

using Path = std::vector<std::string_view>;  // of table segments: {"routes", "<name>"}

bool begins_with(const Path& key, const Path& prefix) {
  return key.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), key.begin());
}

// The segments that may follow `prefix`, each once, in the order of the table.
Path children(const Path& prefix) {
  Path found;
  for (const Setting& setting : settings()) {
    const Path key = split_key(setting.key);
    if (key.size() > prefix.size() && begins_with(key, prefix) &&
        std::ranges::find(found, key[prefix.size()]) == found.end())
      found.push_back(key[prefix.size()]);
  }
  return found;
}

const Setting* find_setting(const Path& path) {
  for (const Setting& setting : settings())
    if (split_key(setting.key) == path) return &setting;
  return nullptr;
}

// "did you mean ...?" for a key that is not in its place.
std::string suggest(std::string_view key, const Path& siblings) {
  const std::vector<std::string> names(siblings.begin(), siblings.end());
  const auto near = catalog::nearest_names(key, names, 1);
  if (!near.empty()) return fmt::format("did you mean '{}'?", near[0]);
  for (const Setting& setting : settings())
    if (split_key(setting.key).back() == key) return fmt::format("did you mean '{}'?", setting.key);
  return fmt::format("known here: {}", fmt::join(siblings, ", "));
}

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.';
}

template <typename T, typename NameOf>
T& find_or_add(std::vector<T>& items, std::string_view name, NameOf name_of) {
  for (T& item : items)
    if (name_of(item) == name) return item;
  T& added = items.emplace_back();
  name_of(added) = name;
  return added;
}

class Reader {
 public:
  Reader(ReadResult& result, std::string_view name, const Environment& environment)
      : result_(result), name_(name), environment_(environment) {}

  void read_map(const Node& node, const Path& path, const std::string& where, Scope& scope) {
    const Path known = children(path);
    for (const Entry& entry : node.entries) {
      if (result_.problems.size() >= kProblemsLimit) return;
      const auto exact = std::ranges::find(known, entry.key);
      const bool named = exact == known.end() && is_placeholder(known[0]);
      if (exact == known.end() && !named) {
        report(entry.line, where,
               fmt::format("unknown key '{}'; {}", entry.key, suggest(entry.key, known)));
        continue;
      }
      Path below = path;
      below.push_back(named ? known[0] : *exact);
      const std::string below_where = where.empty() ? entry.key : where + "." + entry.key;
      result_.lines[below_where] = entry.line;
      Scope inner = scope;
      if (named && !enter(below, entry, below_where, inner)) continue;
      read_value(entry, below, below_where, inner);
    }
  }

 private:
  void report(int line, std::string_view key, std::string_view problem) {
    result_.problems.push_back(
        fmt::format("{}:{}: {}{}{}", name_, line, key, key.empty() ? "" : ": ", problem));
  }

  // Makes the entry of a section whose names are the user's.
  bool enter(const Path& path, const Entry& entry, const std::string& where, Scope& scope) {
    const bool is_model = path[0] == "models";
    const bool fits =
        !entry.key.empty() && entry.key.size() <= kNameLimit &&
        (is_model ? std::ranges::all_of(entry.key, [](char c) { return c > ' ' && c < 127; })
                  : std::ranges::all_of(entry.key, is_name_char));
    if (!fits) {
      report(entry.line, where,
             is_model ? "a model's name has 1 to 200 printable characters without spaces"
                      : "a name has 1 to 200 of the characters A-Z a-z 0-9 . _ -");
      return false;
    }
    Draft& draft = scope.draft;
    if (path.size() > 2) {
      scope.name = entry.key;
    } else if (path[0] == "providers") {
      const size_t before = draft.providers.size();
      scope.provider =
          &find_or_add(draft.providers, entry.key, [](auto& p) -> std::string& { return p.name; });
      if (draft.providers.size() > before && entry.key == "anthropic")
        scope.provider->dialect = wire::Dialect::kAnthropic;
    } else if (path[0] == "routes") {
      scope.route = &find_or_add(draft.routes, entry.key,
                                 [](auto& r) -> std::string& { return r.options.name; });
    } else if (is_model) {
      scope.model =
          &find_or_add(draft.models, entry.key, [](auto& m) -> std::string& { return m.name; });
    } else {
      scope.key = &find_or_add(draft.keys, entry.key, [](auto& k) -> std::string& { return k.id; });
    }
    return true;
  }

  void read_value(const Entry& entry, const Path& path, const std::string& where, Scope& scope) {
    const Node& value = entry.value;
    if (const Setting* setting = find_setting(path)) {
      read_leaf(*setting, entry, where, scope);
    } else if (value.kind == Node::Kind::kMap) {
      read_map(value, path, where, scope);
    } else if (value.kind != Node::Kind::kNull) {
      const Path below = children(path);
      report(value.line, where,
             is_placeholder(below[0])
                 ? fmt::format("must be a map, with a {} of your own for each entry", below[0])
                 : fmt::format("must be a map with keys such as '{}'", below[0]));
    }
  }

  void read_leaf(const Setting& setting, const Entry& entry, const std::string& where,
                 Scope& scope) {
    const Node& value = entry.value;
    if (value.kind == Node::Kind::kNull)
      return report(entry.line, where, "has no value; write one or remove the line");
    if (value.kind == Node::Kind::kMap)
      return report(value.line, where, fmt::format("must be {}, not a map", type_name(setting)));
    const bool is_list = value.kind == Node::Kind::kList;
    std::vector<std::string> texts;
    bool secret = setting.secrecy == Secrecy::kSecret;
    for (const Node& item : is_list ? std::span(value.items) : std::span(&value, 1)) {
      if (item.kind != Node::Kind::kScalar)
        return report(item.line, where, "each item must be text");
      auto expanded = expand_variables(item.text, environment_);
      if (!expanded) return report(item.line, where, expanded.error());
      secret = secret || expanded->from_environment;
      texts.push_back(std::move(expanded->text));
    }
    const auto done =
        is_list ? assign_list(setting, scope, texts) : assign(setting, scope, texts[0]);
    if (done) return;
    report(value.line, where,
           secret || is_list ? done.error()
                             : fmt::format("{}, not '{}'", done.error(), texts[0].substr(0, 100)));
  }

  ReadResult& result_;
  std::string_view name_;
  const Environment& environment_;
};

}  // namespace

ReadResult read_settings(const Node& root, std::string_view name, const Environment& environment) {
  ReadResult result;
  if (root.kind != Node::Kind::kMap) {
    result.problems.push_back(fmt::format(
        "{}:{}: must be a map of settings such as 'server:' and 'routes:'", name, root.line));
    return result;
  }
  Scope scope{result.draft};
  Reader(result, name, environment).read_map(root, {}, "", scope);
  return result;
}

}  // namespace weir::config
