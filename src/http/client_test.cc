#include "http/client.h"

#include <gtest/gtest.h>

#include "http/raw_socket_for_test.h"

namespace weir::http {
namespace {

TEST(Client, ReadsTheAnswerOfAServer) {
  const auto server = start_server(echo);
  std::string got;
  run_on_worker({}, [&](Worker& worker) -> Task<void> {
    const auto endpoint = Endpoint::parse("http://127.0.0.1:" + std::to_string(server->port()));
    ClientRequest request;
    request.target = "/x?y";
    request.body = "hello";
    Cancellation cancellation;
    auto response = co_await worker.client().send(
        *endpoint, request, {Deadline::after_ms(worker.clock(), 20'000)}, cancellation);
    EXPECT_TRUE(response.has_value()) << response.error().message;
    if (!response) co_return;
    auto body = co_await (*response)->read_all(1 << 20);
    EXPECT_TRUE(body.has_value());
    got = body.value_or("");
  });
  EXPECT_EQ(got, "POST /x?y hello");
}

}  // namespace
}  // namespace weir::http
