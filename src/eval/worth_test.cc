#include "eval/worth.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "base/random.h"

namespace weir::eval {
namespace {

using testing::HasSubstr;

// Rows of RouterArena's board: dollars per 1,000 queries, accuracy, score.
TEST(RouterArenaScore, ReproducesTheBoard) {
  EXPECT_NEAR(router_arena_score(0.15, 0.6688), 0.66899, 5e-6);
  EXPECT_NEAR(router_arena_score(10.02, 0.7396), 0.64316, 5e-6);
  EXPECT_NEAR(router_arena_score(1.00, 0.7554), 0.72074, 5e-6);
  EXPECT_NEAR(router_arena_score(0.11, 0.7597), 0.7538, 5e-5);
  EXPECT_EQ(router_arena_score(1000, 0.9), 0);
}

// By hand: (1, .4) (2, .6) (3, .5) (4, .8) (6, .7). The hull is (1, .4) (2, .6) (4, .8), flat to 6:
// .5 + 1.4 + 1.6 = 3.5 over a width of 5.
TEST(Aiq, IsTheMeanHeightOfTheHull) {
  const std::array<CostQuality, 5> points{{{1, .4}, {3, .5}, {2, .6}, {6, .7}, {4, .8}}};
  EXPECT_NEAR(aiq(points), 3.5 / 5, 1e-12);
  EXPECT_NEAR(routerbench_aiq(points), 3.5 / 6, 1e-12);
  EXPECT_EQ(hull(points).size(), 3u);
}

TEST(Aiq, OnePointIsItsOwnQuality) {
  EXPECT_EQ(aiq(std::array<CostQuality, 1>{{{2, .7}}}), 0.7);
  EXPECT_EQ(aiq(std::array<CostQuality, 2>{{{2, .7}, {2, .9}}}), 0.9);
}

TEST(MixQuality, InterpolatesAndHoldsTheEnds) {
  const std::array<CostQuality, 2> points{{{1, .4}, {3, .8}}};
  EXPECT_NEAR(mix_quality(points, 2), .6, 1e-12);
  EXPECT_EQ(mix_quality(points, 0.5), .4);
  EXPECT_EQ(mix_quality(points, 9), .8);
}

// Queries of which a share is hard; weak fails on the hard ones. `skill` is the chance that the
// router sees it.
WorthInput input(size_t count, double skill, double weak_on_hard = 0, uint64_t seed = 5) {
  Random random(seed);
  WorthInput in;
  in.models = {{.name = "small", .quality = {}, .call_usd = 0.1},
               {.name = "large", .quality = {}, .call_usd = 1}};
  for (size_t i = 0; i < count; ++i) {
    const bool hard = random.uniform() < 0.3;
    in.models[0].quality.push_back(hard ? weak_on_hard : 0.95);
    in.models[1].quality.push_back(0.95);
    const bool seen = random.uniform() < skill;
    in.choice.push_back((seen ? hard : random.uniform() < 0.3) ? 1 : 0);
  }
  return in;
}

TEST(JudgeWorth, ASkilledRouterIsWorthIt) {
  const WorthInput in = input(1000, 0.9);
  const Worth worth = judge_worth(in, 1, 200);
  EXPECT_EQ(worth.verdict, Verdict::kUse);
  EXPECT_GT(worth.saving, 2);
  EXPECT_THAT(verdict_text(in, worth), HasSubstr("is worth it here"));
  EXPECT_EQ(worth.best, 1u);
}

TEST(JudgeWorth, AGuessingRouterIsNot) {
  const WorthInput in = input(1000, 0);
  const Worth worth = judge_worth(in, 1, 200);
  EXPECT_EQ(worth.verdict, Verdict::kNotShown);
  EXPECT_THAT(verdict_text(in, worth), HasSubstr("do not use this router"));
}

TEST(JudgeWorth, AWrongRouterIsWorseThanACoin) {
  WorthInput in = input(1000, 1);
  for (uint32_t& choice : in.choice)
    choice = 1 - choice;
  EXPECT_EQ(judge_worth(in, 1, 200).verdict, Verdict::kWorseThanMix);
}

TEST(JudgeWorth, ABestModelThatIsCheapestNeedsNoRouter) {
  const WorthInput in = input(500, 0.9, 1.0);
  const Worth worth = judge_worth(in, 1, 200);
  EXPECT_EQ(worth.verdict, Verdict::kBestIsCheapest);
  EXPECT_THAT(verdict_text(in, worth), HasSubstr("do not use a router here: small"));
}

TEST(JudgeWorth, ACheapModelThatKeepsEnoughNeedsNoRouter) {
  const WorthInput in = input(500, 0, 0.85);
  EXPECT_EQ(judge_worth(in, 1, 200).verdict, Verdict::kCheaperIsEnough);
}

TEST(JudgeWorth, TheRoutersOwnCostCounts) {
  WorthInput in = input(1000, 0.9);
  const double free = judge_worth(in, 1, 50).router.cost;
  in.router_usd = 0.05;
  EXPECT_NEAR(judge_worth(in, 1, 50).router.cost, free + 0.05, 1e-12);
}

}  // namespace
}  // namespace weir::eval
