#include "gateway/serve.h"

#include <fmt/format.h>

#include "gateway/gateway_fixture.h"

namespace weir::gateway {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;
using upstream::End;
using upstream::openai_answer;
using upstream::openai_stream_end;
using upstream::openai_text_chunk;
using upstream::silence;
using upstream::stream;
using upstream::whole;

constexpr std::string_view kStream = R"(,"stream":true)";
const std::string kInvalid =
    R"({"error":{"message":"bad input","type":"invalid_request_error","param":"x","code":null}})";

class Serve : public GatewayFixture {};

TEST_F(Serve, EasyGoesToWeakAndHardToStrong) {
  answer_weak();
  answer_strong();
  const Reply easy = chat(question("easy one")), hard = chat(question("hard one"));
  EXPECT_EQ(easy.status, 200);
  EXPECT_THAT(easy.body, HasSubstr("from weak"));
  EXPECT_EQ(easy.header("x-weir-model"), "small");
  EXPECT_EQ(easy.header("x-weir-reason"), "score");
  EXPECT_EQ(easy.header("x-weir-score"), "0.1000");
  EXPECT_EQ(easy.header("x-weir-threshold"), "0.5000");
  EXPECT_EQ(easy.header("x-weir-route"), "auto");
  EXPECT_EQ(easy.header("x-weir-control"), "false");
  EXPECT_EQ(easy.header("x-weir-attempts"), "1");
  EXPECT_EQ(easy.header("x-weir-cost-usd"), "0.0000022");
  EXPECT_EQ(easy.header("x-weir-request-id"), ledger_.starts()[0].id);
  EXPECT_THAT(easy.body, HasSubstr("small-2026"));
  EXPECT_THAT(hard.body, HasSubstr("from strong"));
  EXPECT_EQ(hard.header("x-weir-model"), "big");
}

TEST_F(Serve, TheLedgerHoldsTheDecisionAndTheCosts) {
  answer_weak();
  chat(question("easy one"), {{"x-request-id", "mine"}, {"x-weir-tags", "team=a"}});
  const auto start = start_row();
  EXPECT_EQ(start.client_request_id, "mine");
  EXPECT_EQ(start.tags, "team=a");
  EXPECT_EQ(start.route, "auto");
  EXPECT_EQ(start.mode, "route");
  EXPECT_EQ(start.dialect, "openai");
  EXPECT_EQ(start.assigned, "weak");
  EXPECT_EQ(start.served, "weak");
  EXPECT_EQ(start.planned_model, "small");
  EXPECT_TRUE(start.in_experiment);
  EXPECT_EQ(start.reason, "score");
  EXPECT_EQ(start.router, "lr-test");
  EXPECT_THAT(start.features_hash, SizeIs(16));
  EXPECT_EQ(start.decision_id, "");
  const auto end = end_row();
  EXPECT_EQ(end.id, start.id);
  EXPECT_EQ(end.outcome, "ok");
  EXPECT_EQ(end.status, 200);
  EXPECT_EQ(end.served_tier, "weak");
  ASSERT_THAT(end.calls, SizeIs(1));
  EXPECT_EQ(end.calls[0].role, store::CallRole::kServed);
  EXPECT_EQ(end.calls[0].cost_nanousd, 10 * 100 + 3 * 400);
  EXPECT_EQ(end.modelled_weak_nanousd, 10 * 100 + 3 * 400);
  EXPECT_EQ(end.modelled_strong_nanousd, 10 * 2000 + 3 * 8000);
  EXPECT_GT(end.latency_us, 0);
  EXPECT_GT(end.overhead_us, 0);
  EXPECT_LT(end.overhead_us, end.latency_us);
  // Two clocks, each cut to microseconds.
  EXPECT_LE(end.latency_us, end.ended_us - start.started_us + 2);
}

TEST_F(Serve, TheStartRecordIsWrittenBeforeTheUpstreamSeesAnything) {
  size_t starts_seen = 0;
  weak_.script({[&](http::Exchange& exchange) -> http::Task<void> {
    starts_seen = ledger_.starts().size();
    http::Response response{200, {}, openai_answer("small", "x")};
    (void)co_await exchange.respond(std::move(response));
  }});
  EXPECT_EQ(chat(question("easy")).status, 200);
  EXPECT_EQ(starts_seen, 1u);
}

TEST_F(Serve, AStreamIsRelayedUnchangedAndUsageIsTakenOut) {
  weak_.script({stream({openai_text_chunk("Hel"), openai_text_chunk("lo"), openai_stream_end()})});
  const Reply reply = chat(question("easy", "auto", kStream));
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(reply.header("content-type"), StartsWith("text/event-stream"));
  EXPECT_EQ(reply.header("x-request-id"), "req-stream");
  EXPECT_THAT(reply.body, AllOf(StartsWith(openai_text_chunk("Hel") + openai_text_chunk("lo")),
                                HasSubstr("data: [DONE]\n\n"), Not(HasSubstr("usage"))));
  EXPECT_THAT(weak_.requests()[0].body, HasSubstr("include_usage"));
  EXPECT_EQ(end_row().calls[0].usage.output_tokens, 3);
  EXPECT_EQ(end_row().calls[0].usage.source, catalog::UsageSource::kReported);
  EXPECT_TRUE(end_row().first_token_us.has_value());
}

TEST_F(Serve, AStreamThatComesInOnePieceIsRelayedWhole) {
  weak_.script({stream({openai_text_chunk("a") + openai_stream_end()})});
  const Reply reply =
      chat(question("easy", "auto", R"(,"stream":true,"stream_options":{"include_usage":true})"));
  EXPECT_EQ(reply.body, openai_text_chunk("a") + openai_stream_end());
}

TEST_F(Serve, AClientThatAskedForUsageGetsIt) {
  weak_.script({stream({openai_text_chunk("a"), openai_stream_end()})});
  const Reply reply =
      chat(question("easy", "auto", R"(,"stream":true,"stream_options":{"include_usage":true})"));
  EXPECT_EQ(reply.body, openai_text_chunk("a") + openai_stream_end());
}

TEST_F(Serve, WithoutReportedUsageTheRowIsEstimated) {
  weak_.script({stream({openai_text_chunk("twelve chars"), "data: [DONE]\n\n"})});
  chat(question("easy", "auto", kStream));
  const auto usage = end_row().calls[0].usage;
  EXPECT_EQ(usage.source, catalog::UsageSource::kEstimated);
  EXPECT_EQ(usage.output_tokens, 3);
  EXPECT_GT(usage.input_tokens, 0);
}

TEST_F(Serve, ACutStreamEndsWithAnErrorEvent) {
  weak_.script({stream({openai_text_chunk("half")}, End::kCut)});
  const Reply reply = chat(question("easy", "auto", kStream));
  EXPECT_THAT(reply.body, AllOf(StartsWith(openai_text_chunk("half")), HasSubstr("error")));
  EXPECT_EQ(end_row().outcome, "cut");
  EXPECT_EQ(end_row().calls[0].outcome, "cut");
  EXPECT_THAT(strong_.requests(), IsEmpty());
}

TEST_F(Serve, AnErrorEventInsideAStreamIsPassedOnAndNotRetried) {
  weak_.script(
      {stream({openai_text_chunk("half"),
               "data: {\"error\":{\"message\":\"boom\",\"type\":\"server_error\"}}\n\n"})});
  const Reply reply = chat(question("easy", "auto", kStream));
  EXPECT_THAT(reply.body, AllOf(StartsWith(openai_text_chunk("half")), HasSubstr("boom")));
  EXPECT_EQ(end_row().outcome, "cut");
  EXPECT_THAT(strong_.requests(), IsEmpty());
}

TEST_F(Serve, AWeakFailureBeforeContentIsServedByStrong) {
  options_.providers[0].max_retries = 0;
  weak_.script({stream({upstream::openai_chunk(R"({"role":"assistant"})")}, End::kCut)});
  strong_.script({stream({openai_text_chunk("ok"), openai_stream_end()})});
  const Reply reply = chat(question("easy", "auto", kStream));
  EXPECT_THAT(reply.body, StartsWith(openai_text_chunk("ok")));
  EXPECT_EQ(reply.header("x-weir-model"), "big");
  EXPECT_EQ(reply.header("x-weir-attempts"), "2");
  EXPECT_EQ(start_row().served, "weak");
  const auto end = end_row();
  EXPECT_TRUE(end.fallback);
  EXPECT_EQ(end.fallback_cause, "broken");
  EXPECT_EQ(end.served_tier, "strong");
  ASSERT_THAT(end.calls, SizeIs(2));
  EXPECT_EQ(end.calls[0].role, store::CallRole::kDiscarded);
  EXPECT_EQ(end.calls[1].role, store::CallRole::kServed);
}

TEST_F(Serve, ARefusalThatStrongGivesAsWellReachesTheClientUnchanged) {
  weak_.script({whole(400, kInvalid)});
  strong_.script({whole(400, kInvalid)});
  const Reply reply = chat(question("easy"));
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.body, kInvalid);
  EXPECT_EQ(reply.header("x-should-retry"), "false");
  EXPECT_EQ(end_row().outcome, "error");
  EXPECT_EQ(end_row().status, 400);
}

TEST_F(Serve, ARefusalThatIsNoJsonOrRepeatsOurKeyIsToldInOurWords) {
  options_.routes[0].router_none = true;
  const std::string key = options_.providers[1].api_key;
  ASSERT_FALSE(key.empty());
  strong_.script({whole(400, "<html>no</html>"),
                  whole(400, fmt::format(R"({{"error":{{"message":"not with {}"}}}})", key))});
  for (int i = 0; i < 2; ++i) {
    const Reply reply = chat(question(i == 0 ? "x" : "y"));
    EXPECT_EQ(reply.status, 400);
    EXPECT_TRUE(json::Document::parse(reply.body).has_value()) << reply.body;
    EXPECT_THAT(reply.body, AllOf(HasSubstr("invalid_request_error"), Not(HasSubstr(key))));
  }
}

TEST_F(Serve, AProvidersRefusalOfOurKeyIsNotTheClientsFault) {
  options_.routes[0].router_none = true;
  strong_.script(
      {whole(401, R"({"error":{"message":"bad key sk-secret","code":"invalid_api_key"}})")});
  const Reply reply = chat(question("x"));
  EXPECT_EQ(reply.status, 502);
  EXPECT_THAT(reply.body, AllOf(HasSubstr("dear"), Not(HasSubstr("sk-secret"))));
}

TEST_F(Serve, RateLimitsReachTheClientWithTheirHeaders) {
  options_.routes[0].router_none = true;
  strong_.script({whole(
      429, R"({"error":{"message":"slow down","type":"rate_limit_error"}})",
      {{"retry-after", "20"}, {"x-ratelimit-remaining-requests", "0"}, {"set-cookie", "a=b"}})});
  const Reply reply = chat(question("x"));
  EXPECT_EQ(reply.status, 429);
  EXPECT_EQ(reply.header("retry-after"), "20");
  EXPECT_EQ(reply.header("x-ratelimit-remaining-requests"), "0");
  EXPECT_EQ(reply.header("x-should-retry"), "false");
  EXPECT_FALSE(reply.headers.contains("set-cookie"));
}

TEST_F(Serve, ATurnsToolStepsKeepTheModelAndPointToTheDecision) {
  answer_weak();
  chat(question("easy one"));
  answer_weak();
  const Reply step =
      chat(R"({"model":"auto","messages":[{"role":"user","content":"easy one"},)"
           R"({"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function",)"
           R"("function":{"name":"f","arguments":"{}"}}]},)"
           R"({"role":"tool","tool_call_id":"c1","content":"hard hard hard"}]})");
  EXPECT_EQ(step.header("x-weir-model"), "small");
  EXPECT_EQ(step.header("x-weir-reason"), "sticky");
  const auto starts = ledger_.starts();
  ASSERT_THAT(starts, SizeIs(2));
  EXPECT_EQ(starts[1].unit_hash, starts[0].unit_hash);
  EXPECT_EQ(starts[1].decision_id, starts[0].id);
  EXPECT_EQ(starts[1].score, starts[0].score);
}

std::string second_turn(std::string_view words) {
  return R"({"model":"auto","messages":[{"role":"user","content":"easy one"},)"
         R"({"role":"assistant","content":"done"},{"role":"user","content":")" +
         std::string(words) + "\"}]}";
}

TEST_F(Serve, ANewTurnMayMoveUpButNeverDown) {
  answer_weak();
  chat(question("easy one"));
  answer_strong();
  EXPECT_EQ(chat(second_turn("hard one")).header("x-weir-reason"), "score");
  answer_strong();
  const Reply third =
      chat(R"({"model":"auto","messages":[{"role":"user","content":"easy one"},)"
           R"({"role":"assistant","content":"done"},{"role":"user","content":"hard one"},)"
           R"({"role":"assistant","content":"done"},{"role":"user","content":"easy again"}]})");
  EXPECT_EQ(third.header("x-weir-model"), "big");
  EXPECT_EQ(third.header("x-weir-reason"), "sticky");
  const auto starts = ledger_.starts();
  EXPECT_EQ(starts[1].decision_id, "");
  EXPECT_EQ(starts[2].decision_id, starts[1].id);
}

TEST_F(Serve, PromptsThatOnlyOpenAlikeDoNotHoldEachOther) {
  answer_strong();
  EXPECT_EQ(chat(second_turn("hard one")).header("x-weir-model"), "big");
  answer_weak();
  const Reply other = chat(second_turn("easy two"));
  EXPECT_EQ(other.header("x-weir-model"), "small");
  EXPECT_EQ(other.header("x-weir-reason"), "score");
  answer_strong();
  chat(second_turn("hard one"), {{"x-session-id", "s"}});
  answer_strong();
  EXPECT_EQ(chat(second_turn("easy two"), {{"x-session-id", "s"}}).header("x-weir-reason"),
            "sticky");
}

TEST_F(Serve, WhatServedByFallbackKeepsServing) {
  weak_.script({whole(400, kInvalid)});
  answer_strong();
  chat(question("easy one"));
  answer_strong();
  const Reply reply = chat(second_turn("easy two"));
  EXPECT_EQ(reply.header("x-weir-model"), "big");
  EXPECT_EQ(start_row().assigned, "weak");
  EXPECT_EQ(start_row().served, "strong");
}

TEST_F(Serve, ControlUnitsAreForcedStrongAndSaySo) {
  options_.routes[0].control_share = 1;
  answer_strong();
  const Reply reply = chat(question("easy one"));
  EXPECT_EQ(reply.header("x-weir-reason"), "control");
  EXPECT_EQ(reply.header("x-weir-control"), "true");
  EXPECT_TRUE(start_row().control);
  EXPECT_EQ(start_row().propensity, 1);
}

TEST_F(Serve, TheHeaderDecidesOutsideTheExperiment) {
  answer_weak();
  const Reply weak = chat(question("hard one"), {{"x-weir-route", "weak"}});
  EXPECT_EQ(weak.header("x-weir-model"), "small");
  EXPECT_EQ(weak.header("x-weir-reason"), "header");
  EXPECT_FALSE(start_row().in_experiment);
  EXPECT_EQ(start_row().mode, "named");
  answer_strong();
  const Reply off = chat(question("easy one"), {{"x-weir-route", "off"}});
  EXPECT_EQ(off.header("x-weir-model"), "big");
  EXPECT_EQ(off.header("x-weir-reason"), "off");
  EXPECT_EQ(chat(question("x"), {{"x-weir-route", "up"}}).status, 400);
}

TEST_F(Serve, ARouterNameCarriesItsOwnThreshold) {
  answer_weak();
  const Reply reply = chat(question("hard one", "router-lr-0.95"));
  EXPECT_EQ(reply.header("x-weir-model"), "small");
  EXPECT_EQ(reply.header("x-weir-threshold"), "0.9500");
  EXPECT_FALSE(start_row().in_experiment);
  EXPECT_EQ(chat(question("x", "router-mf-0.5")).status, 404);
}

TEST_F(Serve, ANamedModelIsServedAsAsked) {
  answer_weak();
  const Reply bare = chat(question("hard one", "small"));
  EXPECT_EQ(bare.header("x-weir-model"), "small");
  EXPECT_EQ(bare.header("x-weir-reason"), "named");
  EXPECT_EQ(start_row().mode, "named");
  answer_strong();
  EXPECT_EQ(chat(question("easy", "dear/gpt-99")).header("x-weir-model"), "gpt-99");
  EXPECT_THAT(strong_.requests()[0].body, HasSubstr(R"("model":"gpt-99")"));
  EXPECT_FALSE(chat(question("easy", "dear/gpt-99")).headers.contains("x-weir-cost-usd"));
}

TEST_F(Serve, AnUnknownNameIsRefusedWithNearNames) {
  const Reply reply = chat(question("x", "smal"));
  EXPECT_EQ(reply.status, 404);
  EXPECT_THAT(reply.body, HasSubstr("small"));
  EXPECT_THAT(ledger_.starts(), IsEmpty());
}

TEST_F(Serve, AClaimedNameIsOnlyObservedAtFirst) {
  options_.routes[0].match = {"big"};
  answer_strong();
  const Reply reply = chat(question("easy one", "big"));
  EXPECT_EQ(reply.header("x-weir-model"), "big");
  EXPECT_THAT(reply.header("x-weir-reason"), AllOf(StartsWith("observe"), HasSubstr("weak"),
                                                   HasSubstr("routes.auto.mode: route")));
  const auto start = start_row();
  EXPECT_EQ(start.mode, "observe");
  EXPECT_EQ(start.reason, "observe");
  EXPECT_EQ(start.assigned, "weak");
  EXPECT_EQ(start.served, "strong");
  EXPECT_FALSE(start.in_experiment);
  EXPECT_TRUE(end_row().modelled_weak_nanousd.has_value());
}

TEST_F(Serve, AClaimedNameRoutesWhenToldTo) {
  options_.routes[0].match = {"big"};
  options_.routes[0].mode = RouteMode::kRoute;
  answer_weak();
  EXPECT_EQ(chat(question("easy one", "big")).header("x-weir-model"), "small");
  EXPECT_TRUE(start_row().in_experiment);
}

TEST_F(Serve, ModelsThatCannotTakeTheRequestAreLeftOut) {
  catalog::Model small = priced_model("small", 1, 1);
  small.max_output_tokens = 10;
  options_.catalog.put(small);
  answer_strong();
  const Reply reply = chat(question("easy one", "auto", R"(,"max_tokens":100)"));
  EXPECT_EQ(reply.header("x-weir-model"), "big");
  EXPECT_EQ(reply.header("x-weir-reason"), "capability");
  EXPECT_EQ(start_row().assigned, "weak");
}

TEST_F(Serve, WhenNoModelCanTakeItTheAnswerSaysWhy) {
  for (const char* name : {"small", "big"}) {
    catalog::Model model = priced_model(name, 1, 1);
    model.max_output_tokens = 10;
    options_.catalog.put(model);
  }
  const Reply reply = chat(question("easy one", "auto", R"(,"max_tokens":100)"));
  EXPECT_EQ(reply.status, 400);
  EXPECT_THAT(reply.body, AllOf(HasSubstr("small"), HasSubstr("at most 10 tokens")));
}

TEST_F(Serve, AnthropicClientsAreTranslatedBothWays) {
  weak_.script({stream({openai_text_chunk("Hi"), openai_stream_end()})});
  const Reply reply = send(
      "POST", "/v1/messages?beta=true",
      R"({"model":"auto","max_tokens":50,"stream":true,"messages":[{"role":"user","content":"easy"}]})",
      {{"anthropic-version", "2023-06-01"}});
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(reply.body,
              AllOf(HasSubstr("message_start"), HasSubstr("Hi"), HasSubstr("message_stop")));
  EXPECT_EQ(weak_.requests()[0].path, "/v1/chat/completions");
  EXPECT_FALSE(weak_.requests()[0].headers.contains("anthropic-version"));
  EXPECT_EQ(start_row().dialect, "anthropic");
}

TEST_F(Serve, ErrorsComeInTheClientsDialect) {
  const Reply anthropic = send("POST", "/v1/messages", "{}");
  EXPECT_EQ(anthropic.status, 400);
  EXPECT_THAT(anthropic.body, HasSubstr(R"("type":"error")"));
  const Reply openai = chat("{");
  EXPECT_EQ(openai.status, 400);
  EXPECT_THAT(openai.body, HasSubstr("invalid_request_error"));
}

TEST_F(Serve, AClientThatGoesCancelsTheCallAndTheLedgerSaysSo) {
  std::atomic<bool> upstream_saw_it{false};
  weak_.script({[&](http::Exchange& exchange) -> http::Task<void> {
    http::Response head;
    head.headers.add("content-type", "text/event-stream");
    (void)co_await exchange.begin_stream(std::move(head));
    (void)co_await exchange.write(openai_text_chunk("first"));
    upstream_saw_it = !co_await exchange.worker().sleep(20'000, exchange.gone());
    exchange.abort();
  }});
  start();
  const http::Endpoint to =
      *http::Endpoint::parse("http://127.0.0.1:" + std::to_string(server_->port()));
  http::run_on_worker({}, [&](http::Worker& worker) -> http::Task<void> {
    http::ClientRequest request;
    request.target = "/v1/chat/completions";
    request.body = question("easy", "auto", kStream);
    request.headers.add("content-type", "application/json");
    http::CallLimits limits;
    http::Cancellation never;
    auto response = co_await worker.client().send(to, request, limits, never);
    CHECK(response.has_value());
    (void)co_await (*response)->read_some();
    response->reset();  // closes the connection in the middle of the body
    while (ledger_.ends().empty())
      (void)co_await worker.sleep(1, never);
  });
  EXPECT_EQ(end_row().outcome, "client_gone");
  EXPECT_EQ(end_row().calls[0].outcome, "cancelled");
  stop();
  EXPECT_TRUE(upstream_saw_it);
}

TEST_F(Serve, AFailingLedgerIsServedOrRefusedAsConfigured) {
  ledger_.failing = true;
  answer_weak();
  EXPECT_EQ(chat(question("easy")).status, 200);
  EXPECT_EQ(send("GET", "/health/readiness").status, 503);
  EXPECT_EQ(send("GET", "/health/liveliness").status, 200);
  stop();
  options_.on_ledger_failure = OnLedgerFailure::kRefuse;
  EXPECT_EQ(chat(question("easy")).status, 503);
  EXPECT_THAT(weak_.requests(), SizeIs(1));
}

TEST_F(Serve, TextsAreLoggedOnlyWhenAskedFor) {
  weak_.script({stream({openai_text_chunk("spoken"), openai_stream_end()})});
  testing::internal::CaptureStderr();
  chat(question("easy secret", "auto", kStream));
  stop();
  EXPECT_THAT(testing::internal::GetCapturedStderr(), IsEmpty());
  options_.log_texts = true;
  weak_.script({stream({openai_text_chunk("spoken"), openai_stream_end()})});
  testing::internal::CaptureStderr();
  chat(question("easy secret", "auto", kStream));
  stop();
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              AllOf(HasSubstr("easy secret"), HasSubstr("spoken")));
}

TEST_F(Serve, ALoopIsFound) {
  const Reply reply = chat(question("easy"), {{"x-weir-hop", "other, instance-1"}});
  EXPECT_EQ(reply.status, 508);
}

TEST_F(Serve, ASilentWeakModelIsReplacedInTime) {
  options_.routes[0].weak_first_event_ms = 30;
  weak_.script({silence()});
  answer_strong();
  const Reply reply = chat(question("easy"));
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(end_row().fallback_cause, "timeout");
}

}  // namespace
}  // namespace weir::gateway
