#include "apps/demo_traffic.h"

#include <fmt/format.h>

#include <atomic>
#include <thread>

#include "base/json.h"
#include "http/server.h"

namespace weir::apps {
namespace {

constexpr int64_t kTimeoutMs = 30'000;
constexpr size_t kAnswerLimit = 8 << 20;

struct Form {
  bool anthropic = false;
  bool stream = false;
};

http::ClientRequest make_request(const Traffic& traffic, const Form& form, std::string_view query,
                                 size_t index) {
  json::Writer body;
  body.begin_object().member("model", traffic.model);
  if (form.anthropic) body.member("max_tokens", 4096);
  if (form.stream) body.member("stream", true);
  body.key("messages").begin_array().begin_object();
  body.member("role", "user").member("content", query).end_object().end_array().end_object();
  http::ClientRequest request;
  request.target = form.anthropic ? "/v1/messages" : "/v1/chat/completions";
  request.headers.add("content-type", "application/json");
  if (form.anthropic) request.headers.add("anthropic-version", "2023-06-01");
  // Every question is a conversation of its own, also where two are equal.
  request.headers.add("x-session-id", fmt::format("{}-{}", traffic.session_prefix, index));
  request.body = body.take();
  return request;
}

void read_usage(json::Value usage, Asked& asked) {
  for (const std::string_view name : {"prompt_tokens", "input_tokens"})
    if (const auto tokens = usage[name].as_int64()) asked.input_tokens = *tokens;
  for (const std::string_view name : {"completion_tokens", "output_tokens"})
    if (const auto tokens = usage[name].as_int64()) asked.output_tokens = *tokens;
}

// A whole answer, or one event of a stream: both dialects keep text in one of these places.
void read_json(std::string_view text, Asked& asked) {
  const auto document = json::Document::parse(std::string(text));
  if (!document) {
    asked.error = "not JSON: " + document.error().message;
    return;
  }
  const json::Value root = document->root();
  if (root["error"].exists() && !root["error"].is_null())
    asked.error = root["error"]["message"].string_or("error");
  const json::Value choice = root["choices"].at(0);
  asked.text += choice["message"]["content"].string_or("");
  asked.text += choice["delta"]["content"].string_or("");
  asked.text += root["delta"]["text"].string_or("");
  if (root["content"].is_array())
    for (const json::Value part : root["content"])
      asked.text += part["text"].string_or("");
  read_usage(root["usage"], asked);
}

void read_stream(std::string_view body, Asked& asked) {
  constexpr std::string_view kField = "data: ";
  bool ended = false;
  for (size_t at = body.find(kField); at != std::string_view::npos; at = body.find(kField, at)) {
    at += kField.size();
    const std::string_view data = body.substr(at, body.find('\n', at) - at);
    ended = ended || data == "[DONE]" || data.find("\"message_stop\"") != std::string_view::npos;
    if (data != "[DONE]") read_json(data, asked);
  }
  if (!ended && asked.error.empty()) asked.error = "the stream has no end";
}

http::Task<void> ask_one(http::Worker& worker, const Traffic& traffic, const Form& form,
                         std::string_view query, size_t index, Asked& asked) {
  http::Cancellation cancellation;
  http::Endpoint endpoint;
  endpoint.host = "127.0.0.1";
  endpoint.port = traffic.port;
  http::CallLimits limits;
  limits.deadline = Deadline::after_ms(worker.clock(), kTimeoutMs);
  const http::ClientRequest request = make_request(traffic, form, query, index);
  auto response = co_await worker.client().send(endpoint, request, limits, cancellation);
  if (!response) {
    asked.error = response.error().message;
    co_return;
  }
  asked.status = (*response)->status();
  asked.model = (*response)->headers().get("x-weir-model");
  asked.reason = (*response)->headers().get("x-weir-reason");
  const auto body = co_await (*response)->read_all(kAnswerLimit);
  if (!body) {
    asked.error = body.error().message;
  } else if (asked.status == 200 && form.stream) {
    read_stream(*body, asked);
  } else {
    read_json(*body, asked);
  }
}

}  // namespace

std::vector<Asked> ask_all(const Traffic& traffic, const std::vector<std::string>& queries) {
  std::vector<Asked> answers(queries.size());
  std::atomic<size_t> next{0}, done{0};
  const auto work = [&](http::Worker& worker) -> http::Task<void> {
    for (size_t i; (i = next++) < queries.size();) {
      const Form form{traffic.mixed && i / 2 % 2 == 1, traffic.mixed && i % 2 == 1};
      co_await ask_one(worker, traffic, form, queries[i], i, answers[i]);
      const size_t count = ++done;
      if (traffic.progress) traffic.progress(count);
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < traffic.connections; ++i)
    threads.emplace_back([&] { http::run_on_worker({}, work); });
  for (auto& thread : threads)
    thread.join();
  return answers;
}

}  // namespace weir::apps
