// The upstream of the end-to-end benchmark: answers every POST with a fixed chat completion of
// about 700 bytes, or with 50 server-sent events when the request asks for a stream, each event in
// a write of its own as providers send them. One worker; does as little as it can.
//
// usage: mock_upstream PORT
#include <fmt/format.h>
#include <signal.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "http/server.h"

namespace {

using weir::http::Exchange;
using weir::http::Response;
using weir::http::Task;

constexpr int kStreamEvents = 50;

std::string answer_body() {
  return fmt::format(
      R"({{"id":"chatcmpl-mock","object":"chat.completion","created":1760000000,"model":"mock",)"
      R"("choices":[{{"index":0,"message":{{"role":"assistant","content":"{}"}},)"
      R"("finish_reason":"stop"}}],"usage":{{"prompt_tokens":100,"completion_tokens":90,)"
      R"("total_tokens":190}}}})",
      std::string(450, 'x'));
}

std::string event(std::string_view delta, std::string_view finish) {
  return fmt::format(
      R"(data: {{"id":"chatcmpl-mock","object":"chat.completion.chunk","created":1760000000,)"
      R"("model":"mock","choices":[{{"index":0,"delta":{},"finish_reason":{}}}]}})"
      "\n\n",
      delta, finish);
}

Response head(std::string_view type) {
  Response response;
  response.headers.add("Content-Type", type);
  return response;
}

Task<void> stream(Exchange& exchange) {
  static const std::string first = event(R"({"role":"assistant","content":""})", "null");
  static const std::string middle = event(R"({"content":" word"})", "null");
  static const std::string last =
      event("{}", "\"stop\"") +
      "data: {\"id\":\"chatcmpl-mock\",\"object\":\"chat.completion.chunk\",\"created\":1760000000,"
      "\"model\":\"mock\",\"choices\":[],\"usage\":{\"prompt_tokens\":100,\"completion_tokens\":48,"
      "\"total_tokens\":148}}\n\ndata: [DONE]\n\n";
  if (!co_await exchange.begin_stream(head("text/event-stream"))) co_return;
  if (!co_await exchange.write(first)) co_return;
  for (int i = 2; i < kStreamEvents; ++i)
    if (!co_await exchange.write(middle)) co_return;
  co_await exchange.end_stream(last);
}

Task<void> serve(Exchange& exchange) {
  static const std::string body = answer_body();
  if (exchange.request().body.find("\"stream\":true") != std::string::npos) {
    co_await stream(exchange);
    co_return;
  }
  Response response = head("application/json");
  response.body = body;
  co_await exchange.respond(std::move(response));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: mock_upstream PORT\n");
    return 2;
  }
  ::signal(SIGPIPE, SIG_IGN);
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGTERM);
  sigaddset(&ending, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ending, nullptr);
  weir::http::ServerOptions options;
  options.port = static_cast<uint16_t>(std::atoi(argv[1]));
  auto server = weir::http::Server::bind(
      options, serve, [](const weir::http::Request&, int status, std::string_view message) {
        Response response;
        response.status = status;
        response.body = message;
        return response;
      });
  if (!server) {
    std::fprintf(stderr, "mock_upstream: %s\n", server.error().message.c_str());
    return 1;
  }
  (*server)->start();
  std::printf("%d\n", (*server)->port());
  std::fflush(stdout);
  int signal_number = 0;
  sigwait(&ending, &signal_number);
  (*server)->stop(1000);
  return 0;
}
