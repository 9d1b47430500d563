#include "http/parser.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace weir::http {
namespace {

using namespace std::string_literals;

// Status of the fault, 0 when accepted.
int request_fault(std::string_view head, Request* out = nullptr, Framing* framing = nullptr) {
  HeadScanner scanner;
  const auto size = scanner.scan(head);
  if (!size) return size.error().status;
  EXPECT_EQ(*size, head.size()) << head;
  Request request;
  const auto parsed = parse_request_head(head, request);
  if (out) *out = request;
  if (!parsed) return parsed.error().status;
  if (framing) *framing = *parsed;
  return 0;
}

TEST(HeadScanner, FindsTheEndWhereverTheBytesAreSplit) {
  const std::string head = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  const std::string bytes = head + "rest\r\n\r\n";
  for (size_t first = 0; first <= bytes.size(); ++first) {
    HeadScanner scanner;
    const auto early = scanner.scan(std::string_view(bytes).substr(0, first));
    ASSERT_TRUE(early.has_value());
    ASSERT_EQ(*early, first < head.size() ? 0u : head.size());
    if (*early == 0) {
      EXPECT_EQ(scanner.scan(bytes).value(), head.size());
    }
  }
  HeadScanner bytewise;
  for (size_t size = 0; size < head.size(); ++size)
    ASSERT_EQ(bytewise.scan(std::string_view(head).substr(0, size)).value(), 0u);
  EXPECT_EQ(bytewise.scan(head).value(), head.size());
}

TEST(HeadScanner, RefusesBareLineFeeds) {
  for (const std::string_view bytes : {"GET / HTTP/1.1\n", "\n", "GET / HTTP/1.1\r\nHost: x\n",
                                       "GET / HTTP/1.1\r\n\n", "a\r\r\r\n\n"}) {
    HeadScanner scanner;
    EXPECT_FALSE(scanner.scan(bytes).has_value()) << bytes;
  }
}

struct RequestCase {
  std::string head;
  int fault;
};

TEST(ParseRequestHead, DecidesByTheTable) {
  const std::string host = "Host: a\r\n";
  const std::vector<RequestCase> cases = {
      {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 0},
      {"GET / HTTP/1.1\r\nHost:a\r\n\r\n", 0},
      {"GET / HTTP/1.1\r\nHost:\t a \t\r\n\r\n", 0},
      {"GET / HTTP/1.1\r\nHost: a\r\nX: caf\xC3\xA9\r\n\r\n", 0},
      {"GET / HTTP/1.1\r\nHost: a\r\nX:\r\n\r\n", 0},
      {"GET / HTTP/1.0\r\n\r\n", 0},
      {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 0},
      {"get / HTTP/1.1\r\nHost: a\r\n\r\n", 0},  // a method of its own; the layer above says 405
      {"GET http://b/c?d HTTP/1.1\r\nHost: a\r\n\r\n", 0},
      {"GET http://[::1]:80/ HTTP/1.1\r\nHost: a\r\n\r\n", 0},
      // Request line.
      {"GET /\r\nHost: a\r\n\r\n", 400},
      {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400},
      {"GET /  HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {" GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET /\x7F HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET /\xC3\xA9 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET http://u@h/x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"G@T / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET / http/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET / HTTP/1.1x\r\nHost: a\r\n\r\n", 400},
      {"GET / HTTP/1,1\r\nHost: a\r\n\r\n", 400},
      {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
      {"GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505},
      {"PRI * HTTP/2.0\r\n\r\n", 505},
      {"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 501},
      // Header lines.
      {"GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a\r\nX Y: z\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n"s, 400},
      {"GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n"s, 400},
      // Host.
      {"GET / HTTP/1.1\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
      {"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400},
      // Framing.
      {"POST / HTTP/1.1\r\n" + host + "Content-Length: 5\r\n\r\n", 0},
      {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: Chunked\r\n\r\n", 0},
      {"POST / HTTP/1.1\r\n" + host + "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\n" + host + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\n" + host + "Content-Length: 5, 5\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\n" + host + "Content-Length: +5\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\n" + host + "Content-Length: -5\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\n" + host + "Content-Length: 0x5\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\n" + host + "Content-Length: 5 5\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\n" + host + "Content-Length:\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\n" + host + "Content-Length: 18446744073709551621\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\n" + host + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
       400},
      {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\ncontent-length: 5\r\n\r\n",
       400},
      {"POST / HTTP/1.1\r\n" + host +
           "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
       400},
      {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip, chunked\r\n\r\n", 501},
      {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: identity\r\n\r\n", 501},
      {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: xchunked\r\n\r\n", 501},
      {"POST / HTTP/1.1\r\n" + host +
           "Transfer-Encoding: \x0B"
           "chunked\r\n\r\n",
       400},
      {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding:\r\n\r\n", 501},
      {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\n" + host + "Expect: 100-Continue\r\n\r\n", 0},
      {"POST / HTTP/1.1\r\n" + host + "Expect: tea\r\n\r\n", 417},
      {"POST / HTTP/1.0\r\nExpect: tea\r\n\r\n", 0},
  };
  for (const auto& [head, fault] : cases)
    EXPECT_EQ(request_fault(head), fault) << head;
}

TEST(ParseRequestHead, CountsHeaderFields) {
  std::string head = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (int i = 0; i < 127; ++i)
    head += "X: y\r\n";
  EXPECT_EQ(request_fault(head + "\r\n"), 0);
  EXPECT_EQ(request_fault(head + "X: y\r\n\r\n"), 431);
}

TEST(ParseRequestHead, GivesTheParts) {
  Request request;
  Framing framing;
  ASSERT_EQ(request_fault("POST /a%20b?c=d&e HTTP/1.1\r\nHost: h:1\r\nX-Y:  z \r\n"
                          "content-length: 12\r\nexpect: 100-continue\r\n\r\n",
                          &request, &framing),
            0);
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.path, "/a%20b");
  EXPECT_EQ(request.query, "c=d&e");
  EXPECT_EQ(request.version, 11);
  EXPECT_EQ(request.headers.get("x-y"), "z");
  EXPECT_EQ(framing.body, BodyKind::kLength);
  EXPECT_EQ(framing.length_bytes, 12u);
  EXPECT_TRUE(framing.keep_alive);
  EXPECT_TRUE(framing.expects_continue);
}

TEST(ParseRequestHead, TakesHostFromAnAbsoluteTarget) {
  Request request;
  ASSERT_EQ(request_fault("GET http://real:8/p?q HTTP/1.1\r\nHost: other\r\n\r\n", &request), 0);
  EXPECT_EQ(request.headers.get("host"), "real:8");
  EXPECT_EQ(request.path, "/p");
  EXPECT_EQ(request.query, "q");
  ASSERT_EQ(request_fault("GET http://real?q HTTP/1.1\r\nHost: other\r\n\r\n", &request), 0);
  EXPECT_EQ(request.path, "/");
  EXPECT_EQ(request.query, "q");
}

TEST(ParseRequestHead, KnowsWhichConnectionsPersist) {
  const auto keeps = [](const std::string& version, const std::string& fields) {
    Framing framing;
    EXPECT_EQ(request_fault("GET / HTTP/" + version + "\r\nHost: a\r\n" + fields + "\r\n", nullptr,
                            &framing),
              0);
    return framing.keep_alive;
  };
  EXPECT_TRUE(keeps("1.1", ""));
  EXPECT_TRUE(keeps("1.1", "Connection: x\r\n"));
  EXPECT_FALSE(keeps("1.1", "Connection: close\r\n"));
  EXPECT_FALSE(keeps("1.1", "Connection: x, Close\r\n"));
  EXPECT_FALSE(keeps("1.1", "Connection: keep-alive\r\nConnection: close\r\n"));
  EXPECT_FALSE(keeps("1.0", ""));
  EXPECT_TRUE(keeps("1.0", "Connection: Keep-Alive\r\n"));
}

struct ResponseCase {
  std::string head;
  std::string method;
  bool accepted;
  BodyKind body = BodyKind::kNone;
  uint64_t length_bytes = 0;
  bool keep_alive = true;
};

TEST(ParseResponseHead, FramesByTheTable) {
  const std::vector<ResponseCase> cases = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "GET", true, BodyKind::kLength, 5},
      {"HTTP/1.1 200\r\nContent-Length: 5\r\n\r\n", "GET", true, BodyKind::kLength, 5},
      {"HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", "GET", true, BodyKind::kNone},
      {"HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n", "GET", true, BodyKind::kLength, 5},
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", "GET", true,
       BodyKind::kLength, 5},
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", "GET", false},
      {"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "GET", false},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "GET", true, BodyKind::kChunked},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", "GET", true,
       BodyKind::kChunked, 0, false},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "GET", false},
      {"HTTP/1.1 200 OK\r\n\r\n", "GET", true, BodyKind::kUntilClose, 0, false},
      {"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", "GET", true, BodyKind::kLength, 5, false},
      {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\n", "GET", true,
       BodyKind::kLength, 5, true},
      {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\n", "GET", true,
       BodyKind::kLength, 5, false},
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "HEAD", true, BodyKind::kNone},
      {"HTTP/1.1 204 No Content\r\n\r\n", "GET", true, BodyKind::kNone},
      {"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "GET", true, BodyKind::kNone},
      {"HTTP/1.1 100 Continue\r\n\r\n", "POST", true, BodyKind::kNone},
      {"HTTP/2 200 OK\r\n\r\n", "GET", false},
      {"HTTP/1.1 20 OK\r\n\r\n", "GET", false},
      {"HTTP/1.1 2000\r\n\r\n", "GET", false},
      {"HTTP/1.1 099 OK\r\n\r\n", "GET", false},
      {"ICY 200 OK\r\n\r\n", "GET", false},
      {"\r\n", "GET", false},
      {"HTTP/1.1 200 OK\r\nA : b\r\n\r\n", "GET", false},
  };
  for (const ResponseCase& c : cases) {
    ResponseHead head;
    const auto framing = parse_response_head(c.head, c.method, head);
    ASSERT_EQ(framing.has_value(), c.accepted) << c.head;
    if (!framing) continue;
    EXPECT_EQ(framing->body, c.body) << c.head;
    EXPECT_EQ(framing->keep_alive, c.keep_alive) << c.head;
    EXPECT_EQ(framing->length_bytes, c.length_bytes) << c.head;
  }
}

struct Chunked {
  std::string data;
  bool bad = false;
  bool done = false;
  size_t consumed = 0;
};

Chunked decode(std::string_view bytes, size_t step_bytes) {
  Chunked result;
  ChunkedDecoder decoder;
  while (result.consumed < bytes.size() && !decoder.done()) {
    const auto step = decoder.next(bytes.substr(result.consumed, step_bytes));
    result.data += step.data;
    result.consumed += step.consumed;
    if (step.bad) {
      result.bad = true;
      break;
    }
  }
  result.done = decoder.done();
  return result;
}

TEST(ChunkedDecoder, DecodesTheSameInEverySplit) {
  const std::vector<std::string> good = {
      "0\r\n\r\n",
      "3\r\nabc\r\n0\r\n\r\n",
      "3\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n",
      "A;name=value;x=\"y z\"\r\n0123456789\r\n000\r\n\r\n",
      "a \r\n0123456789\r\n0\r\nTrailer: x\r\nOther: y\r\n\r\n",
  };
  const std::vector<std::string> decoded = {"", "abc", "abc0123456789abcdef", "0123456789",
                                            "0123456789"};
  for (size_t i = 0; i < good.size(); ++i)
    for (size_t step = 1; step <= good[i].size() + 3; ++step) {
      const Chunked result = decode(good[i] + "GET", step);
      EXPECT_TRUE(result.done && !result.bad) << good[i];
      EXPECT_EQ(result.data, decoded[i]);
      EXPECT_EQ(result.consumed, good[i].size()) << "what follows the body is not taken";
    }
}

TEST(ChunkedDecoder, RefusesWhatOthersMightReadDifferently) {
  const std::vector<std::string> bad = {
      "\r\n",
      "g\r\n",
      "-1\r\n",
      " 3\r\nabc\r\n0\r\n\r\n",
      "0x3\r\nabc\r\n0\r\n\r\n",
      "3\nabc\r\n0\r\n\r\n",
      "3\r\nabc\n0\r\n\r\n",
      "3\r\nabcd\r\n0\r\n\r\n",
      "3\r\nabc\r0\r\n\r\n",
      "3\rabc\r\n0\r\n\r\n",
      "3;a\nb\r\nabc\r\n0\r\n\r\n",
      "0\r\nX: y\n\r\n",
      "0\r\n\rX",
      "0000000000000003\r\nabc\r\n0\r\n\r\n",
      "fffffffffffffffff\r\n",
      "3;" + std::string(9'000, 'x') + "\r\nabc\r\n0\r\n\r\n",
      "0\r\n" + std::string(9'000, 'x'),
  };
  for (const std::string& bytes : bad)
    for (const size_t step : {size_t{1}, size_t{7}, bytes.size()})
      EXPECT_TRUE(decode(bytes, step).bad) << bytes.substr(0, 40);
}

TEST(ListContains, LooksAtWholeTokens) {
  Headers headers;
  headers.add("Connection", "a, Keep-Alive ,b");
  EXPECT_TRUE(list_contains(headers, "connection", "keep-alive"));
  EXPECT_FALSE(list_contains(headers, "connection", "keep"));
  EXPECT_FALSE(list_contains(headers, "other", "a"));
}

}  // namespace
}  // namespace weir::http
