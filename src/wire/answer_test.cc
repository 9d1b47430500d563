#include "wire/answer.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wire/case_file.h"
#include "wire/endpoints.h"

namespace weir::wire {
namespace {

Dialect dialect_of(const std::string& name) {
  return name == "openai" ? Dialect::kOpenAi : Dialect::kAnthropic;
}

std::string facts_of(const Answer& answer) {
  const catalog::Usage& usage = answer.usage;
  std::string out;
  if (answer.failure)
    out = fmt::format("failure={}/{}/{} ", to_string(answer.failure->failure_class),
                      answer.failure->type, answer.failure->message);
  return out + fmt::format(
                   "model={} finish={} characters={} {} input={} read={} write={} "
                   "write_1h={} output={} reasoning={}",
                   answer.model, answer.finish_reason, answer.output_characters,
                   to_string(usage.source), usage.input_tokens, usage.cache_read_tokens,
                   usage.cache_write_tokens, usage.cache_write_1h_tokens, usage.output_tokens,
                   usage.reasoning_tokens);
}

TEST(TranslateAnswer, AnswersOfTheCaseFile) {
  const auto cases = read_cases("answers.txt");
  ASSERT_GT(cases.size(), 10u);
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    std::istringstream words(c.get("options"));
    std::string provider, client;
    words >> provider >> client;
    const std::string& in = c.sections.at("in");
    const auto answer = translate_answer({.provider = dialect_of(provider),
                                          .client = dialect_of(client),
                                          .fallback_model = "model-0",
                                          .fallback_id = "id-0",
                                          .created_unix_s = 1'700'000'000},
                                         in);
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(facts_of(*answer), c.get("facts"));
    if (c.get("out") == "same") {
      EXPECT_EQ(answer->body, in);
    } else {
      EXPECT_EQ(compact(answer->body), compact(c.get("out")));
    }
  }
}

TEST(TranslateAnswer, RefusesWhatIsNoAnswer) {
  for (const Dialect provider : {Dialect::kOpenAi, Dialect::kAnthropic})
    for (const char* body : {"", "<html>", "[]", "{}", "null", R"({"choices":5,"content":"x"})"}) {
      const auto answer = translate_answer({.provider = provider}, body);
      ASSERT_FALSE(answer) << body;
      EXPECT_EQ(answer.error().code, ErrorCode::kCorrupt);
    }
}

TEST(TranslateAnswer, KeepsTheRawUsage) {
  const auto answer = translate_answer(
      {.provider = Dialect::kOpenAi},
      R"({"choices":[],"usage":{ "prompt_tokens":1.0, "completion_tokens":2,"x":[1] }})");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->usage.raw, R"({ "prompt_tokens":1.0, "completion_tokens":2,"x":[1] })");
  EXPECT_EQ(answer->usage.input_tokens, 1);
}

TEST(EncodeModels, BothShapes) {
  const ModelEntry models[] = {{.id = "auto"},
                               {.id = "gpt-x",
                                .owned_by = "openai",
                                .created_unix_s = 1'700'000'000,
                                .context_tokens = 8,
                                .max_output_tokens = 4}};
  EXPECT_EQ(
      encode_models(Dialect::kOpenAi, models),
      R"({"object":"list","data":[{"id":"auto","object":"model","created":0,"owned_by":"weir"},)"
      R"({"id":"gpt-x","object":"model","created":1700000000,"owned_by":"openai"}]})");
  EXPECT_EQ(
      encode_models(Dialect::kAnthropic, models),
      R"({"data":[{"type":"model","id":"auto","display_name":"auto","created_at":"1970-01-01T00:00:00Z","lifecycle":"active"},)"
      R"({"type":"model","id":"gpt-x","display_name":"gpt-x","created_at":"2023-11-14T22:13:20Z","lifecycle":"active","max_input_tokens":8,"max_tokens":4}],)"
      R"("has_more":false,"first_id":"auto","last_id":"gpt-x"})");
  EXPECT_EQ(encode_models(Dialect::kAnthropic, {}),
            R"({"data":[],"has_more":false,"first_id":null,"last_id":null})");
}

TEST(EncodeTokenCount, AnEstimateSaysSo) {
  EXPECT_EQ(encode_token_count(7, TokenCountSource::kReported), R"({"input_tokens":7})");
  EXPECT_EQ(encode_token_count(7, TokenCountSource::kEstimated),
            R"({"input_tokens":7,"estimated":true})");
}

}  // namespace
}  // namespace weir::wire
