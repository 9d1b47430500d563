#include "base/json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/random.h"

namespace weir::json {
namespace {

TEST(Json, ValuesKeepTheirExactBytes) {
  const auto doc = Document::parse(R"( {"a": 1.50e+2, "b" : [ true,null ,"x\u00e9\n"], "z":{} } )");
  ASSERT_TRUE(doc) << doc.error().message;
  const Value root = doc->root();
  EXPECT_EQ(root["a"].raw(), "1.50e+2");
  EXPECT_EQ(root["a"].as_int64(), 150);
  EXPECT_EQ(root["b"].raw(), R"([ true,null ,"x\u00e9\n"])");
  EXPECT_EQ(root["b"].size(), 3u);
  EXPECT_EQ(root["b"].at(2).as_string(), "xé\n");
  EXPECT_EQ(root["z"].size(), 0u);
  EXPECT_FALSE(root["missing"].exists());
  EXPECT_FALSE(root["a"]["deeper"].exists());
}

TEST(Json, LoneSurrogatesBecomeReplacementCharacters) {
  EXPECT_EQ(unescape(R"(\ud83d\ude00)"), "\xF0\x9F\x98\x80");
  EXPECT_EQ(unescape(R"(\ud83dx)"), "\xEF\xBF\xBDx");
  EXPECT_EQ(unescape(R"(\ude00\ud83d)"), "\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(unescape(R"(\ud83d\u0041)"),
            "\xEF\xBF\xBD"
            "A");
}

TEST(Json, ErrorsNameLineAndColumn) {
  const auto doc = Document::parse("{\n  \"a\": tru\n}");
  ASSERT_FALSE(doc);
  EXPECT_EQ(doc.error().message, "invalid JSON at line 2 column 8: expected a value");
}

TEST(Json, RefusesWhatTheGrammarRefuses) {
  for (const char* bad :
       {"",      "{",   "[1,]",      "{\"a\":1,}", "01",          "-",        "1.", "1e",
        ".5",    "+1",  "nul",       "\"\\x\"",    "\"\\u12g4\"", "\"a\nb\"", "\"", "[1 2]",
        "{a:1}", "1 2", "{\"a\" 1}", "NaN",        "'a'",         "[\"\\\"]"})
    EXPECT_FALSE(Document::parse(bad)) << bad;
  EXPECT_FALSE(Document::parse(std::string(129, '[') + std::string(129, ']')));
  EXPECT_TRUE(Document::parse(std::string(128, '[') + std::string(128, ']')));
}

TEST(Json, FindsDuplicateKeysAlsoWhenOneIsEscaped) {
  const auto doc = Document::parse(R"({"model":1,"mod\u0065l":2})");
  EXPECT_EQ(Document::duplicate_key(doc->root()), "model");
  const auto once = Document::parse(R"({"model":1,"other":{"model":2}})");
  EXPECT_EQ(Document::duplicate_key(once->root()), std::nullopt);
}

TEST(Json, EditsReplaceOnlyTheirRanges) {
  const auto doc = Document::parse(R"({"model" : "auto","n":1.0})");
  const auto edited = apply_edits(
      doc->text(), {{doc->root()["n"].range(), "2"}, {doc->root()["model"].range(), "\"m\""}});
  EXPECT_EQ(edited, R"({"model" : "m","n":2})");
}

TEST(Json, WriterPutsCommasAndEscapes) {
  Writer w;
  w.begin_object().member("a", 1).key("b").begin_array().value("x\"\x01").value(0.1).null();
  w.end_array().member("c", true).end_object();
  EXPECT_EQ(w.take(), "{\"a\":1,\"b\":[\"x\\\"\\u0001\",0.1,null],\"c\":true}");
}

std::string random_text(Random& random) {
  static constexpr std::string_view kPieces[] = {
      "{",           "}",        "[",    "]",     ",",
      ":",           "\"",       "\\",   "\"a\"", "\"b\\n\"",
      "\"\\u00e9\"", "1",        "-0",   "2.5",   "1E-7",
      "true",        "false",    "null", " ",     "\n",
      "\"key\":",    "\"\\\"\"", "0",    "tru",   "12345678901234567890"};
  std::string text;
  for (uint64_t n = 1 + random.below(12); n > 0; --n)
    text += kPieces[random.below(std::size(kPieces))];
  return text;
}

TEST(Json, AgreesWithNlohmannOnWhatIsValidAndOnContent) {
  Random random(7);
  int valid = 0;
  for (int i = 0; i < 200'000; ++i) {
    const std::string text = random_text(random);
    const auto ours = Document::parse(text);
    const bool theirs = nlohmann::json::accept(text);
    ASSERT_EQ(ours.has_value(), theirs) << text;
    if (!theirs) continue;
    ++valid;
    const auto reference = nlohmann::ordered_json::parse(text);
    if (reference.is_array()) {
      ASSERT_EQ(ours->root().size(), reference.size()) << text;
    }
    if (reference.is_string()) {
      ASSERT_EQ(ours->root().as_string(), reference.get<std::string>()) << text;
    }
  }
  EXPECT_GT(valid, 1000);
}

}  // namespace
}  // namespace weir::json
