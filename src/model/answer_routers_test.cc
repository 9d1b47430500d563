#include "model/answer_routers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <string>

namespace weir::model {
namespace {

using ::testing::HasSubstr;

json::Document parse(const std::string& text) {
  auto document = json::Document::parse(text);
  EXPECT_TRUE(document) << text;
  return document ? std::move(*document) : json::Document();
}

std::string token(std::string_view text, double logprob, std::string_view top = "") {
  return "{\"token\":" + json::quoted(text) + ",\"logprob\":" + std::to_string(logprob) +
         ",\"top_logprobs\":[" + std::string(top) + "]}";
}

std::string answer(std::string_view content, std::string_view tokens) {
  return "{\"choices\":[{\"message\":{\"content\":" + json::quoted(content) +
         "},\"logprobs\":{\"content\":[" + std::string(tokens) + "]}}]}";
}

TEST(Causal, SoftmaxOfTheLabelsGivesTheProbability) {
  constexpr std::array<float, 5> kLogits{.1F, .3F, .9F, 1.4F, .6F};
  EXPECT_NEAR(prob_strong_of_labels(kLogits.data()), 0.455398, 5e-7);
  EXPECT_NEAR(1 - prob_strong_of_labels(kLogits.data()), 0.544602, 5e-7);
}

TEST(Causal, LabelsAreReadHoweverTheyAreCutIntoTokens) {
  const std::string alternatives = token("4", std::log(0.5)) + "," + token("5", std::log(0.2)) +
                                   "," + token("3", std::log(0.1)) + "," + token("x", -1);
  const std::string whole = token("[[4]]", std::log(0.5)) + "," + token("[[5]]", std::log(0.2)) +
                            "," + token("[[3]]", std::log(0.1));
  for (const std::string& body :
       {answer("[[4]]", token("[[", -0.01) + "," + token("4", std::log(0.5), alternatives) + "," +
                            token("]]", 0)),
        answer("[[4]]", token("[", 0) + "," + token("[", 0) + "," +
                            token("4", std::log(0.5), alternatives) + "," + token("]]", 0)),
        answer("[[4]]", token("[[4]]", std::log(0.5), whole)),
        answer(" 4", token("4", std::log(0.5), alternatives)),
        answer("ok [[4]]", token("ok", 0) + "," + token(" [[", 0) + "," +
                               token("4", std::log(0.5), alternatives))}) {
    const json::Document document = parse(body);
    const auto labels = read_answer(Kind::kCausal, document.root());
    ASSERT_TRUE(labels) << body << labels.error().message;
    ASSERT_EQ(labels->size(), kLabels);
    EXPECT_NEAR((*labels)[3], std::log(0.5), 1e-6) << body;
    EXPECT_NEAR((*labels)[4], std::log(0.2), 1e-6) << body;
    EXPECT_NEAR(prob_strong_of_labels(labels->data()), 0.1 / 0.8, 1e-6) << body;
  }
}

TEST(Causal, WhatHoldsNoLabelIsAFailure) {
  std::string long_way = token("a", 0);
  for (int i = 0; i < 5; ++i)
    long_way += "," + token("b", 0);
  long_way += "," + token("[[4]]", 0);
  struct Case {
    std::string body, message;
  };
  for (const Case& c : {Case{answer("", ""), "empty"},
                        Case{answer("I think it is easy", token("I", 0)), "no label"},
                        Case{answer("abbbbb[[4]]", long_way), "no label"},
                        Case{answer("[[7]]", token("[[7]]", 0)), "no label"},
                        Case{R"({"choices":[{"message":{"content":"[[4]]"}}]})", "kind llm"},
                        Case{R"({"choices":[]})", "empty"}, Case{"{}", "empty"}}) {
    const json::Document document = parse(c.body);
    const auto labels = read_answer(Kind::kCausal, document.root());
    ASSERT_FALSE(labels) << c.body;
    EXPECT_THAT(labels.error().message, HasSubstr(c.message));
  }
}

TEST(Llm, YesMeansStrong) {
  for (const auto& [content, strong] :
       {std::pair("YES", 1.0), std::pair("no.", 0.0), std::pair(" **Yes**, it does", 1.0)}) {
    const json::Document document = parse(answer(content, ""));
    const auto words = read_answer(Kind::kLlm, document.root());
    ASSERT_TRUE(words) << content;
    EXPECT_EQ(prob_strong_of_words(words->data()), strong) << content;
  }
  const json::Document document = parse(answer("maybe", ""));
  EXPECT_FALSE(read_answer(Kind::kLlm, document.root()));
}

TEST(AnswerRouters, RequestHoldsTheQuestionAndItsEndWhenItIsLong) {
  const json::Document document = parse(
      answer_request(Kind::kCausal, default_prompt(Kind::kCausal), "judge", "What is 2 + 3?"));
  EXPECT_EQ(document.root()["model"].string_or(""), "judge");
  EXPECT_EQ(document.root()["max_tokens"].as_int64(), 6);
  EXPECT_EQ(document.root()["logprobs"].as_bool(), true);
  EXPECT_THAT(document.root()["messages"].at(0)["content"].string_or(""),
              HasSubstr("[Question]\nWhat is 2 + 3?"));
  const std::string query = std::string(20'000, 'a') + "\xC3\xA9 the end";
  const json::Document cut =
      parse(answer_request(Kind::kLlm, default_prompt(Kind::kLlm), "judge", query));
  const std::string content = cut.root()["messages"].at(0)["content"].string_or("");
  EXPECT_LT(content.size(), 9'000u);
  EXPECT_THAT(content, HasSubstr("\xC3\xA9 the end"));
  EXPECT_EQ(cut.root()["max_tokens"].as_int64(), 5);
  EXPECT_FALSE(cut.root()["logprobs"].exists());
}

}  // namespace
}  // namespace weir::model
