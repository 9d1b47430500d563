// Routes of more than two models, and routers that say more than one score.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/gateway_fixture.h"

namespace weir::gateway {
namespace {

using testing::HasSubstr;

// Which model serves is read from the words: each rule gets what its router would have left.
LoadScorer scorer_of_estimates() {
  return [](const RouteOptions&) -> std::expected<std::optional<Scorer>, Error> {
    Scorer scorer;
    scorer.kind = "knn";
    scorer.name = "knn-test";
    scorer.models = {"small", "medium", "big"};
    scorer.estimates = true;
    scorer.score = [](std::string_view words, model::Scratch& scratch) {
      const double hard = words.contains("hard") ? 1 : words.contains("middling") ? 0.5 : 0;
      scratch.workspace.clear();
      scratch.workspace.estimates = {{1 - hard, 100}, {hard < 1 ? 1.0 : 0.2, 100}, {1, 100}};
      return model::Score{.prob_strong_needed = hard, .judged = true};
    };
    return scorer;
  };
}

LoadScorer scorer_of_named_routes() {
  return [](const RouteOptions&) -> std::expected<std::optional<Scorer>, Error> {
    Scorer scorer;
    scorer.kind = "semantic";
    scorer.name = "semantic-test";
    scorer.models = {"small", "medium", "big"};
    scorer.named = {{"facts", "", "small"}, {"orders", "", "medium"}, {"anger", "", "big"}};
    scorer.score = [](std::string_view words, model::Scratch& scratch) {
      scratch.workspace.clear();
      scratch.workspace.similarities = {0.1F, 0.2F, 0.3F};
      if (words.contains("fact")) scratch.workspace.route = 0;
      if (words.contains("order")) scratch.workspace.route = 1;
      return model::Score{.prob_strong_needed = scratch.workspace.route ? 0.1 : 1.0,
                          .judged = true};
    };
    return scorer;
  };
}

class LadderTest : public GatewayFixture {
 protected:
  LadderTest() {
    options_.routes[0].models = {{"cheap", "small"}, {"cheap", "medium"}, {"dear", "big"}};
    options_.catalog.put(priced_model("medium", 500'000, 2'000'000));
  }
  std::string served() { return end_row().served_model + " as " + end_row().served_tier; }
  std::string refused(const LoadScorer& load_scorer) {
    const auto snapshot = Snapshot::build(options_, load_scorer, ledger_.salt(), "i");
    return snapshot ? "" : snapshot.error().message;
  }
};

TEST_F(LadderTest, ValueWeighsQualityAgainstTheCostOfEachModel) {
  options_.routes[0].value_usd = 0.01;
  start(scorer_of_estimates());
  answer_weak();
  EXPECT_EQ(chat(question("an easy one")).status, 200);
  EXPECT_EQ(served(), "small as weak");
  answer_weak();
  EXPECT_EQ(chat(question("a middling one")).status, 200);
  EXPECT_EQ(served(), "medium as weak");
  EXPECT_EQ(start_row().assigned, "weak");
  EXPECT_FALSE(start_row().threshold);
  answer_strong();
  EXPECT_EQ(chat(question("a hard one")).header("x-weir-model"), "big");
  EXPECT_EQ(served(), "big as strong");
}

TEST_F(LadderTest, QualityFloorTakesTheCheapestThatReachesIt) {
  options_.routes[0].quality_floor = 0.8;
  start(scorer_of_estimates());
  answer_weak();
  (void)chat(question("an easy one"));
  EXPECT_EQ(served(), "small as weak");
  answer_weak();
  (void)chat(question("a middling one"));
  EXPECT_EQ(served(), "medium as weak");
}

TEST_F(LadderTest, AConversationOnlyClimbs) {
  options_.routes[0].quality_floor = 0.8;
  start(scorer_of_estimates());
  answer_weak();
  const std::vector<std::pair<std::string, std::string>> session = {{"x-session-id", "s"}};
  (void)chat(question("a middling one"), session);
  EXPECT_EQ(served(), "medium as weak");
  answer_weak();
  const auto reply =
      chat(R"({"model":"auto","messages":[{"role":"user","content":"a middling one"},)"
           R"({"role":"assistant","content":"x"},{"role":"user","content":"an easy one"}]})",
           session);
  EXPECT_EQ(reply.header("x-weir-reason"), "sticky");
  EXPECT_EQ(served(), "medium as weak");
}

TEST_F(LadderTest, TheStrongestStandsBehindEveryOther) {
  options_.routes[0].quality_floor = 0.8;
  options_.providers[0].max_retries = 0;
  start(scorer_of_estimates());
  weak_.script({upstream::whole(500, "{}")});
  answer_strong();
  const auto reply = chat(question("a middling one"));
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.header("x-weir-model"), "big");
  EXPECT_TRUE(end_row().fallback);
  EXPECT_EQ(start_row().planned_model, "medium");
}

TEST_F(LadderTest, ANamedRouteChoosesTheModelAndIsTold) {
  start(scorer_of_named_routes());
  answer_weak();
  auto reply = chat(question("my order"));
  EXPECT_EQ(served(), "medium as weak");
  EXPECT_EQ(reply.header("x-weir-reason"), "semantic");
  EXPECT_EQ(reply.header("x-weir-semantic-route"), "orders");
  EXPECT_EQ(reply.header("x-weir-threshold"), "");
  answer_strong();
  reply = chat(question("nothing near"));
  EXPECT_EQ(served(), "big as strong");
  EXPECT_EQ(reply.header("x-weir-semantic-route"), "");
  const auto decision = send("POST", "/v1/route", question("a fact"));
  EXPECT_THAT(decision.body, HasSubstr(R"("semantic":{"route":"facts","similarity":0.1)"));
  EXPECT_THAT(decision.body, HasSubstr(R"("all_similarities":{"facts":)"));
}

TEST_F(LadderTest, TheClientMayNameAModelOfTheRoute) {
  start(scorer_of_estimates());
  answer_weak();
  const auto reply = chat(question("a hard one"), {{"x-weir-route", "medium"}});
  EXPECT_EQ(reply.header("x-weir-reason"), "header");
  EXPECT_EQ(served(), "medium as weak");
  EXPECT_EQ(chat(question("x"), {{"x-weir-route", "nobody"}}).status, 400);
}

TEST_F(LadderTest, ARouterThatDrawsLogsItsProbability) {
  start([](const RouteOptions&) -> std::expected<std::optional<Scorer>, Error> {
    Scorer scorer;
    scorer.kind = "cawr";
    scorer.models = {"weak", "strong"};
    scorer.explore = 0.1;
    scorer.score = [](std::string_view, model::Scratch&) { return model::Score{0.3, true}; };
    return scorer;
  });
  answer_weak();
  answer_strong();
  int strong = 0;
  for (int i = 0; i < 60; ++i) {
    const std::string words = "question " + std::to_string(i);
    (void)chat(question(words));
    const bool to_strong = start_row().assigned == "strong";
    strong += to_strong;
    EXPECT_DOUBLE_EQ(start_row().propensity, to_strong ? 0.3 : 0.7);
    EXPECT_EQ(start_row().reason, "explore");
  }
  // Four standard deviations of 60 draws are 14.
  EXPECT_NEAR(strong, 18, 14);
}

TEST_F(LadderTest, WhatTheRouterCannotServeIsRefusedAtStart) {
  auto& route = options_.routes[0];
  route.value_usd = 1;
  EXPECT_THAT(refused(scorer_by_words()), HasSubstr("needs a router that estimates every model"));
  EXPECT_THAT(refused(scorer_of_named_routes()), HasSubstr("value_usd has no effect"));
  route.threshold = 0.5;
  EXPECT_THAT(refused(scorer_of_estimates()), HasSubstr("threshold has no effect"));
  route.threshold.reset();
  route.models[1].model = "other";
  EXPECT_THAT(refused(scorer_of_estimates()), HasSubstr("knows the models small, medium, big"));
  route.value_usd.reset();
  EXPECT_THAT(refused(scorer_of_named_routes()), HasSubstr("'orders' to the model 'medium'"));
  route.models = {{"cheap", "small"}};
  EXPECT_THAT(refused(scorer_of_named_routes()), HasSubstr("it needs 2 to 64"));
}

TEST_F(LadderTest, ValueNeedsPrices) {
  options_.routes[0].value_usd = 1;
  options_.routes[0].models[1].model = "unpriced";
  const auto load = [](const RouteOptions& route) {
    auto scorer = scorer_of_estimates()(route);
    (*scorer)->models[1] = "unpriced";
    return scorer;
  };
  EXPECT_THAT(refused(load), HasSubstr("needs the price of 'unpriced'"));
}

}  // namespace
}  // namespace weir::gateway
