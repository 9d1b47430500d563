#include "gateway/relay.h"

#include <utility>

#include "base/check.h"
#include "gateway/refusal.h"
#include "wire/answer.h"

namespace weir::gateway {
namespace {

// After a stream's terminal event nothing but the end of the body is to come.
constexpr int64_t kDrainMs = 100;

http::Response head_of(const upstream::Opened& opened, http::Headers headers,
                       std::string_view content_type) {
  http::Response response;
  response.headers = std::move(headers);
  response.headers.add("content-type", content_type);
  upstream::copy_answer_headers(opened.headers, response.headers);
  return response;
}

Relayed relay_whole(upstream::Outcome& outcome, const Decided& decided, http::Headers headers) {
  upstream::Opened& opened = *outcome.opened;
  Relayed relayed;
  relayed.response = head_of(opened, std::move(headers), "application/json");
  relayed.response.body = std::move(opened.whole->body);
  relayed.ending.usage =
      usage_or_estimate(opened.whole->usage, decided.chat, opened.whole->output_characters);
  relayed.ending.first_content_us = opened.first_content_us;
  return relayed;
}

Relayed relay_failure(const upstream::Failed& failed, const Decided& decided,
                      const http::Headers& headers) {
  const upstream::Provider& provider = *decided.decision.deployments[failed.target_index]->provider;
  const wire::Dialect client = decided.chat.dialect;
  Relayed relayed;
  relayed.response = failure_response(client, provider, failed);
  for (const auto& [name, value] : headers)
    relayed.response.headers.add(name, value);
  relayed.ending.outcome = "error";
  relayed.ending.status = relayed.response.status;
  return relayed;
}

Relayed client_gone() {
  Relayed relayed;
  relayed.ending.outcome = "client_gone";
  relayed.ending.call_outcome = "cancelled";
  relayed.ending.status = 499;
  return relayed;
}

// A stream between its first content and its end.
class StreamPass {
 public:
  StreamPass(http::Exchange& exchange, upstream::Opened& opened, const Decided& decided)
      : exchange_(exchange),
        opened_(opened),
        decided_(decided),
        keeps_transcript_(decided.snapshot.options().log_texts) {}

  http::Task<Relayed> run(http::Headers headers);

 private:
  // Reads once; false when the stream is over and relayed_ says how.
  http::Task<bool> step();
  void take(std::expected<wire::StreamRelay::Step, Error> step);
  void end_cut(std::string_view type, std::string_view message);
  void end_gone();
  const Clock& clock() const { return exchange_.worker().clock(); }

  http::Exchange& exchange_;
  upstream::Opened& opened_;
  const Decided& decided_;
  Relayed relayed_;
  std::string bytes_;  // to be written before the next read
  bool over_ = false;
  bool keeps_transcript_;
};

void StreamPass::end_cut(std::string_view type, std::string_view message) {
  relayed_.last += wire::encode_stream_error(decided_.chat.dialect, type, message);
  relayed_.ending.outcome = relayed_.ending.call_outcome = "cut";
  over_ = true;
}

void StreamPass::end_gone() {
  relayed_.ending.outcome = "client_gone";
  relayed_.ending.call_outcome = "cancelled";
  relayed_.ending.status = 499;
  over_ = true;
}

void StreamPass::take(std::expected<wire::StreamRelay::Step, Error> step) {
  if (!step) return end_cut("api_error", "the provider sent an unreadable event");
  if (step->failure) {
    relayed_.last = std::move(step->bytes);
    return end_cut(step->failure->type.empty() ? "api_error" : step->failure->type,
                   step->failure->message);
  }
  bytes_ = std::move(step->bytes);
  if (!step->ended) return;
  relayed_.last = std::exchange(bytes_, {});
  over_ = true;
}

http::Task<bool> StreamPass::step() {
  const int64_t begin_us = clock().steady_us();
  const auto bytes = co_await opened_.response->read_some();
  relayed_.ending.waited_us += clock().steady_us() - begin_us;
  if (!bytes) {
    if (exchange_.client_gone()) {
      end_gone();
    } else {
      end_cut("api_error", bytes.error().code == ErrorCode::kTimeout
                               ? "the provider stopped sending"
                               : "the provider's connection broke off");
    }
  } else if (bytes->empty()) {
    take(opened_.relay->finish());
    if (!over_) {
      relayed_.last = std::exchange(bytes_, {});
      end_cut("api_error", "the provider's stream ended before it was complete");
    }
  } else {
    take(opened_.relay->feed(*bytes));
  }
  co_return !over_;
}

http::Task<Relayed> StreamPass::run(http::Headers headers) {
  relayed_.streaming = true;
  relayed_.response = head_of(opened_, std::move(headers), "text/event-stream; charset=utf-8");
  relayed_.response.headers.add("cache-control", "no-cache");
  relayed_.ending.first_content_us = opened_.first_content_us;
  if (opened_.ended) {
    relayed_.last = std::move(opened_.held);
    over_ = true;
  } else {
    if (keeps_transcript_) relayed_.transcript = opened_.held;
    relayed_.response.body = std::move(opened_.held);
  }
  int64_t begin_us = clock().steady_us();
  auto written = co_await exchange_.begin_stream(std::move(relayed_.response));
  relayed_.ending.waited_us += clock().steady_us() - begin_us;
  while (written && !over_) {
    // Not in the loop's condition: g++ 12 awaits behind `a && b &&` even where `b` is false.
    if (!co_await step()) break;
    if (bytes_.empty()) continue;
    begin_us = clock().steady_us();
    if (keeps_transcript_) relayed_.transcript += bytes_;
    written = co_await exchange_.write(bytes_);
    relayed_.ending.waited_us += clock().steady_us() - begin_us;
  }
  if (!written) end_gone();
  relayed_.ending.usage =
      usage_or_estimate(opened_.relay->usage(), decided_.chat, opened_.relay->output_characters());
  co_return std::move(relayed_);
}

}  // namespace

http::Task<Relayed> relay(http::Exchange& exchange, upstream::Outcome& outcome,
                          const Decided& decided, http::Headers headers) {
  Relayed relayed;
  if (outcome.failed) {
    relayed = relay_failure(*outcome.failed, decided, headers);
  } else if (!outcome.opened) {
    relayed = client_gone();
  } else if (outcome.opened->whole) {
    relayed = relay_whole(outcome, decided, std::move(headers));
  } else {
    StreamPass pass(exchange, *outcome.opened, decided);
    relayed = co_await pass.run(std::move(headers));
  }
  relayed.ending.waited_us += outcome.waited_us;
  co_return relayed;
}

http::Task<void> finish(http::Exchange& exchange, upstream::Outcome& outcome, Relayed relayed) {
  if (!relayed.streaming) {
    if (relayed.ending.outcome != "client_gone")
      (void)co_await exchange.respond(std::move(relayed.response));
    co_return;
  }
  if (relayed.ending.outcome == "client_gone") {
    exchange.abort();
    co_return;
  }
  (void)co_await exchange.end_stream(relayed.last);
  if (relayed.ending.outcome != "ok") co_return;
  http::ClientResponse& response = *outcome.opened->response;
  response.set_deadline(Deadline::after_ms(exchange.worker().clock(), kDrainMs));
  for (;;) {
    const auto rest = co_await response.read_some();
    if (!rest || rest->empty()) co_return;
  }
}

}  // namespace weir::gateway
