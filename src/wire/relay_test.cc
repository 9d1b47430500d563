#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wire/answer.h"

namespace weir::wire {
namespace {

using catalog::UsageSource;

// Everything that a relay gave for one way of cutting the input.
struct Outcome {
  std::string bytes;
  bool has_content = false, ended = false;
  std::optional<Failure> failure;
  catalog::Usage usage;
  std::string model, finish_reason;
  int64_t output_characters = 0;
  bool failed = false;

  bool operator==(const Outcome& o) const {
    return bytes == o.bytes && has_content == o.has_content && ended == o.ended &&
           failure.has_value() == o.failure.has_value() && usage.raw == o.usage.raw &&
           usage.output_tokens == o.usage.output_tokens && model == o.model &&
           finish_reason == o.finish_reason && output_characters == o.output_characters &&
           failed == o.failed;
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
    EXPECT_TRUE(relay(options, {stream.substr(0, at), stream.substr(at)}) == whole)
        << "split at " << at;
  std::vector<std::string_view> bytes;
  for (size_t i = 0; i < stream.size(); ++i)
    bytes.push_back(stream.substr(i, 1));
  EXPECT_TRUE(relay(options, bytes) == whole) << "byte by byte";
  return whole;
}

constexpr RelayOptions kSameOpenAi{.provider = Dialect::kOpenAi, .client = Dialect::kOpenAi};

TEST(Relay, SameDialectPassesBytesAndReadsUsage) {
  const std::string stream =
      ": hi\n\n"
      R"(data: {"id":"c1","model":"gpt-x","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]})"
      "\r\n\r\n"
      R"(data: {"id":"c1","model":"gpt-x","choices":[{"index":0,"delta":{"content":"Gr\u00fc\u00df"}}]})"
      "\n\n"
      R"(data: {"id":"c1","model":"gpt-x","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})"
      "\n\n"
      R"(data: {"id":"c1","choices":[],"usage":{"prompt_tokens":10,"completion_tokens":4,"total_tokens":14,"prompt_tokens_details":{"cached_tokens":6}}})"
      "\n\ndata: [DONE]\n\n";
  const Outcome out = relay(kSameOpenAi, stream);
  EXPECT_EQ(out.bytes, stream);
  EXPECT_TRUE(out.has_content);
  EXPECT_TRUE(out.ended);
  EXPECT_EQ(out.model, "gpt-x");
  EXPECT_EQ(out.finish_reason, "stop");
  EXPECT_EQ(out.output_characters, 4);
  EXPECT_EQ(out.usage.source, UsageSource::kReported);
  EXPECT_EQ(out.usage.input_tokens, 4);
  EXPECT_EQ(out.usage.cache_read_tokens, 6);
  EXPECT_EQ(out.usage.output_tokens, 4);
}

TEST(Relay, AddedUsageIsTakenOutAgain) {
  RelayOptions options = kSameOpenAi;
  options.usage_was_added = true;
  const Outcome out = relay(
      options,
      R"(data: {"id":"1","choices":[{"index":0,"delta":{"content":"a"}}],"usage":null})"
      "\n\n"
      R"(data: {"usage" : null , "id":"1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})"
      "\n\n"
      R"(data: {"id":"1","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}})"
      "\n\ndata: [DONE]\n\n");
  EXPECT_EQ(out.bytes,
            R"(data: {"id":"1","choices":[{"index":0,"delta":{"content":"a"}}]})"
            "\n\n"
            R"(data: { "id":"1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})"
            "\n\ndata: [DONE]\n\n");
  EXPECT_EQ(out.usage.output_tokens, 2);
  EXPECT_TRUE(out.ended);
}

}  // namespace
}  // namespace weir::wire
