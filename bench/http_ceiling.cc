// The ceiling that src/http sets for everything above it: a server that answers a fixed text, or a
// proxy that forwards to one, on one worker. Load it with wrk, see docs/http.md.
//   http_ceiling answer PORT
//   http_ceiling proxy PORT UPSTREAM_URL
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "http/server.h"

namespace {

using weir::http::Exchange;
using weir::http::Response;
using weir::http::Task;

weir::http::Handler make_answerer() {
  return [body = std::string(600, 'x')](Exchange& exchange) -> Task<void> {
    Response response;
    response.headers.add("content-type", "application/json");
    response.body = body;
    (void)co_await exchange.respond(std::move(response));
  };
}

weir::http::Handler make_proxy(const weir::http::Endpoint& upstream) {
  return [upstream](Exchange& exchange) -> Task<void> {
    weir::http::ClientRequest request;
    request.method = exchange.request().method;
    request.target = exchange.request().path;
    request.headers = exchange.request().headers;
    request.body = std::move(exchange.request().body);
    auto answer = co_await exchange.worker().client().send(
        upstream, request, {.deadline = exchange.request().deadline}, exchange.gone());
    Response response;
    if (!answer) {
      response.status = 502;
      response.body = answer.error().message;
    } else {
      response.status = (*answer)->status();
      response.headers = (*answer)->headers();
      auto body = co_await (*answer)->read_all(32 << 20);
      if (body) response.body = std::move(*body);
    }
    (void)co_await exchange.respond(std::move(response));
  };
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  if (!(mode == "answer" && argc == 3) && !(mode == "proxy" && argc == 4)) {
    std::fprintf(stderr,
                 "usage: http_ceiling answer PORT | http_ceiling proxy PORT UPSTREAM_URL\n");
    return 2;
  }
  weir::http::Handler handler = make_answerer();
  if (mode == "proxy") {
    const auto upstream = weir::http::Endpoint::parse(argv[3]);
    if (!upstream) {
      std::fprintf(stderr, "%s\n", upstream.error().message.c_str());
      return 2;
    }
    handler = make_proxy(*upstream);
  }
  weir::http::ServerOptions options;
  options.port = static_cast<uint16_t>(std::atoi(argv[2]));
  const auto server = weir::http::Server::bind(
      options, handler, [](const weir::http::Request&, int status, std::string_view message) {
        Response response;
        response.status = status;
        response.body = message;
        return response;
      });
  if (!server) {
    std::fprintf(stderr, "%s\n", server.error().message.c_str());
    return 1;
  }
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  (*server)->start();
  int signal_number = 0;
  sigwait(&signals, &signal_number);
  (*server)->stop(1'000);
  return 0;
}
