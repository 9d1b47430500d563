#include "http/server.h"

#include <gtest/gtest.h>

#include <future>

#include "http/raw_socket_for_test.h"

namespace weir::http {
namespace {

std::string ok(std::string_view body, std::string_view extra = "") {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(extra) + "\r\n" + std::string(body);
}

TEST(Server, AnswersOneRequest) {
  const auto server = start_server(echo);
  RawSocket client = RawSocket::connect(server->port());
  client.send("POST /a/b?c=d HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
  EXPECT_EQ(without_date(client.receive_message()), ok("POST /a/b?c=d abc"));
  EXPECT_EQ(server->stop(1'000), 0u);
  EXPECT_EQ(client.receive_some(), "");
}

}  // namespace
}  // namespace weir::http
