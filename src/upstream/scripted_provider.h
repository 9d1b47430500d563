// For tests: a provider on loopback that answers each request with the next reply of a script, and
// remembers what it was sent. Replies can stall, cut, garble and refuse.
// Used from the test's thread; the server runs on a worker of its own.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "http/server.h"

namespace weir::upstream {

using Reply = std::function<http::Task<void>(http::Exchange&)>;

// A whole answer.
inline Reply whole(int status, std::string body,
                   std::vector<std::pair<std::string, std::string>> headers = {}) {
  return [=](http::Exchange& exchange) -> http::Task<void> {
    http::Response response{status, {}, body};
    response.headers.add("content-type", "application/json");
    for (const auto& [name, value] : headers)
      response.headers.add(name, value);
    (void)co_await exchange.respond(std::move(response));
  };
}

enum class End { kComplete, kCut, kStall };
// A stream in the given pieces, ended in the given way. Stalling lasts until the caller goes.
inline Reply stream(std::vector<std::string> pieces, End end = End::kComplete) {
  return [=](http::Exchange& exchange) -> http::Task<void> {
    http::Response head;
    head.headers.add("content-type", "text/event-stream");
    head.headers.add("x-request-id", "req-stream");
    (void)co_await exchange.begin_stream(std::move(head));
    for (const auto& piece : pieces)
      (void)co_await exchange.write(piece);
    if (end == End::kStall) (void)co_await exchange.worker().sleep(600'000, exchange.gone());
    if (end == End::kComplete)
      (void)co_await exchange.end_stream("");
    else
      exchange.abort();
  };
}

// No byte at all until the caller goes.
inline Reply silence() {
  return [](http::Exchange& exchange) -> http::Task<void> {
    (void)co_await exchange.worker().sleep(600'000, exchange.gone());
  };
}

class ScriptedProvider {
 public:
  ScriptedProvider() {
    auto server = http::Server::bind(
        {}, [this](http::Exchange& exchange) { return answer(exchange); },
        [](const http::Request&, int status, std::string_view) {
          return http::Response{status, {}, ""};
        });
    CHECK(server.has_value());
    server_ = std::move(*server);
    server_->start();
  }
  ~ScriptedProvider() { server_->stop(0); }

  std::string base_url() const { return "http://127.0.0.1:" + std::to_string(server_->port()); }
  void script(std::vector<Reply> replies) {
    const std::scoped_lock lock(mutex_);
    for (auto& reply : replies)
      replies_.push_back(std::move(reply));
  }
  std::vector<http::Request> requests() const {
    const std::scoped_lock lock(mutex_);
    return requests_;
  }

 private:
  http::Task<void> answer(http::Exchange& exchange) {
    Reply reply;
    {
      const std::scoped_lock lock(mutex_);
      requests_.push_back(exchange.request());
      if (!replies_.empty()) {
        reply = std::move(replies_.front());
        replies_.pop_front();
      }
    }
    if (!reply) reply = whole(599, R"({"error":{"message":"the script is over"}})");
    co_await reply(exchange);
  }

  mutable std::mutex mutex_;
  std::deque<Reply> replies_;
  std::vector<http::Request> requests_;
  std::unique_ptr<http::Server> server_;
};

// Bytes of OpenAI's dialect.
inline std::string openai_answer(const std::string& model, const std::string& text) {
  return R"({"id":"chatcmpl-1","object":"chat.completion","created":1,"model":")" + model +
         R"(","choices":[{"index":0,"message":{"role":"assistant","content":")" + text +
         R"("},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":3,)"
         R"("total_tokens":13}})";
}
inline std::string openai_chunk(const std::string& delta) {
  return R"(data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":)"
         R"([{"index":0,"delta":)" +
         delta + ",\"finish_reason\":null}]}\n\n";
}
inline std::string openai_text_chunk(const std::string& text) {
  return openai_chunk(R"({"content":")" + text + "\"}");
}
inline std::string openai_stream_end() {
  return R"(data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":)"
         R"([{"index":0,"delta":{},"finish_reason":"stop"}]})"
         "\n\n"
         R"(data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[],)"
         R"("usage":{"prompt_tokens":10,"completion_tokens":3,"total_tokens":13}})"
         "\n\ndata: [DONE]\n\n";
}

}  // namespace weir::upstream
