#include "policy/cascade.h"

#include <gtest/gtest.h>

namespace weir::policy {
namespace {

using enum CascadeVerdict;

TEST(Cascade, EscalatesBelowTheDefaultThreshold) {
  const CascadeRule rule;
  EXPECT_EQ(judge_weak_answer(rule, {.prob_right = 0.7}), kAccepted);
  EXPECT_EQ(judge_weak_answer(rule, {.prob_right = 0.69}), kEscalated);
  EXPECT_EQ(judge_weak_answer(rule, {.prob_right = 0}), kEscalated);
}

TEST(Cascade, AlarmsAndUnreadableConfidencesEscalate) {
  CascadeRule rule;
  rule.give_up_below = 0.5;
  EXPECT_EQ(judge_weak_answer(rule, {.prob_right = 1, .alarm = true}), kEscalated);
  EXPECT_EQ(judge_weak_answer(rule, {.prob_right = 0.1, .alarm = true}), kEscalated);
  EXPECT_EQ(judge_weak_answer(rule, {.prob_right = std::nullopt}), kEscalated);
}

TEST(Cascade, TwoThresholdsMakeThreeZones) {
  CascadeRule rule;
  rule.escalate_below = 0.8;
  rule.give_up_below = 0.2;
  EXPECT_EQ(judge_weak_answer(rule, {.prob_right = 0.1}), kGaveUp);
  EXPECT_EQ(judge_weak_answer(rule, {.prob_right = 0.2}), kEscalated);
  EXPECT_EQ(judge_weak_answer(rule, {.prob_right = 0.5}), kEscalated);
  EXPECT_EQ(judge_weak_answer(rule, {.prob_right = 0.8}), kAccepted);
}

}  // namespace
}  // namespace weir::policy
