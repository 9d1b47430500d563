#include "train/data_check.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "base/random.h"
#include "train/near_duplicates.h"

namespace weir::train {
namespace {

constexpr const char* kStory =
    "A train leaves the station at nine in the morning and travels north at sixty miles an hour "
    "until noon, when it stops for lunch";

TEST(NearDuplicatesTest, SeesThroughCasePunctuationAndSmallEdits) {
  ShingleIndex index;
  index.add("What is the capital of France?");
  index.add(kStory);
  index.add("");
  const auto equal = index.find("what is the CAPITAL of france");
  ASSERT_TRUE(equal);
  EXPECT_EQ(equal->index, 0U);
  EXPECT_EQ(equal->similarity, 1);
  const auto longer = index.find(std::string("Please help: ") + kStory + ". How far did it go?");
  ASSERT_TRUE(longer);
  EXPECT_EQ(longer->index, 1U);
  EXPECT_FALSE(index.find("What is the capital of Spain?"));
  EXPECT_FALSE(
      index.find("A train leaves the station at nine and then something else happens to "
                 "all of the people in it, as told below"));
  EXPECT_FALSE(index.find(""));
  EXPECT_FALSE(index.find_before(kStory, 1));
}

TEST(NearDuplicatesTest, CountsIdeographsAsWords) {
  ShingleIndex index;
  index.add("请问从北京到上海坐高铁需要多长时间呢");
  EXPECT_TRUE(index.find("从北京到上海坐高铁需要多长时间呢?"));
  EXPECT_FALSE(index.find("请问从广州到深圳开车要走多少公里的路"));
}

// All pairs by the definition, on random texts of few words, so that all cases occur.
TEST(NearDuplicatesTest, FindsWhatTheDefinitionSays) {
  Random random(5);
  std::vector<std::string> texts;
  for (int i = 0; i < 60; ++i) {
    std::string text = i > 0 && random.below(2) == 0 ? texts[random.below(texts.size())] : "";
    for (uint64_t words = random.below(12); words > 0; --words)
      text += " w" + std::to_string(random.below(40));
    texts.push_back(text);
  }
  const auto near = [](const std::string& a, const std::string& b) {
    ShingleIndex one;
    one.add(a);
    return one.find(b).has_value();
  };
  ShingleIndex all;
  int found = 0;
  for (size_t i = 0; i < texts.size(); ++i) {
    bool expected = false;
    for (size_t j = 0; j < i; ++j)
      expected = expected || near(texts[j], texts[i]);
    EXPECT_EQ(all.find(texts[i]).has_value(), expected) << texts[i];
    found += expected ? 1 : 0;
    all.add(texts[i]);
  }
  EXPECT_GT(found, 5);
  EXPECT_LT(found, 55);
}

TEST(LanguageTest, IsGuessedFromScriptAndCommonWords) {
  const std::pair<const char*, std::string_view> cases[] = {
      {"What is the capital of France?", "English"},
      {"Wie hoch ist der Turm und wie alt ist die Kirche?", "German"},
      {"Quelle est la capitale des Pays-Bas et qui sont les voisins?", "French"},
      {"¿Cuáles son los rios del norte y por donde pasan?", "Spanish"},
      {"Какая столица Франции?", "Cyrillic"},
      {"法国的首都是哪里?", "Chinese"},
      {"フランスの首都は何ですか", "Japanese"},
      {"프랑스의 수도는 어디입니까", "Korean"},
      {"ما هي عاصمة فرنسا", "Arabic"},
      {"12 + 30 = ?", "none"},
      {"xyzzy plugh", "Latin"},
      {"", "none"}};
  for (const auto& [text, language] : cases)
    EXPECT_EQ(guess_language(text), language) << text;
}

TEST(DataCheckTest, CountsRowsLabelsRepeatsAndWhatFilesShare) {
  std::string folder = (std::filesystem::temp_directory_path() / "weir-check-XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const std::filesystem::path a = std::filesystem::path(folder) / "a.jsonl";
  const std::filesystem::path b = std::filesystem::path(folder) / "b.jsonl";
  std::ofstream(a) << "{\"query\": \"What is the one?\", \"label\": 1}\n"
                      "{\"query\": \"what is the ONE?\", \"label\": 0}\n"
                      "{\"query\": \"What is the two?\", \"label\": null}\n{\"id\": 3}\n";
  std::ofstream(b) << "{\"query\": \"What is the one\", \"scores\": {\"m\": 0.25}}\n"
                      "{\"query\": \"And the three?\", \"scores\": {\"m\": 0.75}}\n";
  const auto check = check_data({a, b});
  std::filesystem::remove_all(folder);
  ASSERT_TRUE(check) << check.error().message;
  const FileCheck& first = check->files[0];
  EXPECT_EQ(first.rows, 4);
  EXPECT_EQ(first.without_query, 1);
  EXPECT_EQ(first.label_1, 1);
  EXPECT_EQ(first.label_0, 1);
  EXPECT_EQ(first.label_null, 1);
  EXPECT_EQ(first.repeated, 1);
  EXPECT_EQ(first.contradictory, 1);
  EXPECT_EQ(first.lengths.most, 16U);
  EXPECT_EQ(check->files[1].scores.at("m").rows, 2);
  EXPECT_DOUBLE_EQ(check->files[1].scores.at("m").sum, 1);
  ASSERT_EQ(check->overlaps.size(), 1U);
  EXPECT_EQ(check->overlaps[0].equal + check->overlaps[0].near, 1);
}

}  // namespace
}  // namespace weir::train
