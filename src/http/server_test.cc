#include "http/server.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <vector>

#include "base/compress.h"
#include "http/raw_socket_for_test.h"

namespace weir::http {
namespace {

std::string answer(int status, std::string_view body, std::string_view fields = "") {
  std::string text = "HTTP/1.1 " + std::to_string(status) + " ";
  text.append(reason_phrase(status)).append("\r\nContent-Length: ");
  text.append(std::to_string(body.size())).append("\r\n").append(fields).append("\r\n");
  return text.append(body);
}
constexpr std::string_view kClose = "Connection: close\r\n";

std::string exchange(uint16_t port, std::string_view bytes, bool bytewise) {
  RawSocket client = RawSocket::connect(port);
  bytewise ? client.send_bytewise(bytes) : client.send(bytes);
  return without_date(client.receive_until_end());
}

TEST(Server, AnswersRawRequestsByTheTable) {
  struct Case {
    std::string sent, received;
  };
  const std::string last = "GET /end HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  const std::string end = answer(200, "GET /end? ", kClose);
  const std::vector<Case> cases = {
      {last, end},
      {"\r\n\r\n" + last, end},
      {"POST /a/b?c=d HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc" + last,
       answer(200, "POST /a/b?c=d abc") + end},
      {"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
       "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nIgnored: trailer\r\n\r\n" +
           last,
       answer(200, "POST /a? abcde") + end},
      {"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n" + last,
       answer(200, "POST /a? ") + end},
      // Pipelined, in order.
      {"GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n" + last,
       answer(200, "GET /1? ") + answer(200, "GET /2? ") + end},
      // HEAD: the length of what GET would give, no body.
      {"HEAD /h HTTP/1.1\r\nHost: x\r\n\r\n" + last,
       "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n" + end},
      {"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n" + last, answer(200, "OPTIONS *? ") + end},
      {"GET http://y/p?q HTTP/1.1\r\nHost: x\r\n\r\n" + last, answer(200, "GET /p?q ") + end},
      // What is sent behind "close" is dropped and does not cost the answer.
      {last + last + std::string(400, 'x'), end},
      // HTTP/1.0.
      {"GET /0 HTTP/1.0\r\n\r\n", answer(200, "GET /0? ", kClose)},
      {"GET /0 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + last,
       answer(200, "GET /0? ", "Connection: keep-alive\r\n") + end},
      // Faults end the connection: what follows is not read as a request.
      {"GET / HTTP/1.1\r\n\r\n" + last, answer(400, "missing Host", kClose)},
      {"GET / HTTP/1.1\nHost: x\n\n", answer(400, "a line does not end in CR LF", kClose)},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n" +
           last,
       answer(400, "Content-Length together with Transfer-Encoding", kClose)},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n" + last,
       answer(501, "the only Transfer-Encoding spoken is chunked", kClose)},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" + last,
       answer(400, "broken chunked coding of the request body", kClose)},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 40\r\n\r\n" + last,
       answer(413, "the request body is too large", kClose)},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
       "10\r\n0123456789abcdef\r\n11\r\n0123456789abcdef0\r\n0\r\n\r\n" +
           last,
       answer(413, "the request body is too large", kClose)},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Encoding: br\r\n\r\nabc" + last,
       answer(415, "unknown Content-Encoding; gzip, deflate and zstd are understood", kClose)},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Encoding: gzip\r\n\r\nabc" +
           last,
       answer(400, "the request body is broken or incomplete compressed data", kClose)},
      {"GET /" + std::string(600, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n",
       answer(414, "the request line is too long", kClose)},
      {"GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(600, 'a') + "\r\n\r\n",
       answer(431, "the request head is too large", kClose)},
      // Expect.
      {"POST /e HTTP/1.1\r\nHost: x\r\nContent-Length: 33\r\nExpect: 100-continue\r\n\r\n",
       answer(413, "the request body is too large", kClose)},
      {"POST /e HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: soon\r\n\r\nabc",
       answer(417, "the only expectation met is 100-continue", kClose)},
  };
  ServerOptions options;
  options.head_limit_bytes = 512;
  options.body_limit_bytes = 32;
  const auto server = start_server(echo, options);
  for (const auto& [sent, received] : cases)
    for (const bool bytewise : {false, true})
      EXPECT_EQ(exchange(server->port(), sent, bytewise), received)
          << sent << (bytewise ? " (bytewise)" : "");
}

TEST(Server, AsksForTheBodyOfAnExpectation) {
  const auto server = start_server(echo);
  RawSocket client = RawSocket::connect(server->port());
  client.send("POST /e HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.receive_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("abc");
  EXPECT_EQ(without_date(client.receive_message()), answer(200, "POST /e? abc"));
}

TEST(Server, DecodesCompressedBodiesWithinTheLimit) {
  ServerOptions options;
  options.body_limit_bytes = 1 << 20;
  const auto server = start_server(
      [](Exchange& exchange) -> Task<void> {
        Response response;
        const Request& request = exchange.request();
        response.body = std::to_string(request.body.size()) +
                        (request.headers.contains("content-encoding") ? " encoded" : " plain");
        (void)co_await exchange.respond(std::move(response));
      },
      options);
  const auto post = [&](const std::string& coding, const std::string& body) {
    RawSocket client = RawSocket::connect(server->port());
    client.send("POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Encoding: " + coding +
                "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    return without_date(client.receive_until_end());
  };
  const std::string limit(1 << 20, 'a');
  EXPECT_EQ(post("gzip", compress_gzip(limit)), answer(200, "1048576 plain", kClose));
  EXPECT_EQ(post("X-GZIP", compress_gzip("abc")), answer(200, "3 plain", kClose));
  EXPECT_EQ(post("identity", "abc"), answer(200, "3 encoded", kClose));
  const std::string bomb = compress_gzip(limit + "a");
  ASSERT_LT(bomb.size(), 2'000u);
  EXPECT_EQ(post("gzip", bomb), answer(413, "the decompressed request body is too large", kClose));
  EXPECT_EQ(post("gzip", compress_gzip("abc").substr(0, 15)),
            answer(400, "the request body is broken or incomplete compressed data", kClose));
}

TEST(Server, TakesBodiesUpTo32MiB) {
  const auto server = start_server([](Exchange& exchange) -> Task<void> {
    Response response;
    response.body = std::move(exchange.request().body);
    (void)co_await exchange.respond(std::move(response));
  });
  std::string body(32 << 20, 'x');
  for (size_t i = 0; i < body.size(); i += 4'099)
    body[i] = static_cast<char>('a' + i % 26);
  RawSocket client = RawSocket::connect(server->port());
  ASSERT_TRUE(client.send(
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n"));
  ASSERT_TRUE(client.send(body));
  std::string got = client.receive_message();
  got.erase(0, got.find("\r\n\r\n") + 4);
  EXPECT_TRUE(got == body);

  client = RawSocket::connect(server->port());
  client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size() + 1) +
              "\r\n\r\n");
  client.send(body);  // the refusal reaches a client that sends all the same
  EXPECT_EQ(without_date(client.receive_until_end()),
            answer(413, "the request body is too large", kClose));
}

TEST(Server, StreamsEachWriteAsOneChunk) {
  const auto server = start_server([](Exchange& exchange) -> Task<void> {
    Response head;
    head.headers.add("content-type", "text/event-stream");
    head.body = "first";
    (void)co_await exchange.begin_stream(std::move(head));
    (void)co_await exchange.write("second");
    (void)co_await exchange.write("");
    (void)co_await exchange.end_stream("last");
  });
  RawSocket client = RawSocket::connect(server->port());
  client.send(
      "GET / HTTP/1.1\r\nHost: x\r\n\r\nHEAD / HTTP/1.1\r\nHost: x\r\n\r\n"
      "GET / HTTP/1.0\r\n\r\n");
  const std::string head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n";
  EXPECT_EQ(without_date(client.receive_until_end()),
            head +
                "Transfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n6\r\nsecond\r\n4\r\nlast\r\n"
                "0\r\n\r\n" +
                head + "Transfer-Encoding: chunked\r\n\r\n" + head +
                "Connection: close\r\n\r\nfirstsecondlast");
}

TEST(Server, ShowsAnAbortedStreamAsCut) {
  const auto server = start_server([](Exchange& exchange) -> Task<void> {
    Response head;
    (void)co_await exchange.begin_stream(std::move(head));
    (void)co_await exchange.write("part");
    exchange.abort();
    EXPECT_FALSE((co_await exchange.write("more")).has_value());
  });
  RawSocket modern = RawSocket::connect(server->port());
  modern.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(modern.receive_until_end().ends_with("\r\n\r\n4\r\npart\r\n"));
  RawSocket old = RawSocket::connect(server->port());
  old.send("GET / HTTP/1.0\r\n\r\n");
  old.receive_until_end();
  EXPECT_TRUE(old.was_reset());
}

TEST(Server, GivesA500WhenTheHandlerIsSilent) {
  const auto server = start_server([](Exchange&) -> Task<void> { co_return; });
  EXPECT_EQ(exchange(server->port(), "GET / HTTP/1.0\r\n\r\n", false),
            answer(500, "the handler gave no answer", kClose));
}

TEST(Server, KeepsControlCharactersOffTheWire) {
  const auto server = start_server([](Exchange& exchange) -> Task<void> {
    Response response;
    response.headers.add("x-model", "a\r\nSet-Cookie: b");
    response.headers.add("bad name", "c");
    response.headers.add("Content-Length", "77");
    response.headers.add("Connection", "upgrade");
    (void)co_await exchange.respond(std::move(response));
  });
  EXPECT_EQ(exchange(server->port(), "GET / HTTP/1.0\r\n\r\n", false),
            "HTTP/1.1 200 OK\r\nx-model: a  Set-Cookie: b\r\nContent-Length: 0\r\n"
            "Connection: close\r\n\r\n");
}

TEST(Server, TellsOfAClientThatLeaves) {
  for (const bool reset : {false, true}) {
    std::promise<bool> begun, gone;
    const auto server = start_server([&](Exchange& exchange) -> Task<void> {
      begun.set_value(true);
      gone.set_value(!co_await exchange.worker().sleep(kTestPatienceMs, exchange.gone()));
    });
    RawSocket client = RawSocket::connect(server->port());
    client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    begun.get_future().wait();
    reset ? client.close_with_reset() : client.finish_sending();
    EXPECT_TRUE(gone.get_future().get());
    server->stop(kTestPatienceMs);
  }
}

TEST(Server, DoesNotTakePipelinedBytesForALeavingClient) {
  std::promise<bool> begun;
  std::atomic<int> handled = 0, gone = 0;
  Cancellation never;
  const auto server = start_server([&](Exchange& exchange) -> Task<void> {
    if (handled++ == 0) begun.set_value(true);
    co_await exchange.worker().sleep(30, never);
    if (exchange.client_gone()) ++gone;
    co_await echo(exchange);
  });
  RawSocket client = RawSocket::connect(server->port());
  client.send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n");
  begun.get_future().wait();
  client.send("GET /2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(without_date(client.receive_until_end()),
            answer(200, "GET /1? ") + answer(200, "GET /2? ", kClose));
  EXPECT_EQ(gone, 0);
  EXPECT_EQ(handled, 2);
}

TEST(Server, DealsConnectionsEvenly) {
  ServerOptions options;
  options.workers = 2;
  std::mutex mutex;
  std::map<int, int> seen;
  const auto server = start_server(
      [&](Exchange& exchange) -> Task<void> {
        {
          const std::scoped_lock lock(mutex);
          ++seen[exchange.worker().index()];
        }
        co_await echo(exchange);
      },
      options);
  std::vector<RawSocket> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(RawSocket::connect(server->port()));
    clients.back().send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    clients.back().receive_message();
  }
  server->stop(1'000);
  EXPECT_EQ(seen, (std::map<int, int>{{0, 2}, {1, 2}}));
}

TEST(Server, LetsConnectionsWaitAboveTheLimit) {
  ServerOptions options;
  options.connections_limit = 1;
  const auto server = start_server(echo, options);
  RawSocket first = RawSocket::connect(server->port());
  first.send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n");
  first.receive_message();
  RawSocket second = RawSocket::connect(server->port());
  second.send("GET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
  pollfd wanted{second.fd(), POLLIN, 0};
  EXPECT_EQ(::poll(&wanted, 1, 50), 0) << "answered above the limit";
  first.close();
  EXPECT_EQ(without_date(second.receive_message()), answer(200, "GET /2? "));
}

TEST(Server, RefusesATakenPort) {
  const auto server = start_server(echo);
  ServerOptions options;
  options.port = server->port();
  const auto second = Server::bind(options, echo, plain_error);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, ErrorCode::kConflict);
  EXPECT_EQ(second.error().message,
            "127.0.0.1:" + std::to_string(server->port()) + " is in use by another program");
}

TEST(Server, RefusesWhatIsNoAddress) {
  ServerOptions options;
  options.address = "nowhere";
  const auto server = Server::bind(options, echo, plain_error);
  ASSERT_FALSE(server.has_value());
  EXPECT_EQ(server.error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace weir::http
