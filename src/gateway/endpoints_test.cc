#include "gateway/endpoints.h"

#include "gateway/gateway_fixture.h"

namespace weir::gateway {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using upstream::whole;

class Endpoints : public GatewayFixture {
 protected:
  static std::vector<std::string> keys_of(json::Value object) {
    std::vector<std::string> keys;
    for (const json::Value member : object)
      keys.push_back(member.key());
    return keys;
  }
};

TEST_F(Endpoints, MethodsAndPaths) {
  EXPECT_EQ(send("GET", "/v1/nothing").status, 404);
  const Reply wrong = send("GET", "/v1/chat/completions");
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(wrong.header("allow"), "POST");
  EXPECT_EQ(send("POST", "/v1/models", "{}").header("allow"), "GET, HEAD");
  EXPECT_EQ(send("OPTIONS", "/v1/models").status, 405);
  EXPECT_EQ(send("HEAD", "/health").status, 200);
  EXPECT_EQ(send("HEAD", "/").status, 200);
  answer_weak();
  EXPECT_EQ(send("POST", "/chat/completions", question("easy")).status, 200);
}

TEST_F(Endpoints, OptionsAnswersAllowedOriginsOnly) {
  options_.allowed_origins = {"http://app.example"};
  const Reply reply =
      send("OPTIONS", "/v1/chat/completions", "",
           {{"origin", "http://app.example"}, {"access-control-request-headers", "authorization"}});
  EXPECT_EQ(reply.status, 204);
  EXPECT_EQ(reply.header("access-control-allow-origin"), "http://app.example");
  EXPECT_EQ(reply.header("access-control-allow-headers"), "authorization");
  EXPECT_EQ(send("OPTIONS", "/v1/models", "", {{"origin", "http://evil.example"}}).status, 403);
}

TEST_F(Endpoints, ModelsInTheClientsShape) {
  options_.routes[0].match = {"claimed"};
  const Reply openai = send("GET", "/v1/models");
  EXPECT_THAT(openai.body, AllOf(HasSubstr(R"("object":"list")"), HasSubstr(R"("id":"auto")"),
                                 HasSubstr("claimed"), HasSubstr("small"), HasSubstr("big")));
  const Reply anthropic = send("GET", "/v1/models", "", {{"anthropic-version", "2023-06-01"}});
  EXPECT_THAT(anthropic.body, AllOf(HasSubstr("has_more"), HasSubstr("display_name")));
}

TEST_F(Endpoints, RouteDecidesWithoutCalling) {
  const Reply reply = send("POST", "/v1/route", question("easy one"));
  ASSERT_EQ(reply.status, 200);
  const auto document = json::Document::parse(reply.body);
  ASSERT_TRUE(document) << reply.body;
  const json::Value root = document->root();
  EXPECT_THAT(keys_of(root),
              ElementsAre("route", "model", "reason", "score", "threshold", "control", "propensity",
                          "estimated_cost_usd", "candidates"));
  EXPECT_EQ(root["model"].string_or(""), "small");
  EXPECT_EQ(root["score"].as_double(), 0.1);
  EXPECT_EQ(root["propensity"].as_double(), 1);
  ASSERT_EQ(root["candidates"].size(), 2u);
  const json::Value first = root["candidates"].at(0);
  EXPECT_THAT(keys_of(first), ElementsAre("model", "quality", "cost_usd"));
  EXPECT_TRUE(first["quality"].is_null());
  EXPECT_GT(first["cost_usd"].as_double(), 0);
  EXPECT_THAT(ledger_.starts(), IsEmpty());
  EXPECT_THAT(weak_.requests(), IsEmpty());
}

TEST_F(Endpoints, RouteTakesAnthropicBodies) {
  const Reply reply = send(
      "POST", "/v1/route",
      R"({"model":"auto","max_tokens":5,"system":"s","messages":[{"role":"user","content":"hard"}]})",
      {{"anthropic-version", "2023-06-01"}});
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(reply.body, HasSubstr(R"("model":"big")"));
}

constexpr const char* kCount =
    R"({"model":"auto","messages":[{"role":"user","content":"twelve chars"}]})";

TEST_F(Endpoints, TokensAreCountedByAnAnthropicModel) {
  options_.providers[1].dialect = wire::Dialect::kAnthropic;
  strong_.script({whole(200, R"({"input_tokens":42})")});
  const Reply reply = send("POST", "/v1/messages/count_tokens?beta=true", kCount);
  EXPECT_EQ(reply.body, R"({"input_tokens":42})");
  const auto requests = strong_.requests();
  ASSERT_THAT(requests, SizeIs(1));
  EXPECT_EQ(requests[0].path, "/v1/messages/count_tokens");
  EXPECT_EQ(requests[0].query, "beta=true");
  EXPECT_EQ(requests[0].headers.get("x-api-key"), "key-of-dear");
  EXPECT_THAT(requests[0].body, HasSubstr(R"("model":"big")"));
  EXPECT_THAT(ledger_.starts(), IsEmpty());
}

TEST_F(Endpoints, WithoutAnAnthropicModelTheCountIsAnEstimate) {
  const Reply reply = send("POST", "/v1/messages/count_tokens", kCount);
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(reply.body, AllOf(HasSubstr("input_tokens"), HasSubstr(R"("estimated":true)")));
}

TEST_F(Endpoints, AProviderThatCannotCountIsReplacedByAnEstimate) {
  options_.providers[1].dialect = wire::Dialect::kAnthropic;
  strong_.script({whole(404, "{}")});
  EXPECT_THAT(send("POST", "/v1/messages/count_tokens", kCount).body,
              HasSubstr(R"("estimated":true)"));
}

TEST_F(Endpoints, MetricsCountRefusals) {
  chat("{");
  const Reply reply = send("GET", "/metrics");
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(reply.body, AllOf(HasSubstr("weir_refused_total 1\n"), HasSubstr("weir_ready 1\n")));
}

TEST_F(Endpoints, KeysGuardAllButHealth) {
  options_.keys = {{"team", to_hex(sha256("secret"))}};
  EXPECT_EQ(send("GET", "/health").status, 200);
  EXPECT_EQ(send("GET", "/v1/models").status, 401);
  EXPECT_EQ(send("GET", "/metrics").status, 401);
  EXPECT_EQ(send("GET", "/metrics", "", {{"x-api-key", "secret"}}).status, 200);
  answer_weak();
  EXPECT_EQ(chat(question("easy"), {{"authorization", "Bearer secret"}}).status, 200);
  EXPECT_EQ(start_row().key_id, "team");
  EXPECT_EQ(weak_.requests()[0].headers.get("authorization"), "Bearer key-of-cheap");
}

}  // namespace
}  // namespace weir::gateway
