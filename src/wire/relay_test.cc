#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wire/answer.h"
#include "wire/case_file.h"

namespace weir::wire {
namespace {

// Everything that a relay gave for one way of cutting the input.
struct Outcome {
  std::string bytes;
  bool has_content = false, ended = false;
  std::optional<Failure> failure;
  catalog::Usage usage;
  std::string model, finish_reason;
  int64_t output_characters = 0;
  bool failed = false;

  // All that is to be compared, in the words of the case file.
  std::string facts() const {
    std::string out;
    if (failed) out += "failed ";
    if (failure)
      out += fmt::format("failure={}/{}/{} ", to_string(failure->failure_class), failure->type,
                         failure->message);
    if (has_content) out += "content ";
    if (ended) out += "ended ";
    return out + fmt::format(
                     "model={} finish={} characters={} {} input={} read={} write={} "
                     "write_1h={} output={} reasoning={}",
                     model, finish_reason, output_characters, to_string(usage.source),
                     usage.input_tokens, usage.cache_read_tokens, usage.cache_write_tokens,
                     usage.cache_write_1h_tokens, usage.output_tokens, usage.reasoning_tokens);
  }

  // The LF of a last CRLF may come too late, when the stream has ended already.
  bool equals(const Outcome& whole) const {
    const bool same_bytes =
        bytes == whole.bytes || (whole.bytes.ends_with("\r\n") && bytes + "\n" == whole.bytes);
    return same_bytes && facts() == whole.facts() && usage.raw == whole.usage.raw;
  }
};

Outcome relay(const RelayOptions& options, const std::vector<std::string_view>& pieces) {
  StreamRelay relay(options);
  Outcome all;
  const auto take = [&](const std::expected<StreamRelay::Step, Error>& step) {
    all.failed = all.failed || !step;
    if (!step) return;
    all.bytes += step->bytes;
    all.has_content = step->has_content;
    all.ended = step->ended;
    all.failure = step->failure;
  };
  for (const std::string_view piece : pieces)
    take(relay.feed(piece));
  take(relay.finish());
  all.usage = relay.usage();
  all.model = relay.model();
  all.finish_reason = relay.finish_reason();
  all.output_characters = relay.output_characters();
  return all;
}

// The whole input; every split into two pieces and single bytes must give the same.
Outcome relay(const RelayOptions& options, std::string_view stream) {
  const Outcome whole = relay(options, std::vector{stream});
  for (size_t at = 1; at < stream.size(); ++at)
    EXPECT_TRUE(relay(options, {stream.substr(0, at), stream.substr(at)}).equals(whole))
        << "split at " << at;
  std::vector<std::string_view> bytes;
  for (size_t i = 0; i < stream.size(); ++i)
    bytes.push_back(stream.substr(i, 1));
  EXPECT_TRUE(relay(options, bytes).equals(whole)) << "byte by byte";
  return whole;
}

RelayOptions options_of(const Case& c) {
  std::istringstream words(c.get("options"));
  std::string provider, client, flag;
  words >> provider >> client;
  const auto dialect = [](const std::string& name) {
    return name == "openai" ? Dialect::kOpenAi : Dialect::kAnthropic;
  };
  RelayOptions options{.provider = dialect(provider),
                       .client = dialect(client),
                       .fallback_model = "model-0",
                       .fallback_id = "id-0",
                       .created_unix_s = 1'700'000'000};
  while (words >> flag) {
    options.usage_was_added = options.usage_was_added || flag == "added_usage";
    if (flag == "no_client_usage") options.client_wants_usage = false;
  }
  return options;
}

TEST(Relay, StreamsOfTheCaseFileInEverySplit) {
  const auto cases = read_cases("streams.txt");
  ASSERT_GT(cases.size(), 10u);
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const std::string& in = c.sections.at("in");
    const Outcome out = relay(options_of(c), in);
    EXPECT_EQ(out.bytes, c.get("out") == "same" ? in : c.sections.at("out"));
    EXPECT_EQ(out.facts(), c.get("facts"));
  }
}

std::string replace_all(std::string text, std::string_view from, std::string_view to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

TEST(Relay, LineEndsAndByteOrderMarkMakeNoDifference) {
  for (const Case& c : read_cases("streams.txt")) {
    SCOPED_TRACE(c.name);
    const RelayOptions options = options_of(c);
    const std::string& in = c.sections.at("in");
    const Outcome expected = relay(options, in);
    for (const std::string_view end : {"\r", "\r\n"}) {
      const std::string other = "\xEF\xBB\xBF" + replace_all(in, "\n", end);
      const Outcome out = relay(options, other);
      EXPECT_EQ(out.facts(), expected.facts());
      if (c.get("out") == "same") {
        EXPECT_EQ(out.bytes, other);
      }
      if (options.provider != options.client) {
        EXPECT_EQ(out.bytes, expected.bytes);
      }
    }
  }
}

TEST(Relay, DataOverSeveralLinesIsOneEvent) {
  const Outcome out = relay({.provider = Dialect::kOpenAi, .client = Dialect::kAnthropic},
                            "data: {\"id\":\"c\",\ndata: \"choices\":[{\"delta\":{\"content\":\n"
                            "data:\"x\"}}]}\nid: 7\nretry: 3\n\ndata: [DONE]\n\n");
  EXPECT_TRUE(out.ended);
  EXPECT_EQ(out.output_characters, 1);
}

TEST(Relay, LastBlankLineMayBeMissing) {
  const Outcome out = relay({}, "data: {\"choices\":[]}\n\ndata: [DONE]");
  EXPECT_TRUE(out.ended);
  EXPECT_EQ(out.bytes, "data: {\"choices\":[]}\n\ndata: [DONE]\n\n");
}

TEST(Relay, NothingAfterTheEndIsPassedOn) {
  const Outcome out = relay({}, "data: [DONE]\n\ndata: [DONE]\n\ndata: garbage\n\n");
  EXPECT_EQ(out.bytes, "data: [DONE]\n\n");
  EXPECT_FALSE(out.failed);
}

TEST(Relay, OneEventIsBounded) {
  StreamRelay relay(RelayOptions{});
  const std::string megabyte(1 << 20, 'x');
  ASSERT_TRUE(relay.feed("data: "));
  for (int i = 0; i < 7; ++i)
    ASSERT_TRUE(relay.feed(megabyte)) << i;
  EXPECT_TRUE(relay.feed(std::string((1 << 20) - 6, 'x')));
  const auto over = relay.feed("x");
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().code, ErrorCode::kTooLarge);
  EXPECT_FALSE(relay.feed("\n\n"));
}

TEST(Relay, ToolCallsAreBounded) {
  std::string calls = "{}";
  for (int i = 1; i < 2'000; ++i)
    calls += fmt::format(R"(,{{"index":{}}})", i);
  StreamRelay relay(RelayOptions{});
  const auto step =
      relay.feed(R"(data: {"choices":[{"delta":{"tool_calls":[)" + calls + "]}}]}\n\n");
  ASSERT_FALSE(step);
  EXPECT_EQ(step.error().code, ErrorCode::kTooLarge);
}

TEST(StreamError, EndsTheClientsStream) {
  EXPECT_EQ(encode_stream_error(Dialect::kAnthropic, "overloaded_error", "a\nb"),
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\","
            "\"message\":\"a\\nb\"}}\n\n");
  const std::string error = encode_stream_error(Dialect::kOpenAi, "", "x");
  EXPECT_EQ(error,
            "data: {\"error\":{\"message\":\"x\",\"type\":\"server_error\",\"param\":null,"
            "\"code\":null}}\n\n");
  // What weir writes, weir reads as a failure.
  EXPECT_TRUE(relay({}, error).failure);
}

}  // namespace
}  // namespace weir::wire
