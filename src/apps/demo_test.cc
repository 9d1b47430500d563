#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apps/demo_cases.h"
#include "apps/demo_report.h"
#include "base/files.h"

namespace weir::apps {
namespace {

using ::testing::HasSubstr;

TEST(DemoFigures, CompareWeirWithTheThreeOthers) {
  // Two questions that weak answers, two that only strong does; weir sends one of each to strong.
  const std::vector<DemoRow> rows{{false, 1, 1, 1, 10, 10, 100},
                                  {true, 1, 1, 1, 100, 10, 100},
                                  {true, 1, 0, 1, 100, 10, 100},
                                  {false, 0, 0, 1, 10, 10, 100}};
  const DemoFigures figures = demo_figures(rows, 1);
  ASSERT_EQ(figures.policies.size(), 4u);
  EXPECT_EQ(figures.policies[0].quality, 1);
  EXPECT_EQ(figures.policies[1].quality, 0.75);
  EXPECT_EQ(figures.policies[1].strong_share, 0.5);
  EXPECT_EQ(figures.policies[1].cost_nanousd, 220);
  EXPECT_EQ(figures.policies[2].quality, 0.75) << "half of strong's 1 and half of weak's 0.5";
  EXPECT_EQ(figures.policies[3].quality, 0.5);
  EXPECT_DOUBLE_EQ(figures.saved_percent, 45);
  EXPECT_EQ(figures.gain_over_random, 0);
  for (const DemoPolicy& policy : figures.policies) {
    EXPECT_LE(policy.low, policy.quality);
    EXPECT_GE(policy.high, policy.quality);
  }
  EXPECT_THAT(demo_table(figures), HasSubstr("weir saves 45.0 % of all-strong's cost"));
}

TEST(DemoCases, SimulatedOnesAreJudgedByTheTruth) {
  const DemoCases cases = simulated_cases(20, 3);
  ASSERT_EQ(cases.queries.size(), 20u);
  EXPECT_EQ(cases.judge(0, "sim-weak", "The answer is " + cases.truths[0] + "."), 1.0);
  EXPECT_EQ(cases.judge(0, "sim-weak", "The answer is nothing."), 0.0);
  EXPECT_EQ(cases.judge(0, "sim-weak", "The ans"), std::nullopt) << "damaged on its way";
}

TEST(DemoCases, LabelsSayWhereOnlyStrongIsRight) {
  const train::LabelledRows labelled = labelled_questions(2000, 4, 5);
  ASSERT_EQ(labelled.rows.size(), 2000u);
  double needed = 0;
  for (const auto& row : labelled.rows) {
    EXPECT_EQ(row.label, row.strong_score > row.weak_score ? 1 : 0);
    needed += row.label;
  }
  EXPECT_GT(needed / 2000, 0.15);
  EXPECT_LT(needed / 2000, 0.45);
}

class RecordedCases : public ::testing::Test {
 protected:
  std::expected<DemoCases, Error> load(std::string_view rows) {
    const std::string file = ::testing::TempDir() + "demo_test_answers.jsonl";
    EXPECT_TRUE(write_file(file, rows));
    return recorded_cases(file, 100);
  }
};

TEST_F(RecordedCases, TakeQuestionsThatBothModelsAnsweredAndTheBetterModelAsStrong) {
  const auto cases = load(R"({"query":"a","model":"x","response":"A","score":1}
{"query":"a","model":"b","response":"B","score":0}
{"query":"c","model":"b","response":"C","score":0}
)");
  ASSERT_TRUE(cases) << cases.error().message;
  EXPECT_EQ(cases->queries, std::vector<std::string>{"a"});
  EXPECT_EQ(cases->weak, "b");
  EXPECT_EQ(cases->strong, "x");
  EXPECT_EQ(cases->judge(0, "x", "A"), 1.0);
  EXPECT_EQ(cases->judge(0, "x", "B"), std::nullopt);
}

TEST_F(RecordedCases, NeedTwoModelsAndScores) {
  EXPECT_THAT(load(R"({"query":"a","model":"x","response":"A","score":1})").error().message,
              HasSubstr("answers of 1 models"));
  EXPECT_THAT(load(R"({"query":"a","model":"x","response":"A","score":1}
{"id":"7","query":"a","model":"y","response":"A"})")
                  .error()
                  .message,
              HasSubstr("row 7 has no score"));
}

}  // namespace
}  // namespace weir::apps
