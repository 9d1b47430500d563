#include "upstream/call.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "upstream/retry.h"

namespace weir::upstream {
namespace {

constexpr size_t kErrorBodyLimit = 1 << 20;
constexpr size_t kHeldLimit = 1 << 20;

// How one attempt ended.
struct Tried {
  std::optional<Opened> opened;
  Failed failed;
  bool cancelled = false;
};

wire::Failure own_failure(wire::FailureClass failure_class, std::string message, int status = 0) {
  wire::Failure failure;
  failure.failure_class = failure_class;
  failure.status = status;
  failure.message = std::move(message);
  return failure;
}

// What the network or the provider's bytes did wrong; kCancelled is handled before.
wire::Failure failure_of(const Error& error, int status) {
  using enum wire::FailureClass;
  return own_failure(error.code == ErrorCode::kTimeout ? kTimeout : kBroken, error.message, status);
}

// The state of one target while it is being tried.
class Trial {
 public:
  Trial(const Call& call, size_t index, Outcome& outcome)
      : call_(call), index_(index), target_(call.targets[index]), outcome_(outcome) {
    dialect_ = target_.provider->spoken_to(call.chat.dialect);
    deadline_ = call.request.deadline;
    if (target_.first_event_ms > 0)
      deadline_ = deadline_.earlier(Deadline::after_ms(clock(), target_.first_event_ms));
    answer_deadline_ = call.request.deadline;
    if (target_.answer_ms > 0)
      answer_deadline_ = answer_deadline_.earlier(Deadline::after_ms(clock(), target_.answer_ms));
    // A whole answer begins when it ends.
    if (target_.judged && !call.chat.stream) deadline_ = answer_deadline_;
  }

  // Builds the request; once for all attempts.
  [[nodiscard]] std::expected<void, Error> encode();
  // Tries until it opens, fails for good, or the client goes.
  http::Task<Tried> run();

 private:
  const Clock& clock() const { return call_.worker.clock(); }
  // Counts the time since `begin_us` as spent waiting.
  void waited_since(int64_t begin_us) { outcome_.waited_us += clock().steady_us() - begin_us; }
  http::Task<Tried> attempt_once();
  http::Task<Tried> read_answer(std::unique_ptr<http::ClientResponse> response,
                                const http::Headers& headers);
  http::Task<Tried> open_whole(http::ClientResponse& response);
  http::Task<Tried> open_stream(std::unique_ptr<http::ClientResponse> response);
  // Feeds the stream until its first content; fails as the stream does.
  http::Task<std::expected<void, wire::Failure>> reach_content(http::ClientResponse& response,
                                                               Opened& opened);
  // Reads a stream that is to be judged to its end.
  http::Task<std::expected<void, wire::Failure>> reach_end(http::ClientResponse& response,
                                                           Opened& opened);
  wire::RelayOptions relay_options() const;
  Tried give_up(const Error& error, int status) const;
  // The pause before the next attempt; nullopt: there is none.
  std::optional<int64_t> wait_before_retry(const Failed& failed, int retry) const;
  bool is_last() const { return index_ + 1 == call_.targets.size(); }

  const Call& call_;
  size_t index_;
  const Target& target_;
  Outcome& outcome_;
  wire::Dialect dialect_;
  Deadline deadline_, answer_deadline_;
  bool logprobs_added_ = false;
  http::ClientRequest request_;
};

std::expected<void, Error> Trial::encode() {
  wire::EncodeTarget to;
  to.dialect = dialect_;
  to.model = target_.model;
  to.add_stream_usage = target_.provider->stream_usage;
  to.default_max_tokens = target_.default_max_tokens;
  wire::Encoded encoded;
  TRY_ASSIGN(encoded, wire::encode_chat(call_.chat, to));
  outcome_.dropped = std::move(encoded.dropped);
  const bool same_dialect = dialect_ == call_.chat.dialect;
  request_.target = request_target(target_.provider->endpoint, dialect_, encoded.path,
                                   same_dialect ? call_.request.query : "");
  request_.headers =
      request_headers(*target_.provider, dialect_, call_.request.headers, call_.instance);
  // Another model is another request; the first one's stored answer must not come back for it.
  if (index_ > 0 && request_.headers.contains("idempotency-key"))
    request_.headers.set("idempotency-key",
                         std::string(request_.headers.get("idempotency-key")) + "-fallback");
  if (target_.additions.any()) {
    TRY_ASSIGN(wire::Added added,
               wire::add_to_request(dialect_, std::move(encoded.body), target_.additions));
    logprobs_added_ = added.logprobs;
    encoded.body = std::move(added.body);
  }
  request_.body = std::move(encoded.body);
  return {};
}

wire::RelayOptions Trial::relay_options() const {
  const bool to_openai = call_.chat.dialect == wire::Dialect::kOpenAi;
  wire::RelayOptions options;
  options.provider = dialect_;
  options.client = call_.chat.dialect;
  options.usage_was_added =
      target_.provider->stream_usage && call_.chat.stream && !call_.chat.wants_stream_usage;
  options.client_wants_usage = !to_openai || call_.chat.wants_stream_usage;
  options.fallback_model = target_.model;
  options.fallback_id = (to_openai ? "chatcmpl-" : "msg_") + std::string(call_.request_id);
  options.created_unix_s = clock().unix_us() / 1'000'000;
  options.collect = target_.judged;
  options.logprobs_were_added = logprobs_added_;
  return options;
}

Tried Trial::give_up(const Error& error, int status) const {
  Tried tried;
  tried.cancelled = error.code == ErrorCode::kCancelled || call_.gone.cancelled();
  tried.failed.failure = failure_of(error, status);
  return tried;
}

http::Task<Tried> Trial::attempt_once() {
  http::CallLimits limits;
  limits.deadline = deadline_;
  limits.idle_timeout_ms = call_.settings.idle_timeout_ms;
  const int64_t begin_us = clock().steady_us();
  auto response =
      co_await call_.worker.client().send(target_.provider->endpoint, request_, limits, call_.gone);
  waited_since(begin_us);
  if (!response) co_return give_up(response.error(), 0);
  auto& attempt = outcome_.attempts.back();
  attempt.status = (*response)->status();
  http::Headers headers = (*response)->take_headers();
  attempt.provider_request_id = provider_request_id(headers);
  Tried tried = co_await read_answer(std::move(*response), headers);
  (tried.opened ? tried.opened->headers : tried.failed.headers) = std::move(headers);
  co_return tried;
}

http::Task<Tried> Trial::read_answer(std::unique_ptr<http::ClientResponse> response,
                                     const http::Headers& headers) {
  const int status = response->status();
  if (status >= 200 && status < 300) {
    const std::string_view type = headers.get("content-type");
    if (call_.chat.stream && type.starts_with("text/event-stream"))
      co_return co_await open_stream(std::move(response));
    co_return co_await open_whole(*response);
  }
  const int64_t begin_us = clock().steady_us();
  auto body = co_await response->read_all(kErrorBodyLimit);
  waited_since(begin_us);
  if (!body && body.error().code == ErrorCode::kCancelled) co_return give_up(body.error(), status);
  Tried tried;
  if (body) tried.failed.body = std::move(*body);
  tried.failed.failure = wire::classify_failure(dialect_, status, tried.failed.body);
  co_return tried;
}

http::Task<Tried> Trial::open_whole(http::ClientResponse& response) {
  const int64_t begin_us = clock().steady_us();
  auto body = co_await response.read_all(call_.settings.answer_limit_bytes);
  waited_since(begin_us);
  if (!body) co_return give_up(body.error(), response.status());
  Tried tried;
  Opened opened;
  if (target_.judged) opened.raw = *body;
  opened.relay_options = relay_options();
  auto answer = wire::translate_answer(opened.relay_options, std::move(*body));
  if (!answer) co_return give_up(answer.error(), response.status());
  if (answer->failure) {
    tried.failed.failure = std::move(*answer->failure);
    co_return tried;
  }
  opened.view = std::move(answer->view);
  opened.whole = std::move(*answer);
  opened.first_content_us = clock().steady_us();
  tried.opened = std::move(opened);
  co_return tried;
}

http::Task<Tried> Trial::open_stream(std::unique_ptr<http::ClientResponse> response) {
  Tried tried;
  Opened opened;
  opened.relay_options = relay_options();
  opened.relay = std::make_unique<wire::StreamRelay>(opened.relay_options);
  auto reached = co_await reach_content(*response, opened);
  if (reached) response->set_deadline(answer_deadline_);
  if (reached && target_.judged) {
    reached = co_await reach_end(*response, opened);
    opened.view = opened.relay->view();
  }
  if (!reached) {
    tried.cancelled = call_.gone.cancelled();
    tried.failed.failure = std::move(reached.error());
    co_return tried;
  }
  opened.first_content_us = clock().steady_us();
  opened.response = std::move(response);
  tried.opened = std::move(opened);
  co_return tried;
}

http::Task<std::expected<void, wire::Failure>> Trial::reach_content(http::ClientResponse& response,
                                                                    Opened& opened) {
  using enum wire::FailureClass;
  const int status = response.status();
  for (;;) {
    const int64_t begin_us = clock().steady_us();
    auto bytes = co_await response.read_some();
    waited_since(begin_us);
    if (!bytes) co_return std::unexpected(failure_of(bytes.error(), status));
    if (bytes->empty())
      co_return std::unexpected(
          own_failure(kBroken, "the stream ended before any content", status));
    auto step = opened.relay->feed(*bytes);
    if (!step) co_return std::unexpected(failure_of(step.error(), status));
    if (step->failure && !step->has_content) co_return std::unexpected(std::move(*step->failure));
    if (target_.judged) opened.raw += *bytes;
    opened.held += step->bytes;
    opened.ended = step->ended;
    if (step->has_content) co_return std::expected<void, wire::Failure>();
    // A model may say nothing; when no other one is left to ask, that is the answer.
    if (step->ended && is_last()) co_return std::expected<void, wire::Failure>();
    if (step->ended)
      co_return std::unexpected(own_failure(kBroken, "the stream held no content", status));
    if (opened.held.size() > kHeldLimit)
      co_return std::unexpected(own_failure(kBroken, "no content in the first MiB", status));
  }
}

http::Task<std::expected<void, wire::Failure>> Trial::reach_end(http::ClientResponse& response,
                                                                Opened& opened) {
  using enum wire::FailureClass;
  const int status = response.status();
  while (!opened.ended) {
    const int64_t begin_us = clock().steady_us();
    auto bytes = co_await response.read_some();
    waited_since(begin_us);
    if (!bytes) co_return std::unexpected(failure_of(bytes.error(), status));
    const bool closed = bytes->empty();
    opened.raw += *bytes;
    auto step = closed ? opened.relay->finish() : opened.relay->feed(*bytes);
    if (!step) co_return std::unexpected(failure_of(step.error(), status));
    if (step->failure) co_return std::unexpected(std::move(*step->failure));
    opened.held += step->bytes;
    opened.ended = step->ended;
    if (closed && !opened.ended)
      co_return std::unexpected(own_failure(kBroken, "the stream ended early", status));
    if (opened.raw.size() > call_.settings.answer_limit_bytes)
      co_return std::unexpected(own_failure(kBroken, "the answer is too long to judge", status));
  }
  co_return std::expected<void, wire::Failure>();
}

std::optional<int64_t> Trial::wait_before_retry(const Failed& failed, int retry) const {
  if (retry >= target_.provider->max_retries || !failed.failure.worth_retrying()) return {};
  // The time of this target is spent, or a provider that slow is better replaced.
  if (failed.failure.failure_class == wire::FailureClass::kTimeout) return {};
  const auto asked_ms = retry_after_ms(failed.headers, clock().unix_us());
  if (asked_ms && *asked_ms > call_.settings.retry_after_limit_ms) return {};
  const int64_t wait_ms = retry_wait_ms(asked_ms, retry, call_.random);
  if (wait_ms >= deadline_.left_ms(clock())) return {};
  return wait_ms;
}

http::Task<Tried> Trial::run() {
  for (int retry = 0;; ++retry) {
    Attempt& attempt = outcome_.attempts.emplace_back();
    attempt.target_index = index_;
    attempt.started_unix_us = clock().unix_us();
    attempt.started_us = clock().steady_us();
    Tried tried = co_await attempt_once();
    Attempt& made = outcome_.attempts.back();
    made.ended_us = clock().steady_us();
    made.outcome = tried.opened      ? "ok"
                   : tried.cancelled ? "cancelled"
                                     : wire::to_string(tried.failed.failure.failure_class);
    if (tried.opened) tried.opened->target_index = index_;
    if (tried.opened || tried.cancelled) co_return tried;
    const auto wait_ms = wait_before_retry(tried.failed, retry);
    if (!wait_ms) co_return tried;
    const int64_t begin_us = clock().steady_us();
    tried.cancelled = !co_await call_.worker.sleep(*wait_ms, call_.gone);
    waited_since(begin_us);
    if (tried.cancelled) co_return tried;
  }
}

}  // namespace

std::expected<void, Error> cut_text(json::Range cut, Opened& opened) {
  wire::RelayOptions options = opened.relay_options;
  options.text_cut = cut;
  if (opened.whole) {
    TRY_ASSIGN(opened.whole, wire::translate_answer(options, opened.raw));
    return {};
  }
  wire::StreamRelay relay(std::move(options));
  TRY_ASSIGN(wire::StreamRelay::Step step, relay.feed(opened.raw));
  opened.held = std::move(step.bytes);
  return {};
}

http::Task<Outcome> call(Call call) {
  CHECK(call.first_target < call.targets.size());
  Outcome outcome;
  for (size_t i = call.first_target; i < call.targets.size(); ++i) {
    Trial trial(call, i, outcome);
    Tried tried;
    if (auto encoded = trial.encode(); encoded) {
      tried = co_await trial.run();
    } else {
      tried.failed.failure = own_failure(wire::FailureClass::kCaller, encoded.error().message, 400);
    }
    outcome.failed.reset();
    outcome.opened = std::move(tried.opened);
    if (outcome.opened || tried.cancelled) break;
    tried.failed.target_index = i;
    outcome.failed = std::move(tried.failed);
    if (call.request.deadline.passed(call.worker.clock())) break;
    if (i == 0 && call.targets.size() > 1)
      outcome.fallback_cause = wire::to_string(outcome.failed->failure.failure_class);
  }
  co_return outcome;
}

}  // namespace weir::upstream
