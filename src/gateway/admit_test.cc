#include "gateway/admit.h"

#include <gtest/gtest.h>

#include "base/digest.h"

namespace weir::gateway {
namespace {

class Admit : public testing::Test {
 protected:
  // 0 when admitted, else the status.
  int status(http::Request request) {
    auto snapshot = Snapshot::build(
        options_,
        [](const RouteOptions&) -> std::expected<std::optional<Scorer>, Error> {
          return std::nullopt;
        },
        "0123456789abcdef", "me");
    EXPECT_TRUE(snapshot);
    auto caller = admit(**snapshot, request);
    if (caller) key_id_ = caller->key_id;
    return caller ? 0 : caller.error().status;
  }
  static http::Request post(std::vector<std::pair<std::string, std::string>> headers = {}) {
    http::Request request;
    request.method = "POST";
    request.path = "/v1/chat/completions";
    request.headers.add("host", "localhost:9347");
    request.headers.add("content-type", "application/json; charset=utf-8");
    for (const auto& [name, value] : headers)
      request.headers.set(name, value);
    return request;
  }
  void use_key(const std::string& key) {
    options_.keys.push_back({"id-" + key, to_hex(sha256(key))});
  }

  Options options_;
  std::string key_id_;
};

TEST_F(Admit, LoopbackNamesWithoutKeys) {
  EXPECT_EQ(status(post()), 0);
  for (const char* host : {"127.0.0.1", "127.1.2.3:80", "[::1]:9347", "LOCALHOST"})
    EXPECT_EQ(status(post({{"host", host}})), 0) << host;
  for (const char* host : {"evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80",
                           "[::2]", "", "10.0.0.1"})
    EXPECT_EQ(status(post({{"host", host}})), 403) << host;
  options_.insecure = true;
  EXPECT_EQ(status(post({{"host", "weir.example"}})), 0);
}

TEST_F(Admit, WebPagesOnlyFromAllowedOrigins) {
  EXPECT_EQ(status(post({{"origin", "http://localhost:3000"}})), 403);
  options_.allowed_origins = {"http://localhost:3000"};
  EXPECT_EQ(status(post({{"origin", "http://localhost:3000"}})), 0);
  EXPECT_EQ(status(post({{"origin", "null"}})), 403);
}

TEST_F(Admit, KeysOfEitherDialect) {
  use_key("one");
  use_key("two");
  EXPECT_EQ(status(post()), 401);
  EXPECT_EQ(status(post({{"authorization", "Bearer two"}})), 0);
  EXPECT_EQ(key_id_, "id-two");
  EXPECT_EQ(status(post({{"authorization", "bearer  one "}})), 0);
  EXPECT_EQ(status(post({{"x-api-key", "one"}})), 0);
  EXPECT_EQ(key_id_, "id-one");
  EXPECT_EQ(status(post({{"x-api-key", "three"}})), 401);
  EXPECT_EQ(status(post({{"authorization", "Basic one"}})), 401);
  EXPECT_EQ(status(post({{"x-api-key", "one"}, {"host", "weir.example"}})), 0);
}

TEST_F(Admit, HealthNeedsNoKeyButListsAndMetricsDo) {
  use_key("one");
  http::Request request;
  request.method = "GET";
  request.headers.add("host", "10.0.0.7");
  for (const auto& [path, expected] : {std::pair("/health", 0),
                                       {"/health/readiness", 0},
                                       {"/metrics", 401},
                                       {"/v1/models", 401},
                                       {"/healthy", 401}}) {
    request.path = path;
    EXPECT_EQ(status(request), expected) << path;
  }
}

TEST_F(Admit, PostNeedsJson) {
  EXPECT_EQ(status(post({{"content-type", "text/plain"}})), 415);
  EXPECT_EQ(status(post({{"content-type", ""}})), 415);
  EXPECT_EQ(status(post({{"content-type", "APPLICATION/JSON"}})), 0);
}

TEST_F(Admit, LoopsAreRefused) {
  EXPECT_EQ(status(post({{"x-weir-hop", "other"}})), 0);
  EXPECT_EQ(status(post({{"x-weir-hop", "other, me"}})), 508);
  EXPECT_EQ(status(post({{"x-weir-hop", "a,b,c,d,e,f,g,h,i"}})), 508);
}

}  // namespace
}  // namespace weir::gateway
