#include "simulate/confidence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <string>

#include "base/json.h"
#include "base/random.h"
#include "simulate/format.h"
#include "simulate/prompt.h"
#include "simulate/question.h"
#include "simulate/reply.h"
#include "simulate/router_prompt.h"

namespace weir::simulate {
namespace {

using ::testing::HasSubstr;

Prompt prompt_of(std::string_view question) {
  auto prompt =
      read_prompt(wire::Dialect::kOpenAi,
                  "{\"model\":\"sim-weak\",\"messages\":[{\"role\":\"user\",\"content\":" +
                      json::quoted(question) + "}]}");
  EXPECT_TRUE(prompt);
  return prompt ? *prompt : Prompt();
}

std::string joined(const Reply& reply) {
  std::string text;
  for (const Token& token : reply.tokens)
    text += token.text;
  return text;
}

TEST(Confidence, TokensSayHowOftenTheAnswerIsRight) {
  Random random(7);
  double expected = 0, right = 0;
  constexpr int kQuestions = 4'000;
  for (int i = 0; i < kQuestions; ++i) {
    const Question question = make_mixed_question(random);
    const Reply reply = make_reply(prompt_of(question.text), Tier::kWeak, 1);
    ASSERT_FALSE(reply.tokens.empty());
    ASSERT_EQ(joined(reply), reply.text);
    expected += std::exp(reply.tokens.back().logprob);
    right += is_correct(reply.text, question.answer);
  }
  EXPECT_NEAR(expected / kQuestions, right / kQuestions, 0.02);
}

TEST(Confidence, StatedIsTooHighAndInStepsOfFiveHundredths) {
  Random random(8);
  double stated = 0, right = 0;
  constexpr int kQuestions = 2'000;
  for (int i = 0; i < kQuestions; ++i) {
    const Question question = make_question(Family::kArithmetic, 1 + i % 10, random);
    const auto solved = solve(question.text);
    ASSERT_TRUE(solved);
    const double value = stated_confidence(Tier::kWeak, *solved, 1);
    EXPECT_NEAR(value * 20, std::round(value * 20), 1e-9);
    stated += value;
    right += belief(Tier::kWeak, solved->difficulty);
  }
  EXPECT_GT(stated / kQuestions, right / kQuestions + 0.1);
  EXPECT_GE(stated / kQuestions, 0.75);
}

TEST(Confidence, TheLineIsWrittenOnlyWhenAskedFor) {
  const std::string question = "What is 2 + 3?";
  EXPECT_EQ(make_reply(prompt_of(question), Tier::kStrong, 1).text.find("CONFIDENCE"),
            std::string::npos);
  const Reply asked =
      make_reply(prompt_of(question + "\n\nAt the end, add a line:\nCONFIDENCE: <number 0.0-1.0>"),
                 Tier::kStrong, 1);
  EXPECT_THAT(asked.text, HasSubstr("The answer is 5.\nCONFIDENCE: 1.00"));
  EXPECT_EQ(joined(asked), asked.text);
}

TEST(RouterPrompt, LabelsFollowTheDifficulty) {
  const auto ask = [](std::string_view question) {
    return make_router_reply(
        prompt_of("Rate from [[1]] to [[5]].\n\n[Question]\n" + std::string(question)));
  };
  const Reply easy = ask("What is 2 + 3?");
  EXPECT_EQ(easy.text, "[[5]]");
  ASSERT_EQ(easy.tokens.size(), 3u);
  EXPECT_EQ(easy.tokens[1].text, "5");
  double sum = 0, weak_right = 0;
  for (const auto& [text, logprob] : easy.tokens[1].top) {
    sum += std::exp(logprob);
    if (text == "4" || text == "5") weak_right += std::exp(logprob);
  }
  EXPECT_NEAR(sum, 1, 1e-6);
  EXPECT_NEAR(weak_right, belief(Tier::kWeak, 1), 1e-6);
  Random random(3);
  const Question hard = make_question(Family::kCode, kMostDifficult, random);
  EXPECT_EQ(ask(hard.text).text, "[[3]]");
}

TEST(RouterPrompt, YesOrNo) {
  const std::string head = "Does this need a stronger model? Answer with only: YES or NO\n\n";
  EXPECT_EQ(make_router_reply(prompt_of(head + "What is 2 + 3?")).text, "NO");
  Random random(3);
  const Question hard = make_question(Family::kCode, kMostDifficult, random);
  EXPECT_EQ(make_router_reply(prompt_of(head + hard.text)).text, "YES");
  EXPECT_FALSE(asks_router(prompt_of("What is 2 + 3?")));
}

TEST(Format, LogprobsAreWrittenWhereTheyWereAskedFor) {
  Answer answer;
  answer.model = "m";
  answer.reply = make_reply(prompt_of("What is 2 + 3?"), Tier::kWeak, 1);
  EXPECT_THAT(whole_body(wire::Dialect::kOpenAi, answer), HasSubstr("\"logprobs\":null"));
  answer.logprobs = true;
  answer.top_logprobs = 2;
  const auto document = json::Document::parse(whole_body(wire::Dialect::kOpenAi, answer));
  ASSERT_TRUE(document);
  const json::Value content = document->root()["choices"].at(0)["logprobs"]["content"];
  ASSERT_EQ(content.size(), answer.reply.tokens.size());
  EXPECT_EQ(content.at(3)["token"].string_or(""), " 5.");
  EXPECT_EQ(content.at(3)["top_logprobs"].size(), 2u);
  std::string streamed;
  for (const Event& event : stream_events(wire::Dialect::kOpenAi, answer, false)) {
    if (event.kind != Event::Kind::kContent) continue;
    const auto chunk = json::Document::parse(event.bytes.substr(6));
    ASSERT_TRUE(chunk);
    const json::Value choice = chunk->root()["choices"].at(0);
    EXPECT_EQ(choice["logprobs"]["content"].at(0)["token"].string_or(""),
              choice["delta"]["content"].string_or("-"));
    streamed += choice["delta"]["content"].string_or("");
  }
  EXPECT_EQ(streamed, answer.reply.text);
}

}  // namespace
}  // namespace weir::simulate
