#include "quality/json_schema.h"

#include <gtest/gtest.h>

namespace weir::quality {
namespace {

struct Case {
  const char* schema;
  const char* value;
  const char* violation;  // a part of it, "" when it fits
};

TEST(JsonSchemaTest, AcceptsAndRefusesAsTheDraftSays) {
  const Case cases[] = {
      {"true", "1", ""},
      {"false", "1", "not allowed"},
      {"{}", "null", ""},
      {R"({"type": "integer"})", "3", ""},
      {R"({"type": "integer"})", "3.0", ""},
      {R"({"type": "integer"})", "3.5", "type"},
      {R"({"type": ["string", "null"]})", "null", ""},
      {R"({"type": ["string", "null"]})", "1", "type"},
      {R"({"enum": [1, "a", [2]]})", "[2]", ""},
      {R"({"enum": [1, "a", [2]]})", "2", "one of"},
      {R"({"const": {"a": 1, "b": 2}})", R"({"b": 2, "a": 1.0})", ""},
      {R"({"const": {"a": 1}})", R"({"a": 2})", "must be"},
      {R"({"minimum": 1, "maximum": 2})", "2", ""},
      {R"({"exclusiveMaximum": 2})", "2", "less than 2"},
      {R"({"exclusiveMinimum": 2})", "2", "more than 2"},
      {R"({"minimum": 1})", "0", "at least 1"},
      {R"({"minimum": 1})", "\"0\"", ""},
      {R"({"multipleOf": 0.1})", "0.3", ""},
      {R"({"multipleOf": 2})", "3", "multiple"},
      {R"({"minLength": 2, "maxLength": 3})", "\"\xC3\xA4\xC3\xB6\"", ""},
      {R"({"maxLength": 1})", "\"ab\"", "at most 1 characters"},
      {R"({"pattern": "^a+$"})", "\"aaa\"", ""},
      {R"({"pattern": "^a+$"})", "\"ab\"", "match"},
      {R"({"items": {"type": "string"}})", R"(["a", 1])", "/1: must be of type"},
      {R"({"prefixItems": [{"type": "string"}], "items": false})", R"(["a"])", ""},
      {R"({"prefixItems": [{"type": "string"}], "items": false})", R"(["a", 1])", "/1"},
      {R"({"minItems": 1})", "[]", "at least 1 items"},
      {R"({"uniqueItems": true})", R"([1, 2, 1.0])", "twice"},
      {R"({"contains": {"const": 1}})", "[2]", "contains"},
      {R"({"contains": {"const": 1}})", "[2, 1]", ""},
      {R"({"required": ["a"]})", "{}", "must have \"a\""},
      {R"({"properties": {"a": {"type": "string"}}})", R"({"a": 1})", "/a: must be of type"},
      {R"({"properties": {"a": {}}, "additionalProperties": false})", R"({"b": 1})", "/b"},
      {R"({"patternProperties": {"^x": {"type": "number"}}, "additionalProperties": false})",
       R"({"xa": 1})", ""},
      {R"({"patternProperties": {"^x": {"type": "number"}}})", R"({"xa": "1"})", "/xa"},
      {R"({"propertyNames": {"pattern": "^[a-z]+$"}})", R"({"A": 1})", "propertyNames"},
      {R"({"minProperties": 1})", "{}", "members"},
      {R"({"allOf": [{"minimum": 1}, {"maximum": 3}]})", "4", "at most 3"},
      {R"({"anyOf": [{"type": "string"}, {"type": "null"}]})", "1", "anyOf"},
      {R"({"oneOf": [{"minimum": 1}, {"maximum": 3}]})", "2", "more than one"},
      {R"({"oneOf": [{"minimum": 1}, {"maximum": 3}]})", "0", ""},
      {R"({"not": {"type": "string"}})", "\"a\"", "not"},
      {R"({"if": {"const": 1}, "then": false, "else": true})", "1", "not allowed"},
      {R"({"if": {"const": 1}, "then": false, "else": true})", "2", ""},
      {R"({"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"type": "null"}}})", "1", "type"},
      {R"({"properties": {"next": {"$ref": "#"}}, "additionalProperties": false})",
       R"({"next": {"next": {"no": 1}}})", "/next/next/no"},
      {R"({"$ref": "#"})", "1", "too much work"},
      {R"({"title": "t", "format": "email", "description": "d"})", "1", ""},
  };
  for (const auto& c : cases) {
    const auto schema = JsonSchema::parse(c.schema);
    ASSERT_TRUE(schema) << c.schema << ": " << schema.error().message;
    const auto value = json::Document::parse(c.value);
    ASSERT_TRUE(value) << c.value;
    const auto violation = schema->violation(value->root());
    EXPECT_EQ(violation.has_value(), *c.violation != '\0') << c.schema << " | " << c.value;
    EXPECT_TRUE(violation.value_or("").contains(c.violation)) << violation.value_or("");
  }
}

TEST(JsonSchemaTest, RefusesWhatItCannotCheck) {
  const std::pair<const char*, const char*> cases[] = {
      {"1", "must be an object"},
      {R"({"dependentSchemas": {}})", "/dependentSchemas"},
      {R"({"properties": {"a": {"tpye": "string"}}})", "/properties/a/tpye"},
      {R"({"type": "text"})", "/type"},
      {R"({"minimum": "1"})", "/minimum"},
      {R"({"minLength": -1})", "/minLength"},
      {R"({"multipleOf": 0})", "positive"},
      {R"({"pattern": "("})", "/pattern"},
      {R"({"allOf": []})", "/allOf"},
      {R"({"$ref": "other.json"})", "same file"},
      {R"({"required": "a"})", "list of names"},
      {"{", "line"},
  };
  for (const auto& [text, message] : cases) {
    const auto schema = JsonSchema::parse(text);
    ASSERT_FALSE(schema) << text;
    EXPECT_TRUE(schema.error().message.contains(message)) << schema.error().message;
  }
}

}  // namespace
}  // namespace weir::quality
