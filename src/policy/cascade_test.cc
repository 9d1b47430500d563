#include "policy/cascade.h"

#include <gtest/gtest.h>

namespace weir::policy {
namespace {

using enum CascadeVerdict;

TEST(Cascade, EscalatesBelowTheDefaultThreshold) {
  const CascadeRule rule;
  EXPECT_EQ(judge_weak_answer(rule, {.confidence = 0.7}), kAccepted);
  EXPECT_EQ(judge_weak_answer(rule, {.confidence = 0.69}), kEscalated);
  EXPECT_EQ(judge_weak_answer(rule, {.confidence = 0}), kEscalated);
}

TEST(Cascade, AlarmsAndUnreadableConfidencesEscalate) {
  CascadeRule rule;
  rule.give_up_below = 0.5;
  EXPECT_EQ(judge_weak_answer(rule, {.confidence = 1, .alarm = true}), kEscalated);
  EXPECT_EQ(judge_weak_answer(rule, {.confidence = 0.1, .alarm = true}), kEscalated);
  EXPECT_EQ(judge_weak_answer(rule, {.confidence = std::nullopt}), kEscalated);
}

TEST(Cascade, TwoThresholdsMakeThreeZones) {
  CascadeRule rule;
  rule.escalate_below = 0.8;
  rule.give_up_below = 0.2;
  EXPECT_EQ(judge_weak_answer(rule, {.confidence = 0.1}), kGaveUp);
  EXPECT_EQ(judge_weak_answer(rule, {.confidence = 0.2}), kEscalated);
  EXPECT_EQ(judge_weak_answer(rule, {.confidence = 0.5}), kEscalated);
  EXPECT_EQ(judge_weak_answer(rule, {.confidence = 0.8}), kAccepted);
}

TEST(Cascade, MapIsLinearBetweenKnotsAndLevelOutside) {
  CascadeRule rule;
  rule.knot_confidence = {0.5, 0.9, 1.0};
  rule.knot_accuracy = {0.2, 0.4, 0.9};
  EXPECT_DOUBLE_EQ(mapped_confidence(rule, 0), 0.2);
  EXPECT_DOUBLE_EQ(mapped_confidence(rule, 0.5), 0.2);
  EXPECT_DOUBLE_EQ(mapped_confidence(rule, 0.7), 0.3);
  EXPECT_DOUBLE_EQ(mapped_confidence(rule, 0.9), 0.4);
  EXPECT_DOUBLE_EQ(mapped_confidence(rule, 1), 0.9);
  EXPECT_EQ(judge_weak_answer(rule, {.confidence = 0.9}), kEscalated);
  EXPECT_EQ(judge_weak_answer(rule, {.confidence = 1}), kAccepted);
}

}  // namespace
}  // namespace weir::policy
