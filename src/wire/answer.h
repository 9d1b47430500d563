// What comes back: whole answers, streams and failures, from a provider's dialect into the
// client's. Pure, no sockets; a StreamRelay belongs to one exchange.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "catalog/usage.h"
#include "wire/dialect.h"

namespace weir::wire {

// Why a call failed, in classes that a policy can act on (style: one pure table decides).
enum class FailureClass {
  kCaller,       // the request is at fault: 400, 404, 413, 422 ...
  kCredential,   // our key for this provider is wrong or lacks rights
  kQuota,        // out of money or quota: waiting does not help
  kModelGone,    // the provider does not know the model
  kRateLimited,  // 429: waiting helps
  kOverloaded,   // 503, 529, overloaded_error
  kTimeout,
  kBroken,  // 5xx, malformed answer, cut connection
};
std::string_view to_string(FailureClass c);

struct Failure {
  FailureClass failure_class = FailureClass::kBroken;
  int status = 0;               // of the provider, 0 when there was no response
  std::string type{};           // provider's error type or code, "" when none
  std::string message{};        // provider's message, at most 2,000 bytes
  bool worth_retrying() const;  // the same call may succeed a little later
};

// Reads a provider's error answer (any status, any body). Providers use 400 for a bad request as
// well as for a bad key or an empty balance, so status alone is not enough.
Failure classify_failure(Dialect provider, int status, std::string_view body);

// The error body in the client's dialect.
std::string encode_error(Dialect client, int status, std::string_view type,
                         std::string_view message);
// Type words that the dialect's SDKs know for a status ("invalid_request_error", ...).
std::string_view error_type(Dialect client, int status);
// The error as an event of a stream that has already begun, terminal for that dialect.
std::string encode_stream_error(Dialect client, std::string_view type, std::string_view message);

// Of the tokens of an answer whose log-probabilities the provider gave. Plain sums and minima, so
// that a stream can be counted as it comes.
struct TokenStats {
  int64_t tokens = 0;
  double logprob_sum = 0, logprob_min = 0;
  int64_t margins = 0;  // tokens with a runner-up: probability of the token less the runner-up's
  double margin_sum = 0, margin_min = 1;
};

struct RelayOptions {
  Dialect provider = Dialect::kOpenAi;
  Dialect client = Dialect::kOpenAi;
  bool usage_was_added = false;  // weir asked for usage; the client did not
  bool client_wants_usage = true;
  std::string fallback_model{};  // the model's name when the provider's answer names none
  std::string fallback_id{};     // for answers without an id, across dialects
  int64_t created_unix_s = 0;    // for OpenAI-shaped answers translated from Anthropic
  // For answers that are judged before they are sent on (additions.h).
  bool collect = false;                      // keep the text and the token statistics
  bool logprobs_were_added = false;          // weir asked for them; the client did not
  std::optional<json::Range> text_cut = {};  // bytes of the answer's text that weir asked for
};

// What a judge of an answer may look at.
struct AnswerView {
  std::string text;  // of the first choice, uncut
  TokenStats tokens;
  bool has_tool_calls = false;
  bool has_refusal = false;
  std::string finish_reason;  // provider's word
};

struct Answer {
  std::string body{};                // for the client
  catalog::Usage usage{};            // source kNone when the provider reported none
  std::string model{};               // that served, as the provider spells it
  std::string finish_reason{};       // provider's word
  int64_t output_characters = 0;     // for an estimate when usage is missing
  std::optional<Failure> failure{};  // an error body under a success status: `body` is then empty
  std::optional<AnswerView> view{};  // with RelayOptions::collect
};

// Fails: kCorrupt when the body is not an answer of the provider's dialect.
[[nodiscard]] std::expected<Answer, Error> translate_answer(const RelayOptions& options,
                                                            std::string body);

// Turns the provider's SSE bytes into the client's, event by event.
class StreamRelay {
 public:
  explicit StreamRelay(RelayOptions options);
  StreamRelay(StreamRelay&&) noexcept;
  StreamRelay& operator=(StreamRelay&&) noexcept;
  ~StreamRelay();

  struct Step {
    std::string bytes{};       // for the client, "" when nothing is to be sent
    bool has_content = false;  // the first event that counts as content has been seen by now
    bool ended = false;        // the terminal event ([DONE], message_stop) has been seen
    std::optional<Failure> failure{};  // the provider sent an error event; it is not in `bytes`
  };
  // Takes any split of the bytes; only whole events go out. After `ended` or a failure further
  // bytes are ignored. Fails: kCorrupt (not the dialect), kTooLarge (one event over 8 MiB); whole
  // events that stood before the fault are given first, and the next call fails.
  [[nodiscard]] std::expected<Step, Error> feed(std::string_view upstream_bytes);
  // The upstream has closed: takes a last event whose blank line is missing.
  [[nodiscard]] std::expected<Step, Error> finish();

  // Known so far; final after `ended`. The usage of an Anthropic stream without its message_delta
  // is kEstimated: input as reported, output from the characters.
  const catalog::Usage& usage() const;
  const std::string& model() const;
  const std::string& finish_reason() const;
  int64_t output_characters() const;
  AnswerView view() const;  // with RelayOptions::collect

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace weir::wire
