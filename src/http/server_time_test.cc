// Time limits, slow clients and the end of a server.
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "http/raw_socket_for_test.h"
#include "http/server.h"

namespace weir::http {
namespace {

TEST(ServerLimits, CloseAnIdleConnection) {
  ServerOptions options;
  options.idle_timeout_ms = 1;
  const auto server = start_server(echo, options);
  RawSocket silent = RawSocket::connect(server->port());
  EXPECT_EQ(silent.receive_until_end(), "");
  RawSocket used = RawSocket::connect(server->port());
  used.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(used.receive_until_end().starts_with("HTTP/1.1 200"));
}

TEST(ServerLimits, EndAHeadThatDripsIn) {
  ServerOptions options;
  options.head_timeout_ms = 1;
  const auto server = start_server(echo, options);
  RawSocket client = RawSocket::connect(server->port());
  client.send("GET / HTTP/1.1\r\nHost");
  const std::string got = client.receive_until_end();
  EXPECT_TRUE(got.starts_with("HTTP/1.1 408")) << got;
  EXPECT_TRUE(got.ends_with("the request head did not arrive in time")) << got;
}

TEST(ServerLimits, EndABodyThatDripsIn) {
  ServerOptions options;
  options.body_timeout_ms = 1;
  const auto server = start_server(echo, options);
  for (const std::string framing : {"Content-Length: 9", "Transfer-Encoding: chunked"}) {
    RawSocket client = RawSocket::connect(server->port());
    client.send("POST / HTTP/1.1\r\nHost: x\r\n" + framing + "\r\n\r\n5");
    const std::string got = client.receive_until_end();
    EXPECT_TRUE(got.ends_with("the request body did not arrive in time")) << got;
  }
}

TEST(ServerLimits, EndAWriteThatNobodyReads) {
  ServerOptions options;
  options.write_timeout_ms = 50;
  std::promise<ErrorCode> failed;
  const auto server = start_server(
      [&](Exchange& exchange) -> Task<void> {
        Response response;
        response.body.assign(64 << 20, 'x');
        const auto sent = co_await exchange.respond(std::move(response));
        EXPECT_FALSE(sent.has_value());
        EXPECT_TRUE(exchange.client_gone());
        failed.set_value(sent ? ErrorCode::kInternal : sent.error().code);
      },
      options);
  RawSocket client = RawSocket::connect(server->port(), 4'096);
  client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(failed.get_future().get(), ErrorCode::kTimeout);
}

TEST(ServerLimits, CountTheTimeOfAWriteFromItsLastProgress) {
  ServerOptions options;
  options.write_timeout_ms = 2'000;
  const auto server = start_server(
      [](Exchange& exchange) -> Task<void> {
        Response response;
        response.body.assign(16 << 20, 'x');
        EXPECT_TRUE((co_await exchange.respond(std::move(response))).has_value());
      },
      options);
  RawSocket client = RawSocket::connect(server->port(), 4'096);
  client.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const std::string got = client.receive_until_end();
  EXPECT_GT(got.size(), size_t{16 << 20});
}

TEST(ServerLimits, GiveARequestItsDeadline) {
  ServerOptions options;
  options.total_timeout_ms = 1'234;
  ManualClock clock(1'700'000'000'000'000);
  Deadline deadline;
  const auto server = start_server(
      [&](Exchange& exchange) -> Task<void> {
        deadline = exchange.request().deadline;
        EXPECT_EQ(exchange.request().arrived_us, 1'700'000'000'000'000);
        EXPECT_TRUE(exchange.request().peer.starts_with("127.0.0.1:"));
        co_await echo(exchange);
      },
      options, clock);
  RawSocket client = RawSocket::connect(server->port());
  client.send("GET / HTTP/1.0\r\n\r\n");
  EXPECT_NE(client.receive_until_end().find("Date: Tue, 14 Nov 2023 22:13:20 GMT\r\n"),
            std::string::npos);
  EXPECT_EQ(deadline.at_us, 1'700'000'000'000'000 + 1'234'000);
}

TEST(ServerStop, LetsARunningExchangeFinish) {
  std::promise<void> begun;
  std::atomic<bool> proceed = false;
  Cancellation never;
  const auto server = start_server([&](Exchange& exchange) -> Task<void> {
    if (exchange.request().path == "/busy") {
      begun.set_value();
      while (!proceed)
        co_await exchange.worker().sleep(1, never);
    }
    co_await echo(exchange);
  });
  RawSocket idle = RawSocket::connect(server->port());
  idle.send("GET /idle HTTP/1.1\r\nHost: x\r\n\r\n");
  idle.receive_message();
  RawSocket busy = RawSocket::connect(server->port());
  busy.send("GET /busy HTTP/1.1\r\nHost: x\r\n\r\n");
  begun.get_future().wait();
  std::future<size_t> cut = std::async(std::launch::async, [&] { return server->stop(60'000); });
  EXPECT_EQ(idle.receive_until_end(), "") << "an idle connection is closed at once";
  proceed = true;
  const std::string got = busy.receive_until_end();
  EXPECT_NE(got.find("Connection: close\r\n"), std::string::npos) << got;
  EXPECT_TRUE(got.ends_with("GET /busy? ")) << got;
  EXPECT_EQ(cut.get(), 0u);
}

TEST(ServerStop, CutsWhatOutlastsTheGrace) {
  ServerOptions options;
  options.workers = 2;
  std::atomic<int> begun = 0, told = 0;
  std::promise<void> all_begun;
  const auto server = start_server(
      [&](Exchange& exchange) -> Task<void> {
        Response head;
        (void)co_await exchange.begin_stream(std::move(head));
        if (++begun == 3) all_begun.set_value();
        if (!co_await exchange.worker().sleep(600'000, exchange.gone())) ++told;
      },
      options);
  RawSocket clients[3];
  for (RawSocket& client : clients) {
    client = RawSocket::connect(server->port());
    client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  }
  all_begun.get_future().wait();
  EXPECT_EQ(server->stop(0), 3u);
  EXPECT_EQ(told, 3);
  for (RawSocket& client : clients)
    EXPECT_EQ(client.receive_until_end().find("0\r\n\r\n"), std::string::npos)
        << "a cut stream has no terminator";
  EXPECT_EQ(server->stop(0), 0u) << "stopping twice is harmless";
}

TEST(ServerStop, WaitsForSpawnedWork) {
  std::atomic<bool> done = false;
  Cancellation never;
  const auto server = start_server([&](Exchange& exchange) -> Task<void> {
    exchange.worker().spawn([&, &worker = exchange.worker()]() -> Task<void> {
      co_await worker.sleep(20, never);
      done = true;
    });
    co_await echo(exchange);
  });
  RawSocket client = RawSocket::connect(server->port());
  client.send("GET / HTTP/1.0\r\n\r\n");
  client.receive_until_end();
  EXPECT_EQ(server->stop(60'000), 0u);
  EXPECT_TRUE(done);
}

TEST(ServerStop, NeedsNoStart) {
  const auto server = Server::bind({}, echo, plain_error);
  ASSERT_TRUE(server.has_value());
  EXPECT_EQ((*server)->stop(0), 0u);
}

}  // namespace
}  // namespace weir::http
