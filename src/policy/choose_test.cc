#include "policy/choose.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <vector>

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

// Three models, weakest first; quality and cost as given.
Inputs ladder(Rule rule, std::vector<double> quality, std::vector<int64_t> cost_nanousd) {
  Inputs in;
  for (size_t i = 0; i < quality.size(); ++i)
    in.candidates.push_back({.tier = tier_of(i, quality.size()),
                             .quality = quality[i],
                             .cost_nanousd = cost_nanousd[i]});
  in.rule = rule;
  in.score = 0.5;
  in.trained = true;
  in.unit_draw = 0.9;
  return in;
}

TEST(Tier, TheLastOfALadderIsStrongAndAllOthersAreWeak) {
  EXPECT_EQ(tier_of(0, 1), Tier::kStrong);
  EXPECT_EQ(tier_of(0, 3), Tier::kWeak);
  EXPECT_LT(tier_of(1, 3), Tier::kStrong);
  EXPECT_GT(tier_of(1, 3), Tier::kWeak);
  EXPECT_EQ(to_string(tier_of(1, 3)), "weak");
  EXPECT_EQ(to_string(tier_of(2, 3)), "strong");
}

TEST(Choose, ValueTakesTheLargestWorthLessCost) {
  auto in = ladder(Rule::kValue, {0.5, 0.7, 0.8}, {1, 5, 30});
  in.value_nanousd = 10;  // worths 4, 2, -22
  EXPECT_THAT(choose(in).attempts, ElementsAre(0, 2));
  in.value_nanousd = 100;  // 49, 65, 50
  EXPECT_THAT(choose(in).attempts, ElementsAre(1, 2));
  EXPECT_EQ(choose(in).assigned, tier_of(1, 3));
  EXPECT_EQ(choose(in).reason, Reason::kScore);
  in.value_nanousd = 1000;  // 499, 695, 770
  EXPECT_THAT(choose(in).attempts, ElementsAre(2));
  EXPECT_EQ(choose(in).assigned, Tier::kStrong);
}

// The form that stands in the literature, at and around equality.
TEST(Choose, WithTwoModelsValueIsTheCostAwareThreshold) {
  for (const double weak : {0.0, 0.25, 0.5, 0.75})
    for (const double strong : {0.25, 0.5, 1.0})
      for (const int64_t value : {1, 64, 128, 256}) {
        auto in = ladder(Rule::kValue, {weak, strong}, {10, 42});
        in.value_nanousd = static_cast<double>(value);
        const bool expected = in.value_nanousd * (strong - weak) > 42 - 10;
        EXPECT_EQ(choose(in).assigned == Tier::kStrong, expected) << weak << strong << value;
      }
}

TEST(Choose, QualityFloorTakesTheCheapestThatReachesIt) {
  auto in = ladder(Rule::kQualityFloor, {0.5, 0.7, 0.8}, {1, 30, 5});
  in.quality_floor = 0.5;
  EXPECT_THAT(choose(in).attempts, ElementsAre(0, 2));
  in.quality_floor = 0.6;
  EXPECT_THAT(choose(in).attempts, ElementsAre(2));
  in.candidates[1].cost_nanousd.reset();  // then the ladder says what is cheap
  EXPECT_THAT(choose(in).attempts, ElementsAre(1, 2));
  in.quality_floor = 0.9;
  EXPECT_THAT(choose(in).attempts, ElementsAre(2));
}

TEST(Choose, ModelsThatCannotTakeTheRequestAreNotWeighed) {
  auto in = ladder(Rule::kValue, {0.5, 0.9, 0.8}, {1, 5, 30});
  in.value_nanousd = 100;
  in.candidates[1].eligible = false;
  EXPECT_THAT(choose(in).attempts, ElementsAre(2));
  in.candidates[2].eligible = false;
  EXPECT_THAT(choose(in).attempts, ElementsAre(0));
}

TEST(Choose, WithoutEstimatesTheStrongestServes) {
  for (const Rule rule : {Rule::kValue, Rule::kQualityFloor}) {
    auto in = ladder(rule, {0.5, 0.7, 0.8}, {1, 5, 30});
    in.quality_floor = 0.1, in.value_nanousd = 1;
    for (auto& candidate : in.candidates)
      candidate.quality.reset();
    EXPECT_THAT(choose(in).attempts, ElementsAre(2));
    EXPECT_EQ(choose(in).reason, Reason::kCannotJudge);
  }
}

TEST(Choose, AThresholdOverThreeModelsKnowsTheTwoEnds) {
  auto in = ladder(Rule::kThreshold, {0, 0, 0}, {1, 2, 3});
  in.score = 0.4;
  EXPECT_THAT(choose(in).attempts, ElementsAre(0, 2));
  in.candidates[0].eligible = false;
  EXPECT_THAT(choose(in).attempts, ElementsAre(1, 2));
  EXPECT_EQ(choose(in).reason, Reason::kCapability);
  in.score = 0.5;
  EXPECT_THAT(choose(in).attempts, ElementsAre(2));
}

TEST(Choose, ANamedRouteSaysWhichModel) {
  auto in = ladder(Rule::kThreshold, {0, 0, 0}, {1, 2, 3});
  in.wanted = 1;
  EXPECT_THAT(choose(in).attempts, ElementsAre(1, 2));
  EXPECT_EQ(choose(in).reason, Reason::kSemantic);
  EXPECT_DOUBLE_EQ(choose(in).propensity, 0.95);
  in.unit_draw = 0.01;
  EXPECT_EQ(choose(in).assigned, Tier::kStrong);
  EXPECT_EQ(choose(in).reason, Reason::kControl);
  EXPECT_EQ(choose(in).by_score, tier_of(1, 3));
  EXPECT_DOUBLE_EQ(choose(in).propensity, 0.05);
}

TEST(Choose, AConversationOnlyClimbsTheLadder) {
  auto in = ladder(Rule::kThreshold, {0, 0, 0}, {1, 2, 3});
  in.sticky = in.served_so_far = tier_of(1, 3);
  in.may_move_up = true;
  for (const size_t wanted : {0, 1, 2}) {
    in.wanted = wanted;
    EXPECT_THAT(choose(in).attempts.front(), std::max<size_t>(1, wanted));
    EXPECT_EQ(choose(in).reason, wanted == 0 ? Reason::kSticky : Reason::kSemantic);
  }
  in.may_move_up = false;
  EXPECT_FALSE(needs_score(in));
  EXPECT_THAT(choose(in).attempts, ElementsAre(1, 2));
  in.served_so_far = Tier::kStrong;
  EXPECT_THAT(choose(in).attempts, ElementsAre(2));
}

TEST(Explore, TheProbabilityIsHeldWithinItsBounds) {
  for (const double score : {0.0, 0.04, 0.5, 0.97, 1.0}) {
    auto in = pair_inputs(score);
    in.explore = 0.05, in.control_share = 0;
    EXPECT_DOUBLE_EQ(*choose(in).prob_strong, std::clamp(score, 0.05, 0.95));
    EXPECT_GE(choose(in).propensity, 0.05 - 1e-15);
  }
}

TEST(Explore, TheSameConversationIsDrawnTheSame) {
  auto in = pair_inputs(0.3);
  in.explore = 0.05;
  in.explore_draw = 0.29;
  EXPECT_EQ(choose(in).assigned, Tier::kStrong);
  EXPECT_EQ(choose(in).by_score, Tier::kWeak);
  EXPECT_EQ(choose(in).reason, Reason::kExplore);
  EXPECT_DOUBLE_EQ(choose(in).propensity, 0.05 + 0.95 * 0.3);
  in.explore_draw = 0.31;
  EXPECT_EQ(choose(in).assigned, Tier::kWeak);
  EXPECT_DOUBLE_EQ(choose(in).propensity, 0.95 * 0.7);
  // A tool step of the turn: the memory alone gives the same.
  Inputs step = in;
  step.score.reset();
  step.sticky = choose(in).by_score, step.sticky_prob_strong = choose(in).prob_strong;
  EXPECT_EQ(choose(step).assigned, Tier::kWeak);
  EXPECT_DOUBLE_EQ(choose(step).propensity, 0.95 * 0.7);
}

// For one sequence of scores: what is logged at a turn is the frequency of that tier at that turn
// over all units, whatever was drawn before.
TEST(Explore, PropensityIsTheFrequencyOfTheAssignment) {
  constexpr int kUnits = 40'000;
  for (const std::vector<double>& scores :
       {std::vector{0.1, 0.4, 0.2}, std::vector{0.7, 0.3}, std::vector{0.0, 1.0}}) {
    std::vector<int> strong_count(scores.size());
    std::vector<double> strong_propensity(scores.size()), weak_propensity(scores.size());
    Random random(11);
    for (int unit = 0; unit < kUnits; ++unit) {
      Inputs in = pair_inputs(0);
      in.explore = 0.05, in.control_share = 0.1, in.may_move_up = true;
      in.unit_draw = random.uniform(), in.explore_draw = random.uniform();
      for (size_t turn = 0; turn < scores.size(); ++turn) {
        in.score = scores[turn];
        const Plan plan = choose(in);
        EXPECT_TRUE(!in.served_so_far || plan.assigned >= *in.served_so_far);
        in.sticky = plan.by_score, in.served_so_far = plan.assigned;
        in.sticky_prob_strong = plan.prob_strong;
        const bool strong = plan.assigned == Tier::kStrong;
        strong_count[turn] += strong;
        (strong ? strong_propensity : weak_propensity)[turn] = plan.propensity;
      }
    }
    for (size_t turn = 0; turn < scores.size(); ++turn) {
      EXPECT_NEAR(strong_count[turn] / double{kUnits}, strong_propensity[turn], 0.01);
      EXPECT_NEAR(strong_propensity[turn] + weak_propensity[turn], 1, 1e-12);
    }
  }
}

// The same with estimates over three models and a control group.
TEST(Choose, PropensityIsTheFrequencyOnALadder) {
  constexpr int kUnits = 40'000;
  std::map<Tier, int> count;
  std::map<Tier, double> propensity;
  Random random(3);
  for (int unit = 0; unit < kUnits; ++unit) {
    auto in = ladder(Rule::kValue, {0.5, 0.7, 0.8}, {1, 5, 30});
    in.value_nanousd = 100, in.control_share = 0.2, in.unit_draw = random.uniform();
    const Plan plan = choose(in);
    ++count[plan.assigned];
    propensity[plan.assigned] = plan.propensity;
  }
  ASSERT_EQ(count.size(), 2u);
  for (const auto& [tier, times] : count)
    EXPECT_NEAR(times / double{kUnits}, propensity[tier], 0.01);
}

}  // namespace
}  // namespace weir::policy
