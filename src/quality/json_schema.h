// Checks a JSON value against a JSON Schema (draft 2020-12, json-schema.org). Covers what schemas
// for model answers use: type, enum, const, properties, required, additionalProperties,
// patternProperties, propertyNames, min/maxProperties, items, prefixItems, contains,
// min/maxItems, uniqueItems, min/maxLength, pattern (RE2), minimum, maximum, exclusive*,
// multipleOf, allOf, anyOf, oneOf, not, if/then/else, and $ref to "#" or "#/$defs/...".
// A schema that uses another asserting keyword is refused, so that none is silently passed;
// annotations (title, format, default ...) are ignored. Numbers compare as doubles.
// A library was left out on purpose: the one that Debian has runs patterns through std::regex,
// whose recursion a long answer overflows.
// Immutable once made, thread-safe. Depth and work are bounded.
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json.h"

namespace weir::quality {

class JsonSchema {
 public:
  // Fails: kInvalidArgument naming the place ("/properties/age/minimum"); kUnsupported naming the
  // keyword.
  [[nodiscard]] static std::expected<JsonSchema, Error> parse(std::string text);
  JsonSchema(JsonSchema&&) noexcept;
  JsonSchema& operator=(JsonSchema&&) noexcept;
  ~JsonSchema();

  // nullopt when it fits, else what does not and where: "/age: must be at least 0".
  std::optional<std::string> violation(json::Value value) const;

 private:
  struct State;
  explicit JsonSchema(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace weir::quality
