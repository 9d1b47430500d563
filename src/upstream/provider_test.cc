#include "upstream/provider.h"

#include <gtest/gtest.h>

namespace weir::upstream {
namespace {

using wire::Dialect;

http::Endpoint with_prefix(std::string_view prefix) {
  http::Endpoint endpoint;
  endpoint.path_prefix = prefix;
  return endpoint;
}

TEST(RequestTarget, FollowsTheSdksAboutTheVersion) {
  const auto openai = [](std::string_view prefix) {
    return request_target(with_prefix(prefix), Dialect::kOpenAi, "/v1/chat/completions", "");
  };
  EXPECT_EQ(openai(""), "/v1/chat/completions");
  EXPECT_EQ(openai("/v1"), "/chat/completions");
  EXPECT_EQ(openai("/api/paas/v4"), "/chat/completions");
  const auto anthropic = [](std::string_view prefix) {
    return request_target(with_prefix(prefix), Dialect::kAnthropic, "/v1/messages", "beta=true");
  };
  EXPECT_EQ(anthropic(""), "/v1/messages?beta=true");
  EXPECT_EQ(anthropic("/v1"), "/messages?beta=true");
  EXPECT_EQ(anthropic("/anthropic"), "/v1/messages?beta=true");
}

http::Headers client_headers() {
  http::Headers headers;
  for (const auto& [name, value] : std::initializer_list<std::pair<const char*, const char*>>{
           {"Authorization", "Bearer client-secret"},
           {"X-Api-Key", "client-secret"},
           {"Cookie", "a=b"},
           {"Connection", "keep-alive"},
           {"X-Stainless-Lang", "python"},
           {"Anthropic-Beta", "tools"},
           {"OpenAI-Organization", "org"},
           {"Idempotency-Key", "i"},
           {"traceparent", "t"},
           {"User-Agent", "curl/8"},
           {"X-Weir-Hop", "first"}})
    headers.add(name, value);
  return headers;
}

TEST(RequestHeaders, OnlyTheAllowListAndOwnCredentials) {
  Provider provider;
  provider.api_key = "own";
  const auto out = request_headers(provider, Dialect::kOpenAi, client_headers(), "me");
  EXPECT_EQ(out.get("authorization"), "Bearer own");
  EXPECT_EQ(out.get("openai-organization"), "org");
  EXPECT_EQ(out.get("idempotency-key"), "i");
  EXPECT_EQ(out.get("traceparent"), "t");
  EXPECT_EQ(out.get("user-agent"), "curl/8 weir/" WEIR_VERSION);
  EXPECT_EQ(out.get("x-weir-hop"), "first, me");
  for (const char* name :
       {"cookie", "connection", "x-api-key", "x-stainless-lang", "anthropic-beta"})
    EXPECT_FALSE(out.contains(name)) << name;
}

TEST(RequestHeaders, AnthropicGetsItsKeyAndAVersion) {
  Provider provider;
  provider.api_key = "own";
  auto client = client_headers();
  auto out = request_headers(provider, Dialect::kAnthropic, client, "me");
  EXPECT_EQ(out.get("x-api-key"), "own");
  EXPECT_EQ(out.get("anthropic-version"), "2023-06-01");
  EXPECT_EQ(out.get("anthropic-beta"), "tools");
  EXPECT_FALSE(out.contains("authorization"));
  client.add("anthropic-version", "2024-01-01");
  out = request_headers(provider, Dialect::kAnthropic, client, "me");
  EXPECT_EQ(out.get("anthropic-version"), "2024-01-01");
}

TEST(RequestHeaders, WithoutAKeyNoneIsSent) {
  const auto out = request_headers(Provider{}, Dialect::kOpenAi, client_headers(), "me");
  EXPECT_FALSE(out.contains("authorization"));
}

TEST(AnswerHeaders, NeverACookie) {
  http::Headers provider, out;
  provider.add("Set-Cookie", "__cf=1");
  provider.add("X-Request-Id", "req_1");
  provider.add("X-RateLimit-Remaining-Tokens", "9");
  provider.add("anthropic-ratelimit-tokens-reset", "soon");
  provider.add("Retry-After", "1");
  provider.add("Server", "x");
  copy_answer_headers(provider, out);
  EXPECT_EQ(out.size(), 4u);
  EXPECT_FALSE(out.contains("set-cookie"));
  EXPECT_EQ(provider_request_id(provider), "req_1");
}

}  // namespace
}  // namespace weir::upstream
