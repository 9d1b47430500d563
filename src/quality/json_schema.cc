#include "quality/json_schema.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <vector>

#include "base/utf8.h"

namespace weir::quality {
namespace {

constexpr int kMostSteps = 200'000;  // schemas applied to one value and its parts
constexpr int kMostDepth = 200;
constexpr int64_t kPatternMemoryBytes = 1 << 20;
constexpr size_t kMostUniqueItems = 2'000;

using Patterns = std::map<std::string, std::unique_ptr<re2::RE2>, std::less<>>;
using Violation = std::optional<std::string>;

enum class Form {
  kNothing,  // an annotation: it refuses nothing
  kType,
  kList,
  kAny,
  kNames,
  kCount,
  kNumber,
  kBool,
  kPattern,
  kReference,
  kSchema,
  kSchemas,       // a list of them
  kNamedSchemas,  // an object of them
};

struct Keyword {
  std::string_view name;
  Form form;
};

constexpr auto kKeywords = std::to_array<Keyword>({
    {"type", Form::kType},
    {"enum", Form::kList},
    {"const", Form::kAny},
    {"required", Form::kNames},
    {"minProperties", Form::kCount},
    {"maxProperties", Form::kCount},
    {"minItems", Form::kCount},
    {"maxItems", Form::kCount},
    {"minLength", Form::kCount},
    {"maxLength", Form::kCount},
    {"uniqueItems", Form::kBool},
    {"pattern", Form::kPattern},
    {"minimum", Form::kNumber},
    {"maximum", Form::kNumber},
    {"exclusiveMinimum", Form::kNumber},
    {"exclusiveMaximum", Form::kNumber},
    {"multipleOf", Form::kNumber},
    {"$ref", Form::kReference},
    {"properties", Form::kNamedSchemas},
    {"patternProperties", Form::kNamedSchemas},
    {"$defs", Form::kNamedSchemas},
    {"definitions", Form::kNamedSchemas},
    {"additionalProperties", Form::kSchema},
    {"propertyNames", Form::kSchema},
    {"items", Form::kSchema},
    {"contains", Form::kSchema},
    {"not", Form::kSchema},
    {"if", Form::kSchema},
    {"then", Form::kSchema},
    {"else", Form::kSchema},
    {"prefixItems", Form::kSchemas},
    {"allOf", Form::kSchemas},
    {"anyOf", Form::kSchemas},
    {"oneOf", Form::kSchemas},
    {"$schema", Form::kNothing},
    {"$id", Form::kNothing},
    {"$comment", Form::kNothing},
    {"title", Form::kNothing},
    {"description", Form::kNothing},
    {"default", Form::kNothing},
    {"examples", Form::kNothing},
    {"format", Form::kNothing},
    {"deprecated", Form::kNothing},
    {"readOnly", Form::kNothing},
    {"writeOnly", Form::kNothing},
});

constexpr std::array<std::string_view, 7> kTypes{"null",   "boolean", "number", "integer",
                                                 "string", "array",   "object"};

bool is_boolean(json::Value value) {
  return value.is(json::Type::kBool);
}

bool has_type(json::Value value, std::string_view type) {
  switch (value.type()) {
    case json::Type::kNull:
      return type == "null";
    case json::Type::kBool:
      return type == "boolean";
    case json::Type::kNumber: {
      const double number = value.as_double().value_or(0);
      return type == "number" || (type == "integer" && std::floor(number) == number);
    }
    case json::Type::kString:
      return type == "string";
    case json::Type::kArray:
      return type == "array";
    case json::Type::kObject:
      return type == "object";
  }
  return false;
}

bool equal(json::Value a, json::Value b) {
  if (a.type() != b.type() || a.size() != b.size()) return false;
  switch (a.type()) {
    case json::Type::kNull:
      return true;
    case json::Type::kBool:
      return a.as_bool() == b.as_bool();
    case json::Type::kNumber:
      return a.raw() == b.raw() || a.as_double() == b.as_double();
    case json::Type::kString:
      return a.as_string() == b.as_string();
    case json::Type::kArray: {
      auto other = b.begin();
      for (const json::Value element : a) {
        if (!equal(element, *other)) return false;
        ++other;
      }
      return true;
    }
    case json::Type::kObject:
      for (const json::Value member : a) {
        const json::Value other = b[member.key()];
        if (!other.exists() || !equal(member, other)) return false;
      }
      return true;
  }
  return false;
}

std::unexpected<Error> invalid(std::string_view where, std::string_view what) {
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("{}: {}", where.empty() ? "the schema" : where, what));
}

// "a/b~c" <-> "a~1b~0c" (RFC 6901).
std::string pointer_segment(std::string_view key) {
  std::string out;
  for (const char c : key) {
    if (c == '~')
      out += "~0";
    else if (c == '/')
      out += "~1";
    else
      out += c;
  }
  return out;
}
std::string segment_key(std::string_view segment) {
  std::string out;
  for (size_t i = 0; i < segment.size(); ++i) {
    const bool escape = segment[i] == '~' && i + 1 < segment.size();
    if (escape)
      out += segment[++i] == '1' ? '/' : '~';
    else
      out += segment[i];
  }
  return out;
}

// The schema at "#/$defs/name"; absent when there is none.
json::Value resolve(json::Value root, std::string_view reference) {
  if (!reference.starts_with('#')) return {};
  json::Value at = root;
  for (std::string_view rest = reference.substr(1); !rest.empty();) {
    if (rest[0] != '/') return {};
    const size_t end = std::min(rest.find('/', 1), rest.size());
    at = at[segment_key(rest.substr(1, end - 1))];
    rest.remove_prefix(end);
  }
  return at;
}

// Reads all of a schema once, so that nothing but the value can fail a check.
class Reader {
 public:
  Reader(json::Value root, Patterns& patterns) : root_(root), patterns_(patterns) {}

  std::expected<void, Error> read(json::Value schema, const std::string& where, int depth) {
    if (is_boolean(schema)) return {};
    if (!schema.is_object()) return invalid(where, "must be an object or true or false");
    if (depth > kMostDepth) return invalid(where, "is nested too deeply");
    for (const json::Value member : schema) {
      const std::string name = member.key();
      const std::string place = where + "/" + pointer_segment(name);
      const auto keyword = std::ranges::find(kKeywords, std::string_view(name), &Keyword::name);
      if (keyword == kKeywords.end())
        return fail(
            ErrorCode::kUnsupported,
            fmt::format("{}: weir does not know this keyword and will not ignore it", place));
      TRY(read_value(keyword->form, member, place, depth));
    }
    return {};
  }

 private:
  std::expected<void, Error> read_value(Form form, json::Value value, const std::string& where,
                                        int depth) {
    switch (form) {
      case Form::kNothing:
      case Form::kAny:
        return {};
      case Form::kType:
        return read_type(value, where);
      case Form::kList:
        return require(value.is_array(), where, "must be a list");
      case Form::kNames:
        TRY(require(value.is_array(), where, "must be a list of names"));
        for (const json::Value one : value)
          TRY(require(one.is_string(), where, "must be a list of names"));
        return {};
      case Form::kCount:
        return require(value.as_int64().value_or(-1) >= 0, where, "must be a count");
      case Form::kNumber: {
        const auto number = value.as_double();
        TRY(require(number.has_value(), where, "must be a number"));
        return require(!where.ends_with("/multipleOf") || *number > 0, where, "must be positive");
      }
      case Form::kBool:
        return require(is_boolean(value), where, "must be true or false");
      case Form::kPattern:
        TRY(require(value.is_string(), where, "must be a pattern"));
        return add_pattern(*value.as_string(), where);
      case Form::kReference:
        return read_reference(value, where);
      case Form::kSchema:
        return read(value, where, depth + 1);
      case Form::kSchemas:
        return read_list(value, where, depth);
      case Form::kNamedSchemas:
        return read_named(value, where, depth);
    }
    return {};
  }

  static std::expected<void, Error> require(bool truth, const std::string& where,
                                            std::string_view what) {
    if (truth) return {};
    return invalid(where, what);
  }

  static std::expected<void, Error> read_type(json::Value value, const std::string& where) {
    const auto known = [](json::Value one) {
      return std::ranges::find(kTypes, one.string_or("")) != kTypes.end();
    };
    if (value.is_string() && known(value)) return {};
    TRY(require(value.is_array(), where, "must be a type's name or a list of them"));
    for (const json::Value one : value)
      TRY(require(known(one), where, "must be a type's name or a list of them"));
    return {};
  }

  std::expected<void, Error> read_reference(json::Value value, const std::string& where) {
    const std::string target = value.string_or("");
    const json::Value found = resolve(root_, target);
    return require(found.is_object() || is_boolean(found), where,
                   "must lead to a schema of the same file, such as #/$defs/NAME");
  }

  std::expected<void, Error> read_list(json::Value value, const std::string& where, int depth) {
    TRY(require(value.is_array() && value.size() > 0, where, "must be a list of schemas"));
    size_t index = 0;
    for (const json::Value one : value)
      TRY(read(one, fmt::format("{}/{}", where, index++), depth + 1));
    return {};
  }

  std::expected<void, Error> read_named(json::Value value, const std::string& where, int depth) {
    TRY(require(value.is_object(), where, "must be an object of schemas"));
    for (const json::Value one : value) {
      if (where.ends_with("/patternProperties")) TRY(add_pattern(one.key(), where));
      TRY(read(one, where + "/" + pointer_segment(one.key()), depth + 1));
    }
    return {};
  }

  std::expected<void, Error> add_pattern(const std::string& text, const std::string& where) {
    if (patterns_.contains(text)) return {};
    re2::RE2::Options options;
    options.set_max_mem(kPatternMemoryBytes);
    options.set_log_errors(false);
    auto pattern = std::make_unique<re2::RE2>(text, options);
    if (!pattern->ok()) return invalid(where, pattern->error());
    patterns_.emplace(text, std::move(pattern));
    return {};
  }

  json::Value root_;
  Patterns& patterns_;
};

// One check of one value. Work is counted, as a small schema can refer to itself without end.
class Check {
 public:
  Check(json::Value root, const Patterns& patterns) : root_(root), patterns_(patterns) {}

  Violation apply(json::Value schema, json::Value value, const std::string& at, int depth) {
    if (++steps_ > kMostSteps || depth > kMostDepth) return say(at, "is too much work to check");
    if (is_boolean(schema)) {
      if (*schema.as_bool()) return {};
      return say(at, "is not allowed");
    }
    if (auto wrong = check_kind(schema, value, at)) return wrong;
    if (auto wrong = check_combined(schema, value, at, depth)) return wrong;
    switch (value.type()) {
      case json::Type::kNumber:
        return check_number(schema, *value.as_double(), at);
      case json::Type::kString:
        return check_text(schema, *value.as_string(), at);
      case json::Type::kArray:
        return check_array(schema, value, at, depth);
      case json::Type::kObject:
        return check_object(schema, value, at, depth);
      case json::Type::kNull:
      case json::Type::kBool:
        return {};
    }
    return {};
  }

 private:
  static Violation say(const std::string& at, std::string_view what) {
    return fmt::format("{}: {}", at.empty() ? "the value" : at, what);
  }
  bool matches(std::string_view pattern, const std::string& text) const {
    return re2::RE2::PartialMatch(text, *patterns_.find(pattern)->second);
  }

  static Violation check_kind(json::Value schema, json::Value value, const std::string& at) {
    if (const json::Value type = schema["type"]; type.exists()) {
      bool fits = type.is_string() && has_type(value, *type.as_string());
      if (type.is_array())
        for (const json::Value one : type)
          fits = fits || has_type(value, *one.as_string());
      if (!fits) return say(at, fmt::format("must be of type {}", type.raw()));
    }
    if (const json::Value all = schema["enum"]; all.exists()) {
      bool found = false;
      for (const json::Value one : all)
        found = found || equal(one, value);
      if (!found) return say(at, fmt::format("must be one of {}", all.raw()));
    }
    const json::Value constant = schema["const"];
    if (constant.exists() && !equal(constant, value))
      return say(at, fmt::format("must be {}", constant.raw()));
    return {};
  }

  Violation check_combined(json::Value schema, json::Value value, const std::string& at,
                           int depth) {
    const auto fits = [&](json::Value other) {
      return !apply(other, value, at, depth + 1).has_value();
    };
    if (const json::Value to = schema["$ref"]; to.exists())
      if (auto wrong = apply(resolve(root_, *to.as_string()), value, at, depth + 1)) return wrong;
    if (const json::Value all = schema["allOf"]; all.exists())
      for (const json::Value one : all)
        if (auto wrong = apply(one, value, at, depth + 1)) return wrong;
    for (const std::string_view name : {"anyOf", "oneOf"}) {
      const json::Value some = schema[name];
      if (!some.exists()) continue;
      int64_t count = 0;
      for (const json::Value one : some)
        count += fits(one) ? 1 : 0;
      if (count == 0) return say(at, fmt::format("fits nothing of {}", name));
      if (count > 1 && name == "oneOf") return say(at, "fits more than one of oneOf");
    }
    if (const json::Value no = schema["not"]; no.exists() && fits(no))
      return say(at, "fits what `not` refuses");
    if (const json::Value condition = schema["if"]; condition.exists()) {
      const json::Value branch = fits(condition) ? schema["then"] : schema["else"];
      if (branch.exists()) return apply(branch, value, at, depth + 1);
    }
    return {};
  }

  static Violation check_number(json::Value schema, double number, const std::string& at) {
    const auto limit = [&](std::string_view name) { return schema[name].as_double(); };
    if (const auto least = limit("minimum"); least && number < *least)
      return say(at, fmt::format("must be at least {}", *least));
    if (const auto most = limit("maximum"); most && number > *most)
      return say(at, fmt::format("must be at most {}", *most));
    if (const auto least = limit("exclusiveMinimum"); least && number <= *least)
      return say(at, fmt::format("must be more than {}", *least));
    if (const auto most = limit("exclusiveMaximum"); most && number >= *most)
      return say(at, fmt::format("must be less than {}", *most));
    if (const auto unit = limit("multipleOf")) {
      // 0.3 is a multiple of 0.1 to people.
      const double ratio = number / *unit;
      if (std::abs(ratio - std::round(ratio)) > 1e-9 * std::max(1.0, std::abs(ratio)))
        return say(at, fmt::format("must be a multiple of {}", *unit));
    }
    return {};
  }

  static Violation check_count(json::Value schema, std::string_view least_name,
                               std::string_view most_name, size_t count, std::string_view what,
                               const std::string& at) {
    const auto number = static_cast<int64_t>(count);
    if (const auto least = schema[least_name].as_int64(); least && number < *least)
      return say(at, fmt::format("must have at least {} {}", *least, what));
    if (const auto most = schema[most_name].as_int64(); most && number > *most)
      return say(at, fmt::format("must have at most {} {}", *most, what));
    return {};
  }

  Violation check_text(json::Value schema, const std::string& text, const std::string& at) const {
    if (auto wrong =
            check_count(schema, "minLength", "maxLength", count_utf8(text), "characters", at))
      return wrong;
    if (const json::Value pattern = schema["pattern"]; pattern.exists())
      if (!matches(*pattern.as_string(), text))
        return say(at, fmt::format("must match {}", pattern.raw()));
    return {};
  }

  Violation check_array(json::Value schema, json::Value value, const std::string& at, int depth) {
    if (auto wrong = check_count(schema, "minItems", "maxItems", value.size(), "items", at))
      return wrong;
    const json::Value prefix = schema["prefixItems"], items = schema["items"];
    const json::Value contains = schema["contains"];
    const size_t prefix_size = prefix.exists() ? prefix.size() : 0;
    size_t index = 0;
    bool contained = false;
    for (const json::Value item : value) {
      const std::string place = fmt::format("{}/{}", at, index);
      const json::Value rule = index < prefix_size ? prefix.at(index) : items;
      if (rule.exists())
        if (auto wrong = apply(rule, item, place, depth + 1)) return wrong;
      if (contains.exists() && !contained) contained = !apply(contains, item, place, depth + 1);
      ++index;
    }
    if (contains.exists() && !contained) return say(at, "contains nothing that fits `contains`");
    if (schema["uniqueItems"].as_bool().value_or(false)) return check_unique(value, at);
    return {};
  }

  static Violation check_unique(json::Value value, const std::string& at) {
    std::vector<json::Value> items;
    for (const json::Value item : value)
      items.push_back(item);
    if (items.size() > kMostUniqueItems) return say(at, "is too long to check uniqueItems");
    for (size_t i = 0; i < items.size(); ++i)
      for (size_t j = 0; j < i; ++j)
        if (equal(items[i], items[j])) return say(at, "must not hold the same item twice");
    return {};
  }

  Violation check_object(json::Value schema, json::Value value, const std::string& at, int depth) {
    if (auto wrong =
            check_count(schema, "minProperties", "maxProperties", value.size(), "members", at))
      return wrong;
    if (const json::Value names = schema["required"]; names.exists())
      for (const json::Value name : names)
        if (!value[*name.as_string()].exists())
          return say(at, fmt::format("must have {}", name.raw()));
    for (const json::Value member : value)
      if (auto wrong = check_member(schema, member, at, depth)) return wrong;
    return {};
  }

  Violation check_member(json::Value schema, json::Value member, const std::string& at, int depth) {
    const std::string key = member.key();
    const std::string place = at + "/" + pointer_segment(key);
    if (const json::Value names = schema["propertyNames"]; names.exists()) {
      const auto name = json::Document::parse(json::quoted(key));
      if (!name || apply(names, name->root(), place, depth + 1))
        return say(place, "has a name that does not fit propertyNames");
    }
    bool named = false;
    if (const json::Value rule = schema["properties"][key]; rule.exists()) {
      named = true;
      if (auto wrong = apply(rule, member, place, depth + 1)) return wrong;
    }
    if (const json::Value patterns = schema["patternProperties"]; patterns.exists()) {
      for (const json::Value rule : patterns) {
        if (!matches(rule.key(), key)) continue;
        named = true;
        if (auto wrong = apply(rule, member, place, depth + 1)) return wrong;
      }
    }
    const json::Value others = schema["additionalProperties"];
    if (named || !others.exists()) return {};
    return apply(others, member, place, depth + 1);
  }

  json::Value root_;
  const Patterns& patterns_;
  int steps_ = 0;
};

}  // namespace

struct JsonSchema::State {
  json::Document document;
  Patterns patterns;
};

JsonSchema::JsonSchema(std::unique_ptr<State> state) : state_(std::move(state)) {}
JsonSchema::JsonSchema(JsonSchema&&) noexcept = default;
JsonSchema& JsonSchema::operator=(JsonSchema&&) noexcept = default;
JsonSchema::~JsonSchema() = default;

std::expected<JsonSchema, Error> JsonSchema::parse(std::string text) {
  auto state = std::make_unique<State>();
  TRY_ASSIGN(state->document, json::Document::parse(std::move(text)));
  Reader reader(state->document.root(), state->patterns);
  TRY(reader.read(state->document.root(), "", 0));
  return JsonSchema(std::move(state));
}

std::optional<std::string> JsonSchema::violation(json::Value value) const {
  return Check(state_->document.root(), state_->patterns)
      .apply(state_->document.root(), value, "", 0);
}

}  // namespace weir::quality
