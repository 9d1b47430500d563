#include "http/client.h"

#include <gtest/gtest.h>
#include <zstd.h>

#include <functional>
#include <thread>
#include <vector>

#include "base/compress.h"
#include "http/raw_socket_for_test.h"

namespace weir::http {
namespace {

constexpr int64_t kLongMs = 60'000;

struct Outcome {
  int status = 0;
  std::string body;
  Headers headers;
  std::optional<ErrorCode> error;
  std::string message;
};

struct Call {
  ClientRequest request;
  int64_t total_ms = kLongMs;
  int64_t idle_ms = kLongMs;
  size_t limit_bytes = 1 << 20;
};

Task<Outcome> send_call(Worker& worker, const std::string& url, const Call& call) {
  Outcome outcome;
  const auto endpoint = Endpoint::parse(url);
  EXPECT_TRUE(endpoint.has_value());
  Cancellation cancellation;
  const CallLimits limits{Deadline::after_ms(worker.clock(), call.total_ms), call.idle_ms};
  auto response = co_await worker.client().send(*endpoint, call.request, limits, cancellation);
  if (!response) {
    outcome.error = response.error().code;
    outcome.message = response.error().message;
    co_return outcome;
  }
  outcome.status = (*response)->status();
  outcome.headers = (*response)->headers();
  auto body = co_await (*response)->read_all(call.limit_bytes);
  if (body) {
    outcome.body = *body;
  } else {
    outcome.error = body.error().code;
    outcome.message = body.error().message;
  }
  co_return outcome;
}

Call get(const std::string& target) {
  Call call;
  call.request.method = "GET";
  call.request.target = target;
  return call;
}

// Runs the peer's script beside a client that makes the calls one after the other.
std::vector<Outcome> converse(RawListener& listener, const std::function<void()>& peer,
                              const std::vector<Call>& calls) {
  std::vector<Outcome> outcomes;
  std::thread other(peer);
  run_on_worker({}, [&](Worker& worker) -> Task<void> {
    for (const Call& call : calls) {
      Outcome outcome = co_await send_call(worker, listener.url() + "/base", call);
      outcomes.push_back(std::move(outcome));
    }
  });
  other.join();
  return outcomes;
}

TEST(Client, WritesARequestAsOneMessage) {
  RawListener listener;
  std::string got;
  Call call;
  call.request.target = "/v1/messages?beta=true";
  call.request.headers.add("x-api-key", "k");
  call.request.headers.add("Host", "elsewhere");
  call.request.headers.add("Accept-Encoding", "gzip");
  call.request.headers.add("Connection", "x-api-key");
  call.request.headers.add("Content-Length", "99");
  call.request.headers.add("x-split", "a\r\nb: c");
  call.request.body = "hello";
  converse(listener,
           [&] {
             RawSocket peer = listener.accept();
             got = peer.receive_until("hello");
             peer.send("HTTP/1.1 204 No Content\r\n\r\n");
             peer.receive_some();
           },
           {call});
  EXPECT_EQ(got, "POST /base/v1/messages?beta=true HTTP/1.1\r\nHost: 127.0.0.1:" +
                     std::to_string(listener.port()) +
                     "\r\nx-api-key: k\r\nx-split: a  b: c\r\nAccept-Encoding: identity\r\n"
                     "Content-Length: 5\r\n\r\nhello");
}

std::string zstd(std::string_view text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

struct Case {
  std::string answer;
  int status;
  std::string body;
  std::optional<ErrorCode> error = {};
};

std::vector<Case> answer_cases() {
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  const std::string gzip = compress_gzip("compressed text");
  const std::string packed = zstd("compressed text");
  const std::string length = "Content-Length: ";
  return {
      {ok + "Content-Length: 3\r\n\r\nabc", 200, "abc"},
      {ok + "Content-Length: 0\r\n\r\n", 200, ""},
      {ok + "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n2;x\r\nbc\r\n0\r\nT: u\r\n\r\n", 200,
       "abc"},
      {ok + "\r\nuntil the end", 200, "until the end"},
      {"HTTP/1.0 404 Not Found\r\n\r\ngone", 404, "gone"},
      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + ok +
           "Content-Length: 3\r\n\r\nabc",
       200, "abc"},
      {"HTTP/1.1 204 No Content\r\n\r\n", 204, ""},
      {ok + "Content-Encoding: gzip\r\n" + length + std::to_string(gzip.size()) + "\r\n\r\n" + gzip,
       200, "compressed text"},
      {ok + "Content-Encoding: gzip\r\n\r\n" + gzip + compress_gzip(" and more"), 200,
       "compressed text and more"},
      {ok + "Content-Encoding: zstd\r\n" + length + std::to_string(packed.size()) + "\r\n\r\n" +
           packed,
       200, "compressed text"},
      {ok + "Content-Encoding: gzip\r\nContent-Length: 0\r\n\r\n", 200, ""},
      // Cut short.
      {"", 0, "", ErrorCode::kConnection},
      {"HTTP/1.1 200", 0, "", ErrorCode::kConnection},
      {"HTTP/1.1 100 Continue\r\n\r\n", 0, "", ErrorCode::kConnection},
      {ok + "Content-Length: 4\r\n\r\nabc", 200, "", ErrorCode::kConnection},
      {ok + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", 200, "", ErrorCode::kConnection},
      {ok + "Content-Encoding: gzip\r\n\r\n" + gzip.substr(0, 20), 200, "", ErrorCode::kCorrupt},
      {ok + "Content-Encoding: zstd\r\n\r\n" + packed.substr(0, packed.size() - 1), 200, "",
       ErrorCode::kCorrupt},
      // Not HTTP.
      {"SSH-2.0-OpenSSH\r\n\r\n", 0, "", ErrorCode::kCorrupt},
      {"HTTP/1.1 200 OK\nContent-Length: 0\n\n", 0, "", ErrorCode::kCorrupt},
      {"HTTP/1.1 101 Switching Protocols\r\n\r\n", 0, "", ErrorCode::kCorrupt},
      {ok + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", 0, "", ErrorCode::kCorrupt},
      {ok + "Transfer-Encoding: chunked\r\n\r\nxyz", 200, "", ErrorCode::kCorrupt},
      {ok + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc!\n0\r\n\r\n", 200, "", ErrorCode::kCorrupt},
      {ok + "Content-Encoding: br\r\nContent-Length: 1\r\n\r\na", 0, "", ErrorCode::kCorrupt},
      {ok + "Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", 200, "", ErrorCode::kCorrupt},
      {ok + "X: " + std::string(70 << 10, 'x') + "\r\n\r\n", 0, "", ErrorCode::kCorrupt},
  };
}

TEST(Client, ReadsRawAnswersByTheTable) {
  for (const Case& c : answer_cases())
    for (const bool bytewise : {false, true}) {
      if (bytewise && c.answer.size() > 10'000) continue;
      RawListener listener;
      const auto outcomes =
          converse(listener,
                   [&] {
                     RawSocket peer = listener.accept();
                     peer.receive_until("\r\n\r\n");
                     bytewise ? peer.send_bytewise(c.answer) : peer.send(c.answer);
                   },
                   {get("/")});
      EXPECT_EQ(outcomes[0].status, c.status) << c.answer.substr(0, 200);
      EXPECT_EQ(outcomes[0].body, c.body) << c.answer.substr(0, 200);
      EXPECT_EQ(outcomes[0].error, c.error) << c.answer.substr(0, 200) << outcomes[0].message;
      if (!outcomes[0].body.empty()) {
        EXPECT_FALSE(outcomes[0].headers.contains("content-encoding"));
      }
    }
}

TEST(Client, RefusesMoreThanTheCallerTakes) {
  const std::string bomb = compress_gzip(std::string(1 << 20, 'x'));
  RawListener listener;
  Call call = get("/");
  call.limit_bytes = (1 << 20) - 1;
  const auto outcomes =
      converse(listener,
               [&] {
                 RawSocket peer = listener.accept();
                 peer.receive_until("\r\n\r\n");
                 peer.send("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + bomb);
               },
               {call});
  EXPECT_EQ(outcomes[0].error, ErrorCode::kTooLarge);
}

TEST(Client, UsesAConnectionAgain) {
  RawListener listener;
  const auto outcomes =
      converse(listener,
               [&] {
                 RawSocket peer = listener.accept();
                 for (const std::string body : {"one", "two"}) {
                   peer.receive_until("\r\n\r\n");
                   peer.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n" + body);
                 }
                 EXPECT_EQ(peer.receive_some(), "") << "closed with the client";
               },
               {get("/1"), get("/2")});
  EXPECT_EQ(outcomes[0].body, "one");
  EXPECT_EQ(outcomes[1].body, "two");
}

TEST(Client, TakesAFreshConnectionAfterWhatDoesNotPersist) {
  for (const std::string first :
       {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\none",
        "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\none",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\noneHTTP/1.1 200 OK\r\n"}) {
    RawListener listener;
    const auto outcomes = converse(listener,
                                   [&] {
                                     RawSocket peer = listener.accept();
                                     peer.receive_until("\r\n\r\n");
                                     peer.send(first);
                                     RawSocket fresh = listener.accept();
                                     fresh.receive_until("\r\n\r\n");
                                     fresh.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo");
                                     fresh.receive_some();
                                   },
                                   {get("/1"), get("/2")});
    EXPECT_EQ(outcomes[0].body, "one");
    EXPECT_EQ(outcomes[1].body, "two");
  }
}

TEST(Client, ReplacesAReusedConnectionThatIsResetOnce) {
  RawListener listener;
  const auto outcomes =
      converse(listener,
               [&] {
                 RawSocket peer = listener.accept();
                 peer.receive_until("\r\n\r\n");
                 peer.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none");
                 peer.receive_until("\r\n\r\n");
                 peer.close_with_reset();
                 RawSocket fresh = listener.accept();
                 EXPECT_TRUE(fresh.receive_until("\r\n\r\n").starts_with("GET /base/2 "));
                 fresh.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo");
                 fresh.receive_until("\r\n\r\n");
                 fresh.close();  // the third call, on a reused connection again
                 RawSocket last = listener.accept();
                 last.receive_until("\r\n\r\n");
                 last.close();  // a fresh one that ends is an error
               },
               {get("/1"), get("/2"), get("/3")});
  EXPECT_EQ(outcomes[1].body, "two");
  EXPECT_EQ(outcomes[2].error, ErrorCode::kConnection);
}

TEST(Client, DoesNotRepeatACallThatWasAnsweredInPart) {
  RawListener listener;
  const auto outcomes = converse(listener,
                                 [&] {
                                   RawSocket peer = listener.accept();
                                   peer.receive_until("\r\n\r\n");
                                   peer.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none");
                                   peer.receive_until("\r\n\r\n");
                                   peer.send("HTTP/1.1 2");
                                   peer.close();
                                 },
                                 {get("/1"), get("/2")});
  EXPECT_EQ(outcomes[1].error, ErrorCode::kConnection);
}

TEST(Client, ReadsAnAnswerThatComesBeforeTheBodyIsTaken) {
  RawListener listener;
  Call call;
  call.request.target = "/";
  call.request.body.assign(16 << 20, 'x');
  const auto outcomes =
      converse(listener,
               [&] {
                 RawSocket peer = listener.accept();
                 peer.receive_some();
                 peer.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig");
                 peer.finish_sending();
                 peer.receive_until_end();
               },
               {call});
  EXPECT_EQ(outcomes[0].status, 413);
  EXPECT_EQ(outcomes[0].body, "big");
}

TEST(Client, KeepsItsTimeLimits) {
  RawListener listener;
  Call head = get("/");
  head.total_ms = 1;
  Call body = get("/");
  body.idle_ms = 1;
  Call whole = get("/");
  whole.total_ms = 100;
  const std::string begin = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc";
  const auto outcomes = converse(listener,
                                 [&] {
                                   RawSocket silent = listener.accept();
                                   silent.receive_until_end();
                                   for (int i = 0; i < 2; ++i) {
                                     RawSocket slow = listener.accept();
                                     slow.receive_until("\r\n\r\n");
                                     slow.send(begin);
                                     EXPECT_EQ(slow.receive_until_end(), "");
                                   }
                                 },
                                 {head, body, whole});
  for (const Outcome& outcome : outcomes)
    EXPECT_EQ(outcome.error, ErrorCode::kTimeout) << outcome.message;
}

TEST(Client, EndsAtOnceWhenCancelled) {
  for (const bool in_body : {false, true}) {
    RawListener listener;
    std::thread peer([&] {
      RawSocket socket = listener.accept();
      socket.receive_until("\r\n\r\n");
      if (in_body) socket.send("HTTP/1.1 200 OK\r\n\r\nabc");
      EXPECT_EQ(socket.receive_until_end(), "");
    });
    std::optional<ErrorCode> error;
    run_on_worker({}, [&](Worker& worker) -> Task<void> {
      const auto endpoint = Endpoint::parse(listener.url());
      Cancellation cancellation;
      Cancellation never;
      worker.spawn([&]() -> Task<void> {
        co_await worker.sleep(20, never);
        cancellation.cancel();
      });
      ClientRequest request;
      request.target = "/";
      const CallLimits limits{Deadline::never(), kLongMs};
      auto response = co_await worker.client().send(*endpoint, request, limits, cancellation);
      EXPECT_EQ(response.has_value(), in_body);
      if (!response) {
        error = response.error().code;
        co_return;
      }
      EXPECT_EQ((co_await (*response)->read_some()).value_or(""), "abc");
      const auto rest = co_await (*response)->read_some();
      if (!rest) error = rest.error().code;
    });
    peer.join();
    EXPECT_EQ(error, ErrorCode::kCancelled);
  }
}

TEST(Client, ClosesWhatIsNotReadToTheEnd) {
  RawListener listener;
  std::thread peer([&] {
    RawSocket socket = listener.accept();
    socket.receive_until("\r\n\r\n");
    socket.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    EXPECT_EQ(socket.receive_until_end(), "");
  });
  run_on_worker({}, [&](Worker& worker) -> Task<void> {
    const auto endpoint = Endpoint::parse(listener.url());
    Cancellation cancellation;
    ClientRequest request;
    request.target = "/";
    const CallLimits limits{Deadline::never(), kLongMs};
    {
      auto response = co_await worker.client().send(*endpoint, request, limits, cancellation);
      EXPECT_TRUE(response.has_value());
    }
    peer.join();  // it has seen the end although the client lives on
  });
}

TEST(Client, SaysWhyItCannotConnect) {
  uint16_t unused_port = 0;
  {
    const RawListener listener;
    unused_port = listener.port();
  }
  const std::string peer = "127.0.0.1:" + std::to_string(unused_port);
  run_on_worker({}, [&](Worker& worker) -> Task<void> {
    const Outcome outcome = co_await send_call(worker, "http://" + peer, get("/"));
    EXPECT_EQ(outcome.error, ErrorCode::kConnection);
    EXPECT_EQ(outcome.message, "cannot connect to " + peer + ": Connection refused");
  });
}

TEST(Client, RefusesRequestsThatWouldBeAmbiguous) {
  RawListener listener;
  std::vector<Call> calls = {get("no-slash"), get("/a b"), get("/a\r\nX: y")};
  calls.push_back(get("/"));
  calls.back().request.method = "G T";
  const auto outcomes = converse(listener, [] {}, calls);
  for (const Outcome& outcome : outcomes)
    EXPECT_EQ(outcome.error, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace weir::http
