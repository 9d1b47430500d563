#include "simulate/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <set>

#include "base/json.h"
#include "http/server.h"
#include "simulate/competence.h"
#include "simulate/embeddings.h"
#include "simulate/fault.h"
#include "simulate/question.h"
#include "simulate/recording.h"
#include "simulate/reply.h"

namespace weir::simulate {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// One token a word, so that tests can count by eye.
int64_t count_words(std::string_view text) {
  return static_cast<int64_t>(split_words(text).size());
}

struct Fetched {
  int status = 0;
  http::Headers headers;
  std::string body;
  std::optional<Error> error;  // the body ended too early
};

// Reads until the end, or until `enough` says so, and then leaves.
using Enough = std::function<bool(std::string_view body)>;

http::Task<void> fetch_on(http::Worker& worker, uint16_t port, const http::ClientRequest& request,
                          const Enough& enough, Fetched& fetched) {
  http::Cancellation cancellation;
  http::Endpoint endpoint;
  endpoint.host = "127.0.0.1";
  endpoint.port = port;
  http::CallLimits limits;
  limits.deadline = Deadline::after_ms(worker.clock(), 20'000);
  auto response = co_await worker.client().send(endpoint, request, limits, cancellation);
  if (!response) {
    fetched.error = response.error();
    co_return;
  }
  fetched.status = (*response)->status();
  fetched.headers = (*response)->headers();
  while (!enough || !enough(fetched.body)) {
    const auto piece = co_await (*response)->read_some();
    if (!piece) {
      fetched.error = piece.error();
      co_return;
    }
    if (piece->empty()) co_return;
    fetched.body += *piece;
  }
}

class SimulatorServer : public ::testing::Test {
 protected:
  void start(Options options = {}) {
    options.count_tokens = count_words;
    auto started = Simulator::start(std::move(options));
    ASSERT_TRUE(started) << started.error().message;
    simulator_ = std::move(*started);
  }
  void SetUp() override { start(); }

  Fetched fetch(std::string method, std::string path, std::string body,
                std::vector<http::Header> headers = {}, Enough enough = {}) {
    http::ClientRequest request;
    request.method = std::move(method);
    request.target = std::move(path);
    request.body = std::move(body);
    if (!request.body.empty()) request.headers.add("content-type", "application/json");
    for (const auto& header : headers)
      request.headers.add(header.name, header.value);
    Fetched fetched;
    http::run_on_worker({}, [&](http::Worker& worker) {
      return fetch_on(worker, simulator_->port(), request, enough, fetched);
    });
    return fetched;
  }

  static std::string openai_body(std::string_view question, std::string_view model = "sim-strong",
                                 std::string_view more = "") {
    return "{\"model\":" + json::quoted(model) +
           ",\"messages\":[{\"role\":\"user\",\"content\":" + json::quoted(question) + "}]" +
           std::string(more) + "}";
  }
  Fetched openai(std::string_view question, std::string_view model = "sim-strong",
                 std::string_view more = "") {
    return fetch("POST", "/v1/chat/completions", openai_body(question, model, more));
  }
  Fetched anthropic(std::string_view question, std::string_view more = "") {
    return fetch("POST", "/v1/messages",
                 openai_body(question, "sim-strong", ",\"max_tokens\":100" + std::string(more)));
  }

  std::unique_ptr<Simulator> simulator_;
};

json::Document parse(const std::string& text) {
  auto document = json::Document::parse(text);
  EXPECT_TRUE(document) << text;
  return document ? std::move(*document) : json::Document();
}

// The JSON of each event of a stream.
std::vector<std::string> event_data(std::string_view body) {
  std::vector<std::string> data;
  constexpr std::string_view kField = "data: ";
  for (size_t at = body.find(kField); at != std::string_view::npos; at = body.find(kField, at)) {
    at += kField.size();
    data.emplace_back(body.substr(at, body.find('\n', at) - at));
  }
  return data;
}

TEST_F(SimulatorServer, AnswersOpenAiWithUsageAndSaysWhatItIs) {
  const Fetched fetched = openai("What is the capital of France?");
  ASSERT_EQ(fetched.status, 200) << fetched.body;
  const json::Document document = parse(fetched.body);
  const json::Value root = document.root();
  const json::Value message = root["choices"].at(0)["message"];
  EXPECT_TRUE(is_correct(message["content"].string_or(""), "Paris")) << fetched.body;
  EXPECT_EQ(root["choices"].at(0)["finish_reason"].string_or(""), "stop");
  EXPECT_EQ(root["usage"]["prompt_tokens"].as_int64(), 6);
  EXPECT_EQ(root["usage"]["completion_tokens"].as_int64(),
            count_words(message["content"].string_or("")));
  EXPECT_EQ(root["usage"]["prompt_tokens_details"]["cached_tokens"].as_int64(), 0);
  EXPECT_EQ(root["system_fingerprint"].string_or(""), "weir-simulator");
  EXPECT_EQ(root["model"].string_or(""), "sim-strong");
}

TEST_F(SimulatorServer, AnswersAnthropicWithUsageAndSaysWhatItIs) {
  const Fetched fetched = anthropic("What is the capital of France?");
  ASSERT_EQ(fetched.status, 200) << fetched.body;
  const json::Document document = parse(fetched.body);
  const json::Value root = document.root();
  EXPECT_EQ(root["content"].at(0)["text"].string_or(""), "The answer is Paris.");
  EXPECT_EQ(root["stop_reason"].string_or(""), "end_turn");
  EXPECT_EQ(root["usage"]["input_tokens"].as_int64(), 6);
  EXPECT_EQ(root["usage"]["output_tokens"].as_int64(), 4);
  EXPECT_EQ(root["system_fingerprint"].string_or(""), "weir-simulator");
}

TEST_F(SimulatorServer, OpenAiStreamIsRoleThenWordsThenFinishThenUsageThenDone) {
  const Fetched fetched = openai("What is the capital of France?", "sim-strong",
                                 ",\"stream\":true,\"stream_options\":{\"include_usage\":true}");
  EXPECT_THAT(fetched.headers.get("content-type"), StartsWith("text/event-stream"));
  const auto events = event_data(fetched.body);
  ASSERT_EQ(events.size(), 8u) << fetched.body;
  EXPECT_THAT(events.front(), HasSubstr("\"role\":\"assistant\""));
  std::string text;
  for (const std::string& event : events) {
    if (event == "[DONE]") continue;
    const json::Document document = parse(event);
    EXPECT_EQ(document.root()["object"].string_or(""), "chat.completion.chunk");
    EXPECT_EQ(document.root()["system_fingerprint"].string_or(""), "weir-simulator");
    text += document.root()["choices"].at(0)["delta"]["content"].string_or("");
  }
  EXPECT_EQ(text, "The answer is Paris.");
  EXPECT_THAT(events[5], HasSubstr("\"finish_reason\":\"stop\""));
  EXPECT_THAT(events[5], HasSubstr("\"usage\":null"));
  EXPECT_THAT(events[6], HasSubstr("\"choices\":[],\"usage\":{\"prompt_tokens\":6"));
  EXPECT_EQ(events.back(), "[DONE]");
}

TEST_F(SimulatorServer, OpenAiStreamHasNoUsageUnlessAskedFor) {
  const Fetched fetched =
      openai("What is the capital of France?", "sim-strong", ",\"stream\":true");
  EXPECT_THAT(fetched.body, Not(HasSubstr("usage")));
  EXPECT_THAT(fetched.body, EndsWith("data: [DONE]\n\n"));
}

TEST_F(SimulatorServer, AnthropicStreamHasItsEventsInOrder) {
  const Fetched fetched = anthropic("What is the capital of France?", ",\"stream\":true");
  std::vector<std::string> types;
  std::string text;
  for (const std::string& event : event_data(fetched.body)) {
    const json::Document document = parse(event);
    types.push_back(document.root()["type"].string_or(""));
    text += document.root()["delta"]["text"].string_or("");
  }
  EXPECT_THAT(types,
              ElementsAre("message_start", "content_block_start", "ping", "content_block_delta",
                          "content_block_delta", "content_block_delta", "content_block_delta",
                          "content_block_stop", "message_delta", "message_stop"));
  EXPECT_EQ(text, "The answer is Paris.");
  EXPECT_THAT(fetched.body, HasSubstr("event: message_delta\ndata: "));
  EXPECT_THAT(fetched.body, HasSubstr("\"usage\":{\"output_tokens\":4}"));
}

constexpr std::string_view kOpenAiTools =
    R"(,"tools":[{"type":"function","function":{"name":"get_weather","parameters":{"type":"object",
    "properties":{"city":{"type":"string"},"days":{"type":"integer"}},
    "required":["city","days"]}}}])";

TEST_F(SimulatorServer, CallsAToolThatTheQuestionNames) {
  const Fetched fetched = openai("How is the weather in Paris?", "sim-strong", kOpenAiTools);
  const json::Document document = parse(fetched.body);
  const json::Value choice = document.root()["choices"].at(0);
  EXPECT_EQ(choice["finish_reason"].string_or(""), "tool_calls");
  const json::Value call = choice["message"]["tool_calls"].at(0);
  EXPECT_EQ(call["function"]["name"].string_or(""), "get_weather");
  EXPECT_EQ(call["function"]["arguments"].string_or(""), R"({"city":"Paris","days":1})");
}

TEST_F(SimulatorServer, StreamedToolArgumentsJoinToTheWhole) {
  const Fetched fetched = openai("How is the weather in Paris?", "sim-strong",
                                 std::string(kOpenAiTools) + ",\"stream\":true");
  std::string arguments;
  for (const std::string& event : event_data(fetched.body)) {
    if (event == "[DONE]") continue;
    const json::Document document = parse(event);
    arguments += document.root()["choices"]
                     .at(0)["delta"]["tool_calls"]
                     .at(0)["function"]["arguments"]
                     .string_or("");
  }
  EXPECT_EQ(arguments, R"({"city":"Paris","days":1})");
}

TEST_F(SimulatorServer, AnswersWithTheToolsResult) {
  const Fetched openai_loop = fetch("POST", "/v1/chat/completions", R"({"model":"sim-weak",
    "messages":[{"role":"user","content":"How is the weather in Paris?"},
    {"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function",
    "function":{"name":"get_weather","arguments":"{}"}}]},
    {"role":"tool","tool_call_id":"call_1","content":"Sunny, 21 degrees"}]})");
  EXPECT_THAT(openai_loop.body, HasSubstr("The tool says: Sunny, 21 degrees"));
  const Fetched anthropic_loop = fetch("POST", "/v1/messages", R"({"model":"sim-weak",
    "max_tokens":50,"messages":[{"role":"user","content":"How is the weather in Paris?"},
    {"role":"assistant","content":[{"type":"tool_use","id":"t","name":"get_weather","input":{}}]},
    {"role":"user","content":[{"type":"tool_result","tool_use_id":"t",
    "content":[{"type":"text","text":"Rain"}]}]}]})");
  EXPECT_THAT(anthropic_loop.body, HasSubstr("The tool says: Rain"));
}

TEST_F(SimulatorServer, StopsAtMaxTokens) {
  const Fetched fetched =
      openai("What is the capital of France?", "sim-strong", ",\"max_tokens\":2");
  const json::Document document = parse(fetched.body);
  EXPECT_EQ(document.root()["choices"].at(0)["finish_reason"].string_or(""), "length");
  EXPECT_EQ(document.root()["usage"]["completion_tokens"].as_int64(), 2);
}

TEST_F(SimulatorServer, RefusesInTheShapeOfTheDialect) {
  EXPECT_EQ(fetch("POST", "/v1/messages", "{}").status, 400);
  const Fetched no_model = fetch("POST", "/v1/messages", R"({"messages":[]})");
  EXPECT_THAT(no_model.body, StartsWith(R"({"type":"error","error":{"type":"invalid_request)"));
  EXPECT_THAT(no_model.body, HasSubstr("'model' must be a string"));
  const Fetched key =
      fetch("POST", "/v1/chat/completions", openai_body("x"), {{"authorization", "Bearer wrong"}});
  EXPECT_EQ(key.status, 401);
  EXPECT_THAT(key.body, HasSubstr("\"code\":\"invalid_api_key\""));
  EXPECT_EQ(openai("What is 1 + 1?", "no-such-model").status, 404);
  EXPECT_EQ(fetch("GET", "/v1/nothing", "").status, 404);
}

TEST_F(SimulatorServer, ListsModelsAndCountsTokensAndEmbeds) {
  EXPECT_THAT(fetch("GET", "/v1/models", "").body, HasSubstr(R"("id":"sim-weak")"));
  EXPECT_THAT(fetch("GET", "/v1/models", "", {{"anthropic-version", "2023-06-01"}}).body,
              HasSubstr(R"("has_more":false)"));
  EXPECT_EQ(fetch("POST", "/v1/messages/count_tokens", R"({"model":"m", "messages":[]})").body,
            R"({"input_tokens":2})");
  const Fetched embedded =
      fetch("POST", "/v1/embeddings", R"({"model":"e","input":["a b","a b","c"]})");
  const json::Document document = parse(embedded.body);
  EXPECT_EQ(document.root()["data"].size(), 3u);
  EXPECT_EQ(document.root()["data"].at(0)["embedding"].raw(),
            document.root()["data"].at(1)["embedding"].raw());
  EXPECT_EQ(document.root()["data"].at(0)["embedding"].size(), kEmbeddingDimension);
}

TEST_F(SimulatorServer, CutStreamsEndWithoutTheirTerminator) {
  const Fetched fetched =
      openai("[[sim:cut]] What is the capital of France?", "sim-strong", ",\"stream\":true");
  EXPECT_EQ(fetched.status, 200);
  ASSERT_TRUE(fetched.error);
  EXPECT_EQ(fetched.error->code, ErrorCode::kConnection);
  EXPECT_THAT(fetched.body, HasSubstr("answer"));
  EXPECT_THAT(fetched.body, Not(HasSubstr("Paris")));
  EXPECT_TRUE(openai("[[sim:cut]] What is the capital of France?").error) << "whole answers too";
}

TEST_F(SimulatorServer, NoEndLacksOnlyTheTerminalEvent) {
  const Fetched fetched =
      openai("[[sim:no-end]] What is the capital of France?", "sim-strong", ",\"stream\":true");
  EXPECT_FALSE(fetched.error);
  EXPECT_THAT(fetched.body, HasSubstr("Paris"));
  EXPECT_THAT(fetched.body, Not(HasSubstr("[DONE]")));
}

TEST_F(SimulatorServer, StalledStreamsWaitUntilTheClientGoes) {
  const auto role_only = [](std::string_view body) {
    return body.find("assistant") != std::string_view::npos;
  };
  const Fetched stalled = fetch(
      "POST", "/v1/chat/completions",
      openai_body("[[sim:stall]] What is 1 + 1?", "sim-weak", ",\"stream\":true"), {}, role_only);
  EXPECT_THAT(stalled.body, Not(HasSubstr("answer")));
  const auto some_words = [](std::string_view body) {
    return body.find("answer") != std::string_view::npos;
  };
  const Fetched middle =
      fetch("POST", "/v1/chat/completions",
            openai_body("[[sim:stall-mid]] What is 1 + 1?", "sim-weak", ",\"stream\":true"), {},
            some_words);
  EXPECT_FALSE(middle.error);
  EXPECT_EQ(openai("What is 1 + 1?").status, 200) << "the server goes on";
}

TEST_F(SimulatorServer, StatusesLastAsOftenAsAskedFor) {
  const Fetched first = openai("[[sim:429:2:7]] What is 1 + 1?");
  EXPECT_EQ(first.status, 429);
  EXPECT_EQ(first.headers.get("retry-after"), "7");
  EXPECT_EQ(openai("[[sim:429:2:7]] What is 1 + 1?").status, 429);
  EXPECT_EQ(openai("[[sim:429:2:7]] What is 1 + 1?").status, 200);
  for (const int status : {400, 403, 404, 422, 500, 503, 529})
    EXPECT_EQ(anthropic("[[sim:" + std::to_string(status) + "]] Hello").status, status);
}

TEST_F(SimulatorServer, FaultsCanStrikeOneTierOnly) {
  EXPECT_EQ(openai("[[sim:500@weak]] What is 1 + 1?", "sim-weak").status, 500);
  EXPECT_EQ(openai("[[sim:500@weak]] What is 1 + 1?", "sim-strong").status, 200);
}

TEST_F(SimulatorServer, FaultsAreTakenFromTheHeaderToo) {
  EXPECT_EQ(
      fetch("POST", "/v1/chat/completions", openai_body("Hi"), {{"x-sim-fault", "503"}}).status,
      503);
}

TEST_F(SimulatorServer, GarbageErrorsAndUsageFaultsKeepStatus200) {
  EXPECT_THAT(openai("[[sim:garbage]] Hi").body, StartsWith("<html>"));
  const Fetched error = openai("[[sim:error-first]] Hi", "sim-strong", ",\"stream\":true");
  EXPECT_EQ(error.status, 200);
  EXPECT_THAT(error.body, StartsWith("data: {\"error\":{"));
  EXPECT_THAT(anthropic("[[sim:error-first]] Hi", ",\"stream\":true").body,
              StartsWith("event: error\ndata: {\"type\":\"error\""));
  EXPECT_THAT(openai("[[sim:no-usage]] Hi").body, Not(HasSubstr("usage")));
  EXPECT_THAT(openai("[[sim:wrong-usage]] Hi").body, HasSubstr("\"prompt_tokens\":20,"));
}

TEST_F(SimulatorServer, ErrorsDependOnSeedModelAndQuestionAlone) {
  const std::string first = openai("What is 53 * 47 - 12 * 13 + 9?", "sim-weak").body;
  const auto content = [](const std::string& body) {
    const json::Document document = parse(body);
    return document.root()["choices"].at(0)["message"]["content"].string_or("");
  };
  EXPECT_EQ(content(first),
            content(openai("Please! What is 53 * 47 - 12 * 13 + 9?", "sim-weak").body));
}

// The documented rates, measured over many questions.
TEST(Competence, ErrorsOccurAtTheStatedRates) {
  Random random(3);
  for (const Tier tier : {Tier::kWeak, Tier::kStrong})
    for (const int difficulty : {1, 4, 6, 9}) {
      int wrong = 0;
      constexpr int kCount = 3000;
      for (int i = 0; i < kCount; ++i) {
        Solved solved;
        solved.text = "q" + std::to_string(random());
        solved.answer = "5";
        solved.difficulty = difficulty;
        wrong += answer_of(tier, solved, 1) != "5" ? 1 : 0;
      }
      const double rate = error_rate(tier, difficulty);
      EXPECT_NEAR(static_cast<double>(wrong) / kCount, rate,
                  4 * std::sqrt(rate * (1 - rate) / kCount));
    }
}

TEST(Fault, ReadsPhrases) {
  EXPECT_EQ(parse_fault("slow:20", "weak").number, 20);
  EXPECT_EQ(parse_fault("429:2:5", "weak").times, 2);
  EXPECT_EQ(find_fault("[[sim:stall]] and [[sim:cut@weak]]", "weak").kind, FaultKind::kCut);
  EXPECT_EQ(find_fault("[[sim:stall]] and [[sim:cut@weak]]", "strong").kind, FaultKind::kStall);
  for (const std::string_view none :
       {"", "[[sim:]]", "[[sim:nothing]]", "[[sim:200]]", "[[sim:429:x]]", "[[sim:stall"})
    EXPECT_EQ(find_fault(none, "weak").kind, FaultKind::kNone) << none;
}

constexpr std::string_view kRows =
    R"({"id":"1","query":" How many? ","model":"a","response":"Two.","score":1}
{"id":"2","query":"How many?","model":"b","response":"Three.","input_tokens":50,"output_tokens":9}
{"id":"3","query":"How many?","model":"a","response":"Never."}
)";

TEST(Recording, FirstRowOfAKeyWinsAndDuplicatesAreReported) {
  const auto recording = Recording::from_text(kRows, "rows");
  ASSERT_TRUE(recording) << recording.error().message;
  EXPECT_EQ(recording->find("How many?", "a")->response, "Two.");
  EXPECT_EQ(recording->find("How many?", "c"), nullptr);
  EXPECT_THAT(recording->duplicates(), ElementsAre("3"));
  EXPECT_EQ(recording->models().at("a"), 1u);
}

TEST(Recording, BrokenRowsNameFileLineAndField) {
  const auto recording = Recording::from_text("\n{\"query\":\"x\",\"model\":1}\n", "rows.jsonl");
  ASSERT_FALSE(recording);
  EXPECT_EQ(recording.error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(recording.error().message, "rows.jsonl:2: 'model' must be text");
}

TEST_F(SimulatorServer, ReplaysRecordedAnswers) {
  Options options;
  options.recording =
      std::make_shared<const Recording>(std::move(*Recording::from_text(kRows, "rows")));
  start(options);
  const Fetched estimated = openai("How many?", "a");
  EXPECT_THAT(estimated.body, HasSubstr("\"content\":\"Two.\""));
  EXPECT_THAT(estimated.body, HasSubstr("\"estimated\":true"));
  EXPECT_THAT(estimated.body, HasSubstr("\"system_fingerprint\":\"weir-replay\""));
  const Fetched reported = openai("How many?", "b");
  EXPECT_THAT(reported.body, HasSubstr("\"prompt_tokens\":50,\"completion_tokens\":9"));
  EXPECT_THAT(reported.body, Not(HasSubstr("estimated")));
  const Fetched unknown = openai("How much?", "a");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_THAT(unknown.body, HasSubstr("1 answers of 'a' are recorded, but none to this question"));
  EXPECT_THAT(anthropic("How many?").body, HasSubstr("no answer of the model 'sim-strong'"));
}

TEST(Models, PricesHaveTheRatioOfTheDocument) {
  const auto entries = models();
  ASSERT_EQ(entries.size(), 2u);
  const auto& weak = entries[0].price.tiers[0];
  const auto& strong = entries[1].price.tiers[0];
  EXPECT_EQ(strong.input_picousd * 100, weak.input_picousd * 1875);
  EXPECT_EQ(strong.output_picousd * 100, weak.output_picousd * 1875);
}

TEST_F(SimulatorServer, ATemperatureDrawsAfresh) {
  const std::string question = "What is 19 * 17 + 23 * (14 - 3)?";
  const std::string first = openai(question, "sim-weak").body;
  EXPECT_EQ(openai(question, "sim-weak").body, first);
  std::set<std::string> texts;
  for (int i = 0; i < 20; ++i)
    texts.insert(parse(openai(question, "sim-weak", ",\"temperature\":1").body)
                     .root()["choices"]
                     .at(0)["message"]["content"]
                     .string_or(""));
  EXPECT_GT(texts.size(), 1u);
}

TEST_F(SimulatorServer, FaultsCanBeMeantForRouterPrompts) {
  const std::string label = "Rate from [[1]] to [[5]]. What is 2 + 3? [[sim:500@router]]";
  EXPECT_EQ(openai(label).status, 500);
  EXPECT_EQ(openai("What is 2 + 3? [[sim:500@router]]").status, 200);
}

TEST_F(SimulatorServer, RecordedConfidencesAreReplayed) {
  Options options;
  auto recording = Recording::from_text(
      R"({"query":"Capital of France?","model":"m","response":"It is Paris","confidence":0.8,"token_confidence":0.5})",
      "test");
  ASSERT_TRUE(recording);
  options.recording = std::make_shared<const Recording>(std::move(*recording));
  start(std::move(options));
  const auto asked = parse(
      openai("Capital of France?\n\nAt the end, add a line:\nCONFIDENCE: <number>", "m").body);
  EXPECT_EQ(asked.root()["choices"].at(0)["message"]["content"].string_or(""),
            "It is Paris\nCONFIDENCE: 0.80");
  const auto logprobs = parse(openai("Capital of France?", "m", ",\"logprobs\":true").body);
  const json::Value tokens = logprobs.root()["choices"].at(0)["logprobs"]["content"];
  ASSERT_EQ(tokens.size(), 3u);
  EXPECT_NEAR(tokens.at(2)["logprob"].as_double().value_or(0), std::log(0.5), 1e-9);
}

}  // namespace
}  // namespace weir::simulate
