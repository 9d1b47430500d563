#include "upstream/call.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "upstream/scripted_provider.h"

namespace weir::upstream {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using wire::Dialect;
using wire::FailureClass;

// A weak and a strong provider, and the call that a plan "weak, then strong" makes.
class CallTest : public testing::Test {
 protected:
  CallTest() {
    for (auto [provider, script] :
         {std::pair(&weak_, &weak_script_), std::pair(&strong_, &strong_script_)}) {
      provider->endpoint = *http::Endpoint::parse(script->base_url());
      provider->name = provider == &weak_ ? "weak" : "strong";
    }
    targets_ = {Target{&weak_, "small", "weak", 0, 0, false, 0, {}},
                Target{&strong_, "big", "strong", 0, 0, false, 0, {}}};
  }

  Outcome run(std::string body, Dialect dialect = Dialect::kOpenAi) {
    auto chat = wire::decode_chat(dialect, std::move(body));
    CHECK(chat.has_value());
    Outcome result;
    http::run_on_worker({}, [&](http::Worker& worker) -> http::Task<void> {
      request_.deadline = Deadline::after_ms(worker.clock(), 20'000);
      Call call{.worker = worker,
                .random = random_,
                .gone = gone_,
                .request = request_,
                .chat = *chat,
                .targets = targets_,
                .settings = settings_,
                .instance = "me",
                .request_id = "0190"};
      if (cancel_soon_)
        worker.spawn([this, &worker]() -> http::Task<void> {
          http::Cancellation none;
          (void)co_await worker.sleep(20, none);
          gone_.cancel();
        });
      result = co_await upstream::call(std::move(call));
      // The response belongs to this worker.
      if (result.opened) result.opened->response.reset();
    });
    return result;
  }
  std::string plain() const {
    return R"({"model":"auto","messages":[{"role":"user","content":"hi"}]})";
  }
  std::string streaming() const {
    return R"({"model":"auto","stream":true,"messages":[{"role":"user","content":"hi"}]})";
  }
  std::vector<std::string> outcomes(const Outcome& outcome) {
    std::vector<std::string> names;
    for (const auto& attempt : outcome.attempts)
      names.push_back(targets_[attempt.target_index].tier + " " + attempt.outcome);
    return names;
  }

  ScriptedProvider weak_script_, strong_script_;
  Provider weak_, strong_;
  std::vector<Target> targets_;
  CallSettings settings_;
  http::Request request_;
  http::Cancellation gone_;
  Random random_{1};
  bool cancel_soon_ = false;
};

TEST_F(CallTest, AWholeAnswerComesFromTheFirstTarget) {
  weak_script_.script({whole(200, openai_answer("small", "hello"))});
  const Outcome outcome = run(plain());
  ASSERT_TRUE(outcome.opened && outcome.opened->whole);
  EXPECT_THAT(outcome.opened->whole->body, HasSubstr("hello"));
  EXPECT_EQ(outcome.opened->whole->usage.output_tokens, 3);
  EXPECT_THAT(outcomes(outcome), ElementsAre("weak ok"));
  EXPECT_EQ(outcome.fallback_cause, "");
  const auto requests = weak_script_.requests();
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].path, "/v1/chat/completions");
  EXPECT_THAT(requests[0].body, HasSubstr(R"("model":"small")"));
}

TEST_F(CallTest, PassingFailuresAreRetriedOnTheSameTarget) {
  weak_script_.script({whole(429, "{}", {{"retry-after-ms", "1"}}),
                       whole(503, "{}", {{"retry-after-ms", "1"}}),
                       whole(200, openai_answer("small", "third"))});
  const Outcome outcome = run(plain());
  ASSERT_TRUE(outcome.opened);
  EXPECT_THAT(outcomes(outcome), ElementsAre("weak rate_limited", "weak overloaded", "weak ok"));
  EXPECT_EQ(outcome.opened->target_index, 0u);
}

TEST_F(CallTest, ExhaustedRetriesFallBackToStrong) {
  const auto busy = whole(500, "{}", {{"retry-after-ms", "1"}});
  weak_script_.script({busy, busy, busy});
  strong_script_.script({whole(200, openai_answer("big", "rescued"))});
  const Outcome outcome = run(plain());
  ASSERT_TRUE(outcome.opened);
  EXPECT_EQ(outcome.opened->target_index, 1u);
  EXPECT_EQ(outcome.attempts.size(), 4u);
  EXPECT_EQ(outcome.fallback_cause, "broken");
}

TEST_F(CallTest, ALongRetryAfterFallsBackAtOnce) {
  weak_script_.script({whole(429, "{}", {{"retry-after", "30"}})});
  strong_script_.script({whole(200, openai_answer("big", "rescued"))});
  EXPECT_THAT(outcomes(run(plain())), ElementsAre("weak rate_limited", "strong ok"));
}

TEST_F(CallTest, ARefusalByWeakIsTriedOnStrongOnce) {
  const std::string error = R"({"error":{"message":"too long","type":"invalid_request_error"}})";
  weak_script_.script({whole(400, error)});
  strong_script_.script({whole(400, error)});
  const Outcome outcome = run(plain());
  EXPECT_FALSE(outcome.opened);
  ASSERT_TRUE(outcome.failed);
  EXPECT_EQ(outcome.failed->failure.failure_class, FailureClass::kCaller);
  EXPECT_EQ(outcome.failed->failure.status, 400);
  EXPECT_EQ(outcome.failed->body, error);
  EXPECT_EQ(outcome.failed->target_index, 1u);
  EXPECT_EQ(outcome.attempts.size(), 2u);
}

TEST_F(CallTest, AnUnreachableProviderFallsBack) {
  weak_.endpoint.port = 1;
  weak_.max_retries = 0;
  strong_script_.script({whole(200, openai_answer("big", "rescued"))});
  const Outcome outcome = run(plain());
  EXPECT_THAT(outcomes(outcome), ElementsAre("weak broken", "strong ok"));
  EXPECT_EQ(outcome.attempts[0].status, 0);
}

TEST_F(CallTest, ASilentWeakModelLeavesTimeForStrong) {
  targets_[0].first_event_ms = 30;
  weak_script_.script({silence()});
  strong_script_.script({whole(200, openai_answer("big", "rescued"))});
  const Outcome outcome = run(plain());
  EXPECT_THAT(outcomes(outcome), ElementsAre("weak timeout", "strong ok"));
  EXPECT_EQ(outcome.fallback_cause, "timeout");
}

TEST_F(CallTest, AStreamThatStallsBeforeContentFallsBack) {
  targets_[0].first_event_ms = 30;
  weak_script_.script(
      {stream({": ping\n\n", openai_chunk(R"({"role":"assistant"})")}, End::kStall)});
  strong_script_.script({stream({openai_text_chunk("ok"), openai_stream_end()})});
  const Outcome outcome = run(streaming());
  EXPECT_THAT(outcomes(outcome), ElementsAre("weak timeout", "strong ok"));
  ASSERT_TRUE(outcome.opened);
  EXPECT_THAT(outcome.opened->held, HasSubstr("ok"));
}

TEST_F(CallTest, FailuresBeforeTheFirstContentFallBack) {
  weak_.max_retries = 0;
  const std::vector<std::pair<Reply, std::string>> cases = {
      {stream({openai_chunk(R"({"role":"assistant"})")}, End::kCut), "cut"},
      {stream({"data: {\"error\":{\"message\":\"no\",\"type\":\"server_error\"}}\n\n"}), "error"},
      {stream({"data: garbage\n\n"}), "garbage"},
      {stream({"data: [DONE]\n\n"}), "empty"},
      {whole(200, "garbage"), "whole garbage"},
      {whole(200, R"({"error":{"message":"hidden"}})"), "error with status 200"},
      {whole(302, ""), "redirect"}};
  for (const auto& [reply, name] : cases) {
    weak_script_.script({reply});
    strong_script_.script({stream({openai_text_chunk("ok"), openai_stream_end()})});
    const Outcome outcome = run(streaming());
    EXPECT_TRUE(outcome.opened) << name;
    EXPECT_EQ(outcome.attempts.size(), 2u) << name;
    EXPECT_FALSE(outcome.fallback_cause.empty()) << name;
  }
}

TEST_F(CallTest, AnEmptyStreamOfTheLastTargetIsAnAnswer) {
  targets_.erase(targets_.begin());
  strong_.max_retries = 0;
  strong_script_.script({stream({openai_stream_end()})});
  const Outcome outcome = run(streaming());
  ASSERT_TRUE(outcome.opened);
  EXPECT_TRUE(outcome.opened->ended);
}

TEST_F(CallTest, JsonInAnswerToAStreamRequestIsWhole) {
  weak_script_.script({whole(200, openai_answer("small", "no stream"))});
  const Outcome outcome = run(streaming());
  ASSERT_TRUE(outcome.opened);
  EXPECT_TRUE(outcome.opened->whole);
}

TEST_F(CallTest, AClientThatGoesEndsTheCall) {
  cancel_soon_ = true;
  weak_script_.script({silence()});
  const Outcome outcome = run(plain());
  EXPECT_FALSE(outcome.opened);
  EXPECT_FALSE(outcome.failed);
  EXPECT_THAT(outcomes(outcome), ElementsAre("weak cancelled"));
  EXPECT_THAT(strong_script_.requests(), IsEmpty());
}

TEST_F(CallTest, TheRequestCarriesOwnCredentialsQueryAndHop) {
  weak_.api_key = "own-key";
  request_.query = "beta=true";
  request_.headers.add("authorization", "Bearer client");
  request_.headers.add("idempotency-key", "once");
  weak_.max_retries = 0;
  weak_script_.script({whole(500, "{}")});
  strong_script_.script({whole(200, openai_answer("big", "x"))});
  run(plain());
  const auto weak = weak_script_.requests(), strong = strong_script_.requests();
  ASSERT_EQ(weak.size(), 1u);
  ASSERT_EQ(strong.size(), 1u);
  EXPECT_EQ(weak[0].query, "beta=true");
  EXPECT_EQ(weak[0].headers.get("authorization"), "Bearer own-key");
  EXPECT_EQ(weak[0].headers.get("x-weir-hop"), "me");
  EXPECT_EQ(weak[0].headers.get("accept-encoding"), "identity");
  EXPECT_EQ(weak[0].headers.get("idempotency-key"), "once");
  EXPECT_EQ(strong[0].headers.get("idempotency-key"), "once-fallback");
}

TEST_F(CallTest, TheDeadlineOfTheRequestEndsEverything) {
  weak_script_.script({silence()});
  targets_[0].first_event_ms = 30;
  strong_script_.script({silence()});
  targets_[1].first_event_ms = 30;
  const Outcome outcome = run(plain());
  ASSERT_TRUE(outcome.failed);
  EXPECT_EQ(outcome.failed->failure.failure_class, FailureClass::kTimeout);
  EXPECT_GT(outcome.waited_us, 30'000);
}

}  // namespace
}  // namespace weir::upstream
