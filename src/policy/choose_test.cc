#include "policy/choose.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "base/random.h"

namespace weir::policy {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Inputs pair_inputs(std::optional<double> score) {
  Inputs in;
  in.candidates = {{.tier = Tier::kWeak}, {.tier = Tier::kStrong}};
  in.score = score;
  in.trained = true;
  in.unit_draw = 0.9;
  return in;
}

TEST(Choose, ScoreAtTheThresholdIsStrong) {
  EXPECT_EQ(choose(pair_inputs(0.5)).assigned, Tier::kStrong);
  EXPECT_EQ(choose(pair_inputs(0.4999)).assigned, Tier::kWeak);
  EXPECT_THAT(choose(pair_inputs(0.4999)).attempts, ElementsAre(0, 1));
  EXPECT_THAT(choose(pair_inputs(0.5)).attempts, ElementsAre(1));
}

TEST(Choose, UntrainedAndUnjudgeableGoStrong) {
  auto in = pair_inputs(0.1);
  in.trained = false;
  EXPECT_EQ(choose(in).assigned, Tier::kStrong);
  EXPECT_EQ(choose(in).reason, Reason::kUntrained);
  EXPECT_EQ(choose(in).propensity, 1);
  const Plan plan = choose(pair_inputs(std::nullopt));
  EXPECT_EQ(plan.assigned, Tier::kStrong);
  EXPECT_EQ(plan.reason, Reason::kCannotJudge);
}

TEST(Choose, ControlUnitIsStrongWhateverTheScore) {
  auto in = pair_inputs(0.1);
  in.unit_draw = 0.01;
  const Plan plan = choose(in);
  EXPECT_EQ(plan.assigned, Tier::kStrong);
  EXPECT_EQ(plan.by_score, Tier::kWeak);
  EXPECT_TRUE(plan.control);
  EXPECT_EQ(plan.reason, Reason::kControl);
  EXPECT_DOUBLE_EQ(plan.propensity, 0.05);
  EXPECT_THAT(plan.attempts, ElementsAre(1));
}

TEST(Choose, ControlNeedsTheExperiment) {
  auto in = pair_inputs(0.1);
  in.unit_draw = 0.01;
  in.in_experiment = false;
  const Plan plan = choose(in);
  EXPECT_EQ(plan.assigned, Tier::kWeak);
  EXPECT_FALSE(plan.control);
  EXPECT_EQ(plan.propensity, 1);
}

TEST(Choose, OnlyANewTurnMovesAConversationUp) {
  auto in = pair_inputs(0.9);
  in.sticky = Tier::kWeak;
  EXPECT_EQ(choose(in).assigned, Tier::kWeak);
  EXPECT_EQ(choose(in).reason, Reason::kSticky);
  in.may_move_up = true;
  EXPECT_EQ(choose(in).assigned, Tier::kStrong);
  EXPECT_EQ(choose(in).reason, Reason::kScore);
}

TEST(Choose, AConversationNeverMovesDown) {
  auto in = pair_inputs(0.1);
  in.sticky = Tier::kStrong;
  in.may_move_up = true;
  EXPECT_EQ(choose(in).assigned, Tier::kStrong);
  EXPECT_FALSE(needs_score(in));
}

TEST(Choose, AfterAFallbackTheStrongModelKeepsServing) {
  auto in = pair_inputs(0.1);
  in.sticky = Tier::kWeak;
  in.served_so_far = Tier::kStrong;
  in.may_move_up = true;
  const Plan plan = choose(in);
  EXPECT_EQ(plan.assigned, Tier::kWeak);
  EXPECT_EQ(plan.reason, Reason::kSticky);
  EXPECT_THAT(plan.attempts, ElementsAre(1));
}

TEST(Choose, IneligibleModelsAreNotAttempted) {
  auto in = pair_inputs(0.1);
  in.candidates[0].eligible = false;
  EXPECT_THAT(choose(in).attempts, ElementsAre(1));
  EXPECT_EQ(choose(in).reason, Reason::kCapability);
  EXPECT_EQ(choose(in).assigned, Tier::kWeak);
  in.candidates[1].eligible = false;
  EXPECT_THAT(choose(in).attempts, IsEmpty());
  auto hard = pair_inputs(0.9);
  hard.candidates[1].eligible = false;
  EXPECT_THAT(choose(hard).attempts, ElementsAre(0));
}

TEST(Choose, HeaderIsObeyedEvenAgainstTheConversation) {
  auto in = pair_inputs(std::nullopt);
  in.in_experiment = false;
  in.asked = Tier::kWeak;
  in.sticky = in.served_so_far = Tier::kStrong;
  EXPECT_EQ(choose(in).reason, Reason::kHeader);
  EXPECT_THAT(choose(in).attempts, ElementsAre(0, 1));
  EXPECT_FALSE(needs_score(in));
}

// Calls `check` with every combination of the discrete inputs and a few values of the others.
void for_all_inputs(const std::function<void(const Inputs&)>& check) {
  const std::optional<Tier> tiers[] = {std::nullopt, Tier::kWeak, Tier::kStrong};
  const std::optional<double> scores[] = {std::nullopt, 0.0, 0.3, 0.5, 1.0};
  for (int bits = 0; bits < 32; ++bits)
    for (const auto sticky : tiers)
      for (const auto served : tiers)
        for (const auto asked : tiers)
          for (const auto score : scores)
            for (const double share : {0.0, 0.05, 1.0})
              for (const double draw : {0.0, 0.049, 0.05, 0.999}) {
                Inputs in = pair_inputs(score);
                in.candidates[0].eligible = bits & 1;
                in.candidates[1].eligible = bits & 2;
                in.trained = bits & 4;
                in.may_move_up = bits & 8;
                in.in_experiment = bits & 16;
                in.sticky = sticky, in.served_so_far = served, in.asked = asked;
                in.control_share = share, in.unit_draw = draw;
                check(in);
              }
}

TEST(Choose, HoldsItsPromisesForAllInputs) {
  for_all_inputs([](const Inputs& in) {
    const Plan plan = choose(in);
    const bool any = in.candidates[0].eligible || in.candidates[1].eligible;
    EXPECT_EQ(plan.attempts.empty(), !any);
    for (const size_t i : plan.attempts)
      EXPECT_TRUE(in.candidates[i].eligible);
    if (plan.attempts.size() == 2) {
      EXPECT_THAT(plan.attempts, ElementsAre(0, 1));
    }
    EXPECT_LE(plan.attempts.size(), 2u);
    EXPECT_GT(plan.propensity, 0);
    EXPECT_LE(plan.propensity, 1);
    const bool randomised = in.in_experiment && !in.asked;
    EXPECT_TRUE(randomised || plan.propensity == 1);
    EXPECT_TRUE(randomised || !plan.control);
    EXPECT_TRUE(!plan.control || plan.assigned == Tier::kStrong);
    EXPECT_TRUE(in.asked || in.sticky != Tier::kStrong || plan.assigned == Tier::kStrong);
    const bool moved = !in.asked && in.served_so_far == Tier::kStrong;
    EXPECT_TRUE(!moved || !in.candidates[1].eligible || plan.attempts == std::vector<size_t>{1});
    const bool kept = !in.asked && in.trained && in.sticky == Tier::kWeak && !in.may_move_up;
    EXPECT_TRUE(!kept || plan.by_score == Tier::kWeak);
    // A score that is not needed changes nothing.
    if (!needs_score(in)) {
      Inputs other = in;
      other.score = 0.99;
      EXPECT_EQ(choose(other).assigned, plan.assigned);
      EXPECT_EQ(choose(other).attempts, plan.attempts);
    }
  });
}

// Conversations of several turns: for one sequence of scores the logged propensity must be the
// frequency with which, over the draws of units, the assigned tier comes up at that turn.
TEST(Choose, PropensityIsTheFrequencyOfTheAssignment) {
  constexpr int kUnits = 40'000;
  constexpr double kShare = 0.2;
  const std::vector<std::vector<double>> conversations = {
      {0.1, 0.2, 0.3}, {0.9, 0.1}, {0.1, 0.7, 0.2}, {0.2, 0.1, 0.1, 0.5}};
  for (const auto& scores : conversations) {
    std::vector<int> weak_count(scores.size()), strong_count(scores.size());
    std::vector<double> weak_propensity(scores.size()), strong_propensity(scores.size());
    Random random(7);
    for (int unit = 0; unit < kUnits; ++unit) {
      const double draw = random.uniform();
      std::optional<Tier> sticky, served;
      for (size_t turn = 0; turn < scores.size(); ++turn) {
        Inputs in = pair_inputs(scores[turn]);
        in.control_share = kShare, in.unit_draw = draw;
        in.sticky = sticky, in.served_so_far = served, in.may_move_up = true;
        const Plan plan = choose(in);
        sticky = plan.by_score, served = plan.assigned;
        const bool weak = plan.assigned == Tier::kWeak;
        ++(weak ? weak_count : strong_count)[turn];
        (weak ? weak_propensity : strong_propensity)[turn] = plan.propensity;
      }
    }
    for (size_t turn = 0; turn < scores.size(); ++turn) {
      // Four standard deviations of a share over kUnits is below 0.01.
      EXPECT_NEAR(weak_count[turn] / double{kUnits}, weak_propensity[turn], 0.01);
      EXPECT_NEAR(strong_count[turn] / double{kUnits}, strong_propensity[turn], 0.01);
    }
  }
}

}  // namespace
}  // namespace weir::policy
