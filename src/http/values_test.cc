// The plain values: headers, endpoints, proxy rules, heads, cancellation, decoding of streams.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <zlib.h>

#include <map>
#include <vector>

#include "http/cancel.h"
#include "http/client.h"
#include "http/compose.h"
#include "http/inflate.h"
#include "http/message.h"
#include "http/proxy.h"

namespace weir::http {
namespace {

TEST(Headers, CompareNamesWithoutCase) {
  Headers headers;
  headers.add("X-One", "1");
  headers.add("x-one", "2");
  headers.add("Y", "");
  EXPECT_EQ(headers.get("X-ONE"), "1");
  EXPECT_TRUE(headers.contains("y"));
  EXPECT_FALSE(headers.contains("X-On"));
  headers.set("x-ONE", "3");
  EXPECT_EQ(headers.get("x-one"), "3");
  EXPECT_EQ(headers.size(), 2u);
  headers.remove("y");
  EXPECT_EQ(headers.size(), 1u);
  // ASCII only: '@' and '`' differ by the bit that tells the cases apart, but are no letters.
  EXPECT_FALSE(equals_ignoring_case("@", "`"));
  EXPECT_FALSE(equals_ignoring_case("[", "{"));
}

TEST(Endpoint, IsReadFromAUrl) {
  struct Case {
    std::string url, host;
    bool tls;
    uint16_t port;
    std::string prefix, authority;
  };
  const std::vector<Case> cases = {
      {"https://api.openai.com/v1", "api.openai.com", true, 443, "/v1", "api.openai.com"},
      {"HTTPS://API.test/", "API.test", true, 443, "", "API.test"},
      {"http://127.0.0.1:8080", "127.0.0.1", false, 8080, "", "127.0.0.1:8080"},
      {"http://[::1]:9347/a/b//", "::1", false, 9347, "/a/b", "[::1]:9347"},
      {"https://[::1]", "::1", true, 443, "", "[::1]"},
      {"http://h:443", "h", false, 443, "", "h:443"},
      {"https://h:80", "h", true, 80, "", "h:80"},
  };
  for (const Case& c : cases) {
    const auto endpoint = Endpoint::parse(c.url);
    ASSERT_TRUE(endpoint.has_value()) << c.url << endpoint.error().message;
    EXPECT_EQ(endpoint->host, c.host);
    EXPECT_EQ(endpoint->tls, c.tls);
    EXPECT_EQ(endpoint->port, c.port);
    EXPECT_EQ(endpoint->path_prefix, c.prefix);
    EXPECT_EQ(endpoint->authority(), c.authority);
  }
}

TEST(Endpoint, RefusesWhatIsNoBaseUrl) {
  for (const std::string url :
       {"", "api.openai.com", "ftp://h", "http://", "http:///v1", "http://h:0", "http://h:65536",
        "http://h:x", "http://h:", "http://h:1x", "http://[::1", "http://[zz]", "http://[::1]8",
        "http://h?q", "http://h/v1#f", "http://h/a b", "http://h h", "http://u:secret@h/v1"}) {
    const auto endpoint = Endpoint::parse(url);
    ASSERT_FALSE(endpoint.has_value()) << url;
    EXPECT_EQ(endpoint.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(endpoint.error().message.find("secret"), std::string::npos);
  }
}

TEST(NoProxy, MatchesNamesDomainsAddressesAndPorts) {
  EXPECT_TRUE(bypasses_proxy("*", "a.b", 1));
  EXPECT_TRUE(bypasses_proxy("b.c", "b.c", 1));
  EXPECT_TRUE(bypasses_proxy("x, b.c", "a.B.c", 1));
  EXPECT_TRUE(bypasses_proxy(".b.c", "a.b.c", 1));
  EXPECT_TRUE(bypasses_proxy("*.b.c", "a.b.c", 1));
  EXPECT_TRUE(bypasses_proxy("10.0.0.1", "10.0.0.1", 1));
  EXPECT_TRUE(bypasses_proxy("b.c:8", "b.c", 8));
  EXPECT_TRUE(bypasses_proxy("fd00::1", "fd00::1", 1));
  EXPECT_TRUE(bypasses_proxy("[fd00::1]:8", "fd00::1", 8));
  EXPECT_FALSE(bypasses_proxy("", "b.c", 1));
  EXPECT_FALSE(bypasses_proxy(",", "b.c", 1));
  EXPECT_FALSE(bypasses_proxy("b.c", "ab.c", 1));
  EXPECT_FALSE(bypasses_proxy("b.c:8", "b.c", 9));
  EXPECT_FALSE(bypasses_proxy("[fd00::1]:8", "fd00::1", 9));
  EXPECT_FALSE(bypasses_proxy("[fd00::1", "fd00::1", 8));
  EXPECT_FALSE(bypasses_proxy("0.0.0.1", "10.0.0.1", 1));
}

TEST(ProxyEnvironment, PrefersTheLowerCaseNames) {
  for (const char* name :
       {"https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "no_proxy", "NO_PROXY"})
    ::unsetenv(name);
  ::setenv("HTTPS_PROXY", "http://upper:1", 1);
  ::setenv("https_proxy", "http://lower:1", 1);
  ::setenv("NO_PROXY", "a.test", 1);
  ClientOptions options;
  options.read_proxy_environment();
  EXPECT_EQ(options.https_proxy, "http://lower:1");
  EXPECT_EQ(options.http_proxy, "");
  EXPECT_EQ(options.no_proxy, "a.test");
  for (const char* name : {"https_proxy", "HTTPS_PROXY", "NO_PROXY"})
    ::unsetenv(name);
}

TEST(HttpDate, IsWrittenAsRfc9110Does) {
  EXPECT_EQ(format_http_date(784'111'777'000'000), "Sun, 06 Nov 1994 08:49:37 GMT");
}

TEST(Cancellation, RunsEachActionOnceAndAtOnce) {
  Cancellation cancellation;
  std::vector<int> ran;
  const auto first = cancellation.on_cancel([&] { ran.push_back(1); });
  {
    const auto ended = cancellation.on_cancel([&] { ran.push_back(2); });
  }
  auto moved_from = cancellation.on_cancel([&] { ran.push_back(3); });
  const auto moved_to = std::move(moved_from);
  cancellation.cancel();
  cancellation.cancel();
  EXPECT_EQ(ran, (std::vector<int>{1, 3}));
  const auto late = cancellation.on_cancel([&] { ran.push_back(4); });
  EXPECT_EQ(ran, (std::vector<int>{1, 3, 4}));
}

TEST(Cancellation, ActionsMayEndRegistrations) {
  Cancellation cancellation;
  int ran = 0;
  Cancellation::Guard own, other;
  own = cancellation.on_cancel([&] {
    ++ran;
    own = {};
    other = {};
  });
  other = cancellation.on_cancel([&] { ran += 10; });
  cancellation.cancel();
  EXPECT_EQ(ran, 1);
}

std::string deflate_text(std::string_view text, int window) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, text.size()) + 32, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

TEST(Inflater, GivesTheSameInEverySplitAndInBoundedPieces) {
  std::string text;
  for (int i = 0; i < 40'000; ++i)
    text += std::to_string(i * 7'919 % 1'000);
  const std::map<ContentCoding, std::vector<std::string>> streams = {
      {ContentCoding::kGzip, {deflate_text(text, 31)}},
      {ContentCoding::kDeflate, {deflate_text(text, 15), deflate_text(text, -15)}},
  };
  for (const auto& [coding, variants] : streams)
    for (const std::string& bytes : variants)
      for (const size_t step : {size_t{1}, size_t{1'000}, bytes.size()}) {
        const auto inflater = make_inflater(coding);
        std::string got;
        for (size_t at = 0; at < bytes.size(); at += step) {
          inflater->push(std::string_view(bytes).substr(at, step));
          for (;;) {
            const auto piece = inflater->pull();
            ASSERT_TRUE(piece.has_value());
            if (piece->empty()) break;
            EXPECT_LE(piece->size(), size_t{32 << 10});
            got += *piece;
          }
        }
        EXPECT_TRUE(inflater->complete());
        EXPECT_TRUE(got == text) << step;
      }
}

}  // namespace
}  // namespace weir::http
