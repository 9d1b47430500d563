#include "gateway/resolve.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/check.h"

namespace weir::gateway {
namespace {

using testing::HasSubstr;
using wire::Dialect;
using Kind = Asked::Kind;

// An OpenAI and an Anthropic provider; the route `auto` with an lr router, `plain` without one.
class Resolve : public testing::Test {
 protected:
  Resolve() {
    ProviderOptions openai, anthropic;
    openai.name = "openai", openai.base_url = "https://api.openai.com/v1";
    anthropic.name = "anthropic", anthropic.base_url = "https://api.anthropic.com";
    anthropic.dialect = Dialect::kAnthropic;
    options_.providers = {openai, anthropic};
    RouteOptions route, plain;
    route.models = {{"openai", "gpt-mini"}, {"anthropic", "opus"}};
    route.match = {"opus"};
    plain = route;
    plain.name = "plain", plain.match = {"claimed/name"}, plain.router_none = true;
    plain.mode = RouteMode::kRoute;
    options_.routes = {route, plain};
  }
  std::expected<Asked, Refusal> ask(std::string_view model, std::string_view header = "",
                                    Dialect inbound = Dialect::kOpenAi) {
    auto built = Snapshot::build(
        options_,
        [](const RouteOptions& route) -> std::expected<std::optional<Scorer>, Error> {
          if (route.router_none) return std::nullopt;
          Scorer scorer;
          scorer.kind = "lr";
          return scorer;
        },
        "0123456789abcdef", "me");
    CHECK(built.has_value());
    snapshot_ = *built;
    return resolve(*snapshot_, inbound, model, header);
  }
  std::string named(std::string_view model, std::string_view header = "",
                    Dialect inbound = Dialect::kOpenAi) {
    const auto asked = ask(model, header, inbound);
    if (!asked) return std::to_string(asked.error().status);
    if (!asked->named) return "routed by " + asked->route->options.name;
    return asked->named->provider->name + " " + asked->named->model;
  }

  Options options_;
  std::shared_ptr<const Snapshot> snapshot_;
};

TEST_F(Resolve, TableOfNames) {
  EXPECT_EQ(named("auto"), "routed by auto");
  EXPECT_EQ(named("plain"), "routed by plain");
  EXPECT_EQ(named("router-lr-0.3"), "routed by auto");
  EXPECT_EQ(named("openai/gpt-9"), "openai gpt-9");
  EXPECT_EQ(named("anthropic/a/b"), "anthropic a/b");
  EXPECT_EQ(named("meta/llama"), "openai meta/llama");
  EXPECT_EQ(named("claimed/name"), "routed by plain");
  EXPECT_EQ(named("gpt-mini", "", Dialect::kAnthropic), "openai gpt-mini");
  EXPECT_EQ(named("unheard-of"), "openai unheard-of");
  EXPECT_EQ(named("unheard-of", "", Dialect::kAnthropic), "anthropic unheard-of");
  EXPECT_EQ(named("openai/"), "404");
}

TEST_F(Resolve, RouterNamesCarryAThreshold) {
  EXPECT_EQ(ask("router-lr-0.11593")->threshold, 0.11593);
  EXPECT_EQ(ask("router-lr-1e-3")->threshold, 0.001);
  EXPECT_FALSE(ask("router-lr-0.5")->in_experiment());
  EXPECT_EQ(named("router-mf-0.5"), "404");
  for (const char* odd :
       {"router-lr-1.5", "router-lr-", "router-lr-x", "router-lr", "router-lr-nan"})
    EXPECT_EQ(named(odd), std::string("openai ") + odd) << odd;
}

TEST_F(Resolve, ClaimedNamesObserveUntilToldToRoute) {
  EXPECT_EQ(ask("opus")->kind, Kind::kObserve);
  EXPECT_EQ(named("opus"), "anthropic opus");
  EXPECT_EQ(ask("opus", "off")->kind, Kind::kNamed);
  EXPECT_EQ(ask("opus", "weak")->kind, Kind::kRoute);
  options_.routes[0].mode = RouteMode::kRoute;
  EXPECT_EQ(ask("opus")->kind, Kind::kRoute);
  EXPECT_TRUE(ask("opus")->in_experiment());
  EXPECT_EQ(named("opus", "off"), "anthropic opus");
}

TEST_F(Resolve, TheHeaderActsOnRoutesOnly) {
  EXPECT_EQ(ask("auto", "weak")->tier, policy::Tier::kWeak);
  EXPECT_FALSE(ask("auto", "strong")->in_experiment());
  EXPECT_EQ(named("auto", "off"), "anthropic opus");
  EXPECT_EQ(named("gpt-mini", "strong"), "openai gpt-mini");
  EXPECT_EQ(named("auto", "Weak"), "400");
}

TEST_F(Resolve, StrictModelsKnowOnlyWhatIsConfigured) {
  options_.strict_models = true;
  EXPECT_EQ(named("gpt-mini"), "openai gpt-mini");
  EXPECT_EQ(named("openai/gpt-9"), "openai gpt-9");
  const auto refused = ask("gpt-minii");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().status, 404);
  EXPECT_THAT(refused.error().message, HasSubstr("gpt-mini"));
}

TEST_F(Resolve, StrictModelsKnowTheTableToo) {
  options_.strict_models = true;
  options_.catalog.put({.name = "priced"});
  EXPECT_EQ(named("priced"), "openai priced");
}

TEST_F(Resolve, AProviderOfBothDialectsIsAskedInTheClientsOwn) {
  options_.providers[0].speaks_both = true;
  options_.providers.pop_back();
  for (RouteOptions& route : options_.routes)
    route.models[1].provider = "openai";
  for (const Dialect inbound : {Dialect::kOpenAi, Dialect::kAnthropic}) {
    const auto asked = ask("unheard-of", "", inbound);
    ASSERT_TRUE(asked);
    EXPECT_EQ(asked->named->provider->spoken_to(inbound), inbound);
    EXPECT_FALSE(asked->named->simulated);
  }
}

TEST_F(Resolve, TwoProvidersOfADialectNeedTheirName) {
  ProviderOptions other;
  other.name = "other", other.base_url = "http://127.0.0.1:1";
  options_.providers.push_back(other);
  EXPECT_EQ(named("unheard-of"), "404");
  EXPECT_EQ(named("other/unheard-of"), "other unheard-of");
}

TEST_F(Resolve, AProviderMustNotBeWeirItself) {
  options_.providers[0].base_url = "http://localhost:9347/v1";
  ask("auto");
  EXPECT_FALSE(snapshot_->check_not_own("127.0.0.1", 9347));
  EXPECT_TRUE(snapshot_->check_not_own("127.0.0.1", 9348));
}

TEST_F(Resolve, ConfigurationErrorsNameTheRoute) {
  options_.routes[0].models[0].provider = "nobody";
  const auto built = Snapshot::build(
      options_,
      [](const RouteOptions&) -> std::expected<std::optional<Scorer>, Error> {
        return std::nullopt;
      },
      "0123456789abcdef", "me");
  ASSERT_FALSE(built);
  EXPECT_THAT(built.error().message, HasSubstr("route 'auto'"));
}

}  // namespace
}  // namespace weir::gateway
