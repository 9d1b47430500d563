#include "quality/checkers.h"

#include <gtest/gtest.h>

#include <csignal>

#include "quality/command.h"
#include "quality/refusal.h"

namespace weir::quality {
namespace {

struct Case {
  const char* checker;
  const char* answer;
  const char* reference;
  Outcome outcome;
};

TEST(CheckerTest, JudgesAnswersAsItsTextSays) {
  using enum Outcome;
  const Case cases[] = {
      {"any", "hello", "", kGood},
      {"any", " \n", "", kEmpty},
      {"any", "I'm sorry, but I can't help with that.", "", kRefused},
      {"exact", " Paris. ", "paris", kGood},
      {"exact", "The answer is Paris.", "Paris", kGood},
      {"exact", "**Paris**", "Paris", kGood},
      {"exact", "Paris, France", "Paris", kWrong},
      {"exact", "London", "Paris", kWrong},
      {"exact", "London", "", kUnknown},
      {"numeric", "It costs $1,234.50.", "1234.5", kGood},
      {"numeric", "18.00", "18", kGood},
      {"numeric", "19", "18", kWrong},
      {"numeric", "no idea", "18", kWrongFormat},
      {"numeric", "18", "eighteen", kUnknown},
      {"numeric 0.01", "99.5", "100", kGood},
      {"numeric 0.001", "99.5", "100", kWrong},
      {"choice", "The answer is (B).", "B", kGood},
      {"choice", "C", "B", kWrong},
      {"choice", "It is a bird", "B", kWrongFormat},
      {"regex ^\\d{4}-\\d{2}$", "2024-05", "", kGood},
      {"regex ^\\d{4}-\\d{2}$", "May", "", kWrong},
      {"json", "{\"a\": 1}", "", kGood},
      {"json", "```json\n[1]\n```", "", kGood},
      {"json", "{a: 1}", "", kWrongFormat},
      {R"(json_schema {"type": "object", "required": ["a"]})", "{\"a\": 1}", "", kGood},
      {R"(json_schema {"type": "object", "required": ["a"]})", "{}", "", kWrong},
      {R"(json_schema {"type": "object", "required": ["a"]})", "sure!", "", kWrongFormat},
      {"numeric", "I cannot help with that.", "18", kRefused},
      {"numeric", "I can't provide advice, but it is 18", "18", kGood},
  };
  for (const auto& c : cases) {
    const auto checker = Checker::parse(c.checker);
    ASSERT_TRUE(checker) << c.checker << ": " << checker.error().message;
    const Checked checked = checker->check(c.answer, c.reference);
    EXPECT_EQ(to_string(checked.outcome), to_string(c.outcome)) << c.checker << " | " << c.answer;
    EXPECT_EQ(checked.why.empty(), checked.good()) << c.answer;
  }
}

TEST(CheckerTest, SaysWhatIsWrongWithItsText) {
  const std::pair<const char*, const char*> cases[] = {
      {"nope", "there are any, exact, numeric"},
      {"regex", "needs a pattern"},
      {"regex (", "missing"},
      {"numeric 2", "tolerance from 0 to 1"},
      {"numeric x", "tolerance"},
      {"exact twice", "takes no argument"},
      {"json_schema /no/such", "/no/such"},
      {"json_schema {\"typo\": 1}", "/typo"},
      {"command", "needs a program"},
      {"command sh 'a", "not closed"},
      {"http ftp://x", "needs a URL"},
      {"", "there are"},
  };
  for (const auto& [text, message] : cases) {
    const auto checker = Checker::parse(text);
    ASSERT_FALSE(checker) << text;
    EXPECT_TRUE(checker.error().message.contains(message)) << checker.error().message;
  }
}

TEST(CheckerTest, CommandsAreSplitAsInAShell) {
  const auto checker = Checker::parse(R"(command grep -c 'a b' "c'd" '')");
  ASSERT_TRUE(checker);
  EXPECT_TRUE(checker->asks_outside());
  EXPECT_EQ(std::vector<std::string>(checker->argv().begin(), checker->argv().end()),
            (std::vector<std::string>{"grep", "-c", "a b", "c'd", ""}));
}

TEST(CheckerTest, OutsideVerdictsAreReadStrictly) {
  EXPECT_EQ(judge_command(0, "x").outcome, Outcome::kGood);
  EXPECT_EQ(judge_command(1, "too short\nmore").why, "too short");
  EXPECT_EQ(judge_command(2, "").outcome, Outcome::kWrongFormat);
  EXPECT_EQ(judge_command(3, "").outcome, Outcome::kUnknown);
  EXPECT_EQ(judge_command(-9, "").outcome, Outcome::kUnknown);
  EXPECT_EQ(judge_http(200, R"({"good": true})").outcome, Outcome::kGood);
  EXPECT_EQ(judge_http(200, R"({"good": false, "why": "no"})").why, "no");
  EXPECT_EQ(judge_http(200, R"({"good": "yes"})").outcome, Outcome::kUnknown);
  EXPECT_EQ(judge_http(500, R"({"good": true})").outcome, Outcome::kUnknown);
  EXPECT_EQ(judge_http(200, "fine").outcome, Outcome::kUnknown);
}

TEST(RefusalTest, IsFoundWhereRefusalsStand) {
  EXPECT_TRUE(looks_like_refusal("I\xE2\x80\x99m sorry, but I can\xE2\x80\x99t help with that."));
  EXPECT_TRUE(looks_like_refusal("As an AI language model, I have no opinion."));
  EXPECT_FALSE(looks_like_refusal("Sorry for the delay: it is 42."));
  EXPECT_FALSE(looks_like_refusal(std::string(500, 'x') + " I can't help with that"));
  EXPECT_FALSE(looks_like_refusal(""));
}

TEST(CommandTest, GivesStatusAndOutputAndReadsItsInput) {
  std::signal(SIGPIPE, SIG_IGN);  // as the program does: a command may end without reading
  const std::vector<std::string> cat{"cat"};
  const std::string big(300'000, 'x');
  const auto end = run_command(cat, big, {.output_bytes = big.size()});
  ASSERT_TRUE(end);
  EXPECT_EQ(end->status, 0);
  EXPECT_EQ(end->output, big);
  const std::vector<std::string> fails{"sh", "-c", "echo $WEIR_QUERY; exit 3"};
  const auto failed = run_command(fails, "ignored", {}, {{"WEIR_QUERY", "q"}});
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->status, 3);
  EXPECT_EQ(failed->output, "q\n");
}

TEST(CommandTest, IsBoundedInTimeAndOutput) {
  const std::vector<std::string> sleeps{"sh", "-c", "sleep 60 & sleep 60"};
  const auto slow = run_command(sleeps, "", {.timeout_ms = 50});
  ASSERT_TRUE(slow);
  EXPECT_EQ(slow->status, CommandEnd::kTimedOut);
  const std::vector<std::string> talks{"yes"};
  const auto loud = run_command(talks, "", {.output_bytes = 1000});
  ASSERT_TRUE(loud);
  EXPECT_EQ(loud->status, CommandEnd::kTooMuchOutput);
  EXPECT_EQ(loud->output.size(), 1000U);
  const std::vector<std::string> missing{"/no/such/program"};
  const auto none = run_command(missing, "", {});
  ASSERT_FALSE(none);
  EXPECT_TRUE(none.error().message.contains("/no/such/program"));
}

}  // namespace
}  // namespace weir::quality
