#include "gateway/cascade.h"

#include "gateway/gateway_fixture.h"
#include "quality/stated_confidence.h"

namespace weir::gateway {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using upstream::openai_answer;
using upstream::openai_stream_end;
using upstream::openai_text_chunk;
using upstream::stream;
using upstream::whole;

constexpr std::string_view kStream = R"(,"stream":true)";

class CascadeServe : public GatewayFixture {
 protected:
  CascadeOptions& cascade() { return options_.routes[0].cascade; }
  void start_cascade() {
    start([](const RouteOptions& route) -> std::expected<std::optional<Scorer>, Error> {
      TRY_ASSIGN(Cascade made, make_cascade(route.cascade, nullptr));
      Scorer scorer;
      scorer.kind = "cascade";
      scorer.name = "cascade-test";
      scorer.cascade = std::make_shared<const Cascade>(std::move(made));
      return scorer;
    });
  }
  static std::string content_of(const Reply& reply) {
    const auto document = json::Document::parse(reply.body);
    EXPECT_TRUE(document) << reply.body;
    return document ? document->root()["choices"].at(0)["message"]["content"].string_or("(none)")
                    : "";
  }
  static std::string with_logprobs(const std::string& token, double logprob, double other) {
    std::string answer = openai_answer("small-2026", token);
    const std::string finish = R"("finish_reason")";
    answer.insert(answer.find(finish),
                  R"("logprobs":{"content":[{"token":")" + token + R"(","logprob":)" +
                      std::to_string(logprob) + R"(,"top_logprobs":[{"token":")" + token +
                      R"(","logprob":)" + std::to_string(logprob) +
                      R"(},{"token":"else","logprob":)" + std::to_string(other) + "}]}]},");
    return answer;
  }
};

TEST_F(CascadeServe, AConfidentWeakAnswerIsServedWithoutItsLine) {
  answer_weak("Paris.\\nCONFIDENCE: 0.9");
  start_cascade();
  const Reply reply = chat(question("What is the capital of France?"));
  EXPECT_EQ(content_of(reply), "Paris.");
  EXPECT_EQ(reply.header("x-weir-cascade"), "accepted");
  EXPECT_EQ(reply.header("x-weir-weak-confidence"), "0.9000");
  EXPECT_EQ(reply.header("x-weir-reason"), "cascade");
  EXPECT_EQ(reply.header("x-weir-model"), "small");
  EXPECT_EQ(start_row().assigned, "weak");
  EXPECT_EQ(start_row().reason, "cascade");
  EXPECT_EQ(start_row().threshold, 0.7);
  EXPECT_EQ(end_row().cascade, "accepted");
  EXPECT_EQ(end_row().weak_confidence, 0.9);
  ASSERT_THAT(weak_.requests(), SizeIs(1));
  EXPECT_THAT(weak_.requests()[0].body, HasSubstr("CONFIDENCE: <number"));
  EXPECT_THAT(strong_.requests(), IsEmpty());
}

TEST_F(CascadeServe, AnUnsureAnswerIsDiscardedAndChargedAndStrongGetsTheQuestionItself) {
  answer_weak("Lyon.\\nCONFIDENCE: 0.3");
  answer_strong("Paris.");
  start_cascade();
  const std::string body = question("What is the capital of France?");
  const Reply reply = chat(body);
  EXPECT_EQ(content_of(reply), "Paris.");
  EXPECT_EQ(reply.header("x-weir-cascade"), "escalated");
  EXPECT_EQ(reply.header("x-weir-model"), "big");
  EXPECT_EQ(reply.header("x-weir-attempts"), "2");
  EXPECT_EQ(reply.header("x-weir-fallback"), "");
  EXPECT_THAT(strong_.requests()[0].body, Not(HasSubstr("CONFIDENCE")));
  const auto end = end_row();
  EXPECT_EQ(end.cascade, "escalated");
  EXPECT_EQ(end.served_tier, "strong");
  EXPECT_FALSE(end.fallback);
  ASSERT_THAT(end.calls, SizeIs(2));
  EXPECT_EQ(end.calls[0].role, store::CallRole::kDiscarded);
  EXPECT_EQ(end.calls[0].outcome, "ok");
  EXPECT_EQ(end.calls[0].cost_nanousd, 10 * 100 + 3 * 400);
  EXPECT_EQ(end.calls[1].role, store::CallRole::kServed);
  EXPECT_EQ(end.calls[1].cost_nanousd, 10 * 2000 + 3 * 8000);
}

TEST_F(CascadeServe, NoLineCountsAsOneHalf) {
  answer_weak("Lyon.");
  answer_strong("Paris.");
  start_cascade();
  EXPECT_EQ(chat(question("q")).header("x-weir-weak-confidence"), "0.5000");
  EXPECT_EQ(end_row().cascade, "escalated");
}

TEST_F(CascadeServe, AlarmsEscalateWhateverTheConfidence) {
  for (const char* text : {"I\xE2\x80\x99m not sure, Lyon?\\nCONFIDENCE: 1.0",
                           "I can't help with that.\\nCONFIDENCE: 1.0", "CONFIDENCE: 1.0"}) {
    answer_weak(text);
    answer_strong("Paris.");
    if (!server_) start_cascade();
    EXPECT_EQ(content_of(chat(question(text))), "Paris.");
  }
}

TEST_F(CascadeServe, LowConfidenceMayMeanThatNobodyKnows) {
  cascade().give_up_below = 0.2;
  answer_weak("Perhaps.\\nCONFIDENCE: 0.1");
  start_cascade();
  const Reply reply = chat(question("q"));
  EXPECT_EQ(content_of(reply), "Perhaps.");
  EXPECT_EQ(reply.header("x-weir-cascade"), "gave_up");
  EXPECT_EQ(end_row().cascade, "gave_up");
}

TEST_F(CascadeServe, LogprobsAreAskedForAndTakenOutAgain) {
  cascade().signals = {"logprob_mean"};
  weak_.script({whole(200, with_logprobs("Paris", -0.1, -3)),
                whole(200, with_logprobs("Lyon", -1.2, -1.3))});
  answer_strong("Paris.");
  start_cascade();
  const Reply sure = chat(question("one"));
  EXPECT_EQ(content_of(sure), "Paris");
  EXPECT_EQ(sure.header("x-weir-weak-confidence"), "0.9048");
  EXPECT_THAT(sure.body, HasSubstr(R"("logprobs":null)"));
  EXPECT_THAT(weak_.requests()[0].body, HasSubstr(R"("logprobs":true)"));
  EXPECT_THAT(weak_.requests()[0].body, HasSubstr(R"("top_logprobs":2)"));
  EXPECT_THAT(weak_.requests()[0].body, Not(HasSubstr("CONFIDENCE")));
  EXPECT_EQ(content_of(chat(question("two"))), "Paris.");
  EXPECT_THAT(strong_.requests()[0].body, Not(HasSubstr("logprobs")));
}

TEST_F(CascadeServe, AClientThatAskedForLogprobsKeepsThem) {
  cascade().signals = {"logprob_min"};
  weak_.script({whole(200, with_logprobs("Paris", -0.1, -3))});
  start_cascade();
  const Reply reply = chat(question("one", "auto", R"(,"logprobs":true)"));
  EXPECT_THAT(reply.body, HasSubstr(R"("token":"Paris")"));
  EXPECT_THAT(weak_.requests()[0].body, Not(HasSubstr("top_logprobs")));
}

TEST_F(CascadeServe, TheMarginIsReadFromTheRunnerUp) {
  cascade().signals = {"margin"};
  cascade().escalate_below = 0.5;
  weak_.script({whole(200, with_logprobs("Paris", -0.1, -3)),
                whole(200, with_logprobs("Lyon", -0.7, -0.8))});
  answer_strong("Paris.");
  start_cascade();
  EXPECT_EQ(chat(question("one")).header("x-weir-weak-confidence"), "0.8551");
  EXPECT_EQ(chat(question("two")).header("x-weir-cascade"), "escalated");
}

TEST_F(CascadeServe, AStreamIsHeldBackAndThenSentWithoutTheLine) {
  weak_.script(
      {stream({openai_text_chunk("Par"), openai_text_chunk("is.\\nCONF"),
               openai_text_chunk("IDENCE: 0"), openai_text_chunk(".95"), openai_stream_end()})});
  start_cascade();
  const Reply reply = chat(question("q", "auto", kStream));
  EXPECT_THAT(reply.header("content-type"), testing::StartsWith("text/event-stream"));
  EXPECT_THAT(reply.body, testing::StartsWith(openai_text_chunk("Par") + openai_text_chunk("is.")));
  EXPECT_THAT(reply.body, testing::EndsWith("data: [DONE]\n\n"));
  EXPECT_THAT(reply.body, Not(HasSubstr("CONF")));
  EXPECT_THAT(reply.body, Not(HasSubstr("IDENCE")));
  EXPECT_THAT(reply.body, Not(HasSubstr("usage")));
  EXPECT_EQ(end_row().cascade, "accepted");
  EXPECT_EQ(end_row().calls[0].usage.output_tokens, 3);
}

TEST_F(CascadeServe, AnEscalatedStreamIsTheStrongModelsOwn) {
  weak_.script({stream({openai_text_chunk("Lyon.\\nCONFIDENCE: 0.1"), openai_stream_end()})});
  strong_.script(
      {stream({openai_text_chunk("Pa"), openai_text_chunk("ris."), openai_stream_end()})});
  start_cascade();
  const Reply reply = chat(question("q", "auto", kStream));
  EXPECT_THAT(reply.body, testing::StartsWith(openai_text_chunk("Pa") + openai_text_chunk("ris.")));
  EXPECT_EQ(end_row().calls[0].usage.output_tokens, 3);
  EXPECT_EQ(end_row().calls[0].role, store::CallRole::kDiscarded);
}

TEST_F(CascadeServe, AWeakStreamThatBreaksOffIsServedByStrong) {
  weak_.script({stream({openai_text_chunk("Par")}, upstream::End::kCut)});
  options_.providers[0].max_retries = 0;
  answer_strong("Paris.");
  strong_.script({});
  start_cascade();
  const Reply reply = chat(question("q", "auto", kStream));
  EXPECT_THAT(reply.body, HasSubstr("Paris."));
  EXPECT_EQ(reply.header("x-weir-fallback"), "broken");
  EXPECT_EQ(end_row().cascade, "");
  EXPECT_TRUE(end_row().fallback);
}

TEST_F(CascadeServe, AWeakAnswerThatTakesTooLongIsServedByStrong) {
  cascade().answer_ms = 50;
  weak_.script({stream({openai_text_chunk("Par")}, upstream::End::kStall)});
  answer_strong("Paris.");
  start_cascade();
  const Reply reply = chat(question("q", "auto", kStream));
  EXPECT_EQ(reply.header("x-weir-fallback"), "timeout");
  EXPECT_EQ(reply.header("x-weir-model"), "big");
}

TEST_F(CascadeServe, WhenStrongFailsTheWeakAnswerServes) {
  options_.providers[1].max_retries = 0;
  answer_weak("Lyon.\\nCONFIDENCE: 0.3");
  strong_.script({whole(503, R"({"error":{"message":"busy"}})")});
  start_cascade();
  const Reply reply = chat(question("q"));
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(content_of(reply), "Lyon.");
  EXPECT_EQ(reply.header("x-weir-cascade"), "strong_failed");
  const auto end = end_row();
  ASSERT_THAT(end.calls, SizeIs(2));
  EXPECT_EQ(end.calls[0].model, "big");
  EXPECT_EQ(end.calls[1].model, "small");
  EXPECT_EQ(end.calls[1].role, store::CallRole::kServed);
}

TEST_F(CascadeServe, RequestsThatCannotCarryTheLineGoToStrongAtOnce) {
  start_cascade();
  const std::string_view tools =
      R"(,"tools":[{"type":"function","function":{"name":"f","parameters":{}}}])";
  for (const std::string_view more :
       {tools, std::string_view(R"(,"response_format":{"type":"json_object"})"),
        std::string_view(R"(,"reasoning_effort":"high")"), std::string_view(R"(,"n":2)")}) {
    answer_strong("Paris.");
    const Reply reply = chat(question(std::to_string(more.size()), "auto", more));
    EXPECT_EQ(reply.header("x-weir-model"), "big") << more;
    EXPECT_EQ(reply.header("x-weir-reason"), "cannot_judge") << more;
    EXPECT_EQ(reply.header("x-weir-cascade"), "") << more;
  }
  EXPECT_THAT(weak_.requests(), IsEmpty());
}

TEST_F(CascadeServe, ControlUnitsGoToStrongAtOnce) {
  options_.routes[0].control_share = 1;
  answer_strong("Paris.");
  start_cascade();
  EXPECT_EQ(chat(question("q")).header("x-weir-reason"), "control");
  EXPECT_THAT(weak_.requests(), IsEmpty());
}

TEST_F(CascadeServe, SamplesAreAskedUntilTheVerdictIsClear) {
  cascade().signals = {"consistency"};
  cascade().samples = 4;
  for (const char* text : {"The answer is 5.", "The answer is 5.", "So the answer is 5"})
    answer_weak(text);
  start_cascade();
  const Reply reply = chat(question("agree"));
  EXPECT_EQ(content_of(reply), "The answer is 5.");
  EXPECT_THAT(weak_.requests(), SizeIs(3));  // three of four are 0.75, whatever the last says
  EXPECT_THAT(weak_.requests()[0].body, Not(HasSubstr("temperature")));
  EXPECT_THAT(weak_.requests()[1].body, HasSubstr(R"("temperature":1)"));
  EXPECT_EQ(end_row().calls[0].role, store::CallRole::kDiscarded);
  EXPECT_EQ(end_row().calls[0].cost_nanousd, 10 * 100 + 3 * 400);
  EXPECT_EQ(end_row().calls[2].role, store::CallRole::kServed);

  for (const char* text : {"The answer is 5.", "The answer is 6.", "The answer is 7."})
    answer_weak(text);
  answer_strong("The answer is 8.");
  EXPECT_EQ(content_of(chat(question("disagree"))), "The answer is 8.");
  EXPECT_THAT(end_row().calls, SizeIs(4));
}

TEST_F(CascadeServe, ACheckerDecidesAlone) {
  cascade().signals = {"checker"};
  cascade().checker = "regex ^[0-9]+$";
  answer_weak("42");
  answer_weak("forty-two");
  answer_strong("42");
  start_cascade();
  EXPECT_EQ(chat(question("one")).header("x-weir-model"), "small");
  const Reply reply = chat(question("two"));
  EXPECT_EQ(reply.header("x-weir-model"), "big");
  EXPECT_EQ(reply.header("x-weir-cascade-alarm"), "checker");
}

TEST_F(CascadeServe, ACommandChecks) {
  cascade().signals = {"checker"};
  cascade().checker = "command grep -q Paris";
  answer_weak("It is Paris");
  answer_weak("It is Lyon");
  answer_strong("Paris");
  start_cascade();
  EXPECT_EQ(chat(question("one")).header("x-weir-model"), "small");
  EXPECT_EQ(chat(question("two")).header("x-weir-model"), "big");
}

TEST_F(CascadeServe, PhrasesOfOtherLanguagesCount) {
  cascade().uncertainty["de"] = {"Ich bin nicht sicher"};
  answer_weak("ich bin NICHT sicher\\nCONFIDENCE: 1");
  answer_strong("Paris");
  start_cascade();
  EXPECT_EQ(chat(question("q")).header("x-weir-cascade-alarm"), "uncertainty");
}

TEST_F(CascadeServe, AnEscalatedConversationStaysStrong) {
  answer_weak("Lyon.\\nCONFIDENCE: 0.1");
  answer_strong("Paris.");
  answer_strong("Still Paris.");
  start_cascade();
  chat(question("q"), {{"x-session-id", "s"}});
  const Reply next =
      chat(R"({"model":"auto","messages":[{"role":"user","content":"q"},)"
           R"({"role":"assistant","content":"Paris."},{"role":"user","content":"sure?"}]})",
           {{"x-session-id", "s"}});
  EXPECT_EQ(next.header("x-weir-reason"), "sticky");
  EXPECT_EQ(content_of(next), "Still Paris.");
  EXPECT_THAT(weak_.requests(), SizeIs(1));
}

TEST_F(CascadeServe, AnAnthropicClientIsServedTheSameWay) {
  answer_weak("Paris.\\nCONFIDENCE: 0.9");
  start_cascade();
  const Reply reply = send(
      "POST", "/v1/messages",
      R"({"model":"auto","max_tokens":100,"messages":[{"role":"user","content":"Capital?"}]})");
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(reply.body, HasSubstr(R"("text":"Paris.")"));
  EXPECT_THAT(reply.body, Not(HasSubstr("CONFIDENCE")));
  EXPECT_THAT(weak_.requests()[0].body, HasSubstr("CONFIDENCE"));
}

TEST(MakeCascade, WhatIsWrongIsNamed) {
  const auto message = [](const CascadeOptions& options) {
    const auto made = make_cascade(options, nullptr);
    return made ? std::string() : made.error().message;
  };
  CascadeOptions options;
  EXPECT_EQ(message(options), "");
  options.signals = {"state"};
  EXPECT_THAT(message(options), HasSubstr("cascade.signals"));
  options.signals = {"checker"};
  EXPECT_THAT(message(options), HasSubstr("cascade.checker is missing"));
  options.checker = "exact";
  EXPECT_THAT(message(options), HasSubstr("reference"));
  options.signals = {"stated"};
  options.checker = "json";
  EXPECT_THAT(message(options), HasSubstr("no effect"));
  options.checker = "";
  options.give_up_below = 0.8;
  EXPECT_THAT(message(options), HasSubstr("cascade.give_up_below"));
}

}  // namespace
}  // namespace weir::gateway
