// Station 6: makes the calls of a plan until one answers. The only place that retries, and only
// before the first content event has gone to the client:
//   - the same target again, for failures that may pass (429, 5xx, connection), with jittered
//     backoff or the provider's Retry-After up to a limit;
//   - the next target of the plan after any failure of the one before ("fallback").
// Runs on the worker of the exchange and uses its Client; everything that a Call refers to must
// outlive it.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/random.h"
#include "catalog/usage.h"
#include "http/client.h"
#include "http/server.h"
#include "upstream/provider.h"
#include "wire/additions.h"
#include "wire/answer.h"
#include "wire/chat.h"

namespace weir::upstream {

// One model that may serve, in the order of the plan.
struct Target {
  const Provider* provider = nullptr;
  std::string model;               // as the provider spells it
  std::string tier;                // "weak" | "strong" | "", for the log
  int64_t default_max_tokens = 0;  // Anthropic needs max_tokens: used when the client gave none
  // Time from the first try to the first content event, so that a fallback still has time;
  // 0: only the deadline of the request counts.
  int64_t first_event_ms = 0;
  // The answer is to be judged before the client sees any of it: it is read to its end, within
  // answer_ms of the first try, and what breaks off on the way has failed.
  bool judged = false;
  int64_t answer_ms = 0;      // 0: only the deadline of the request counts
  wire::Additions additions;  // what weir wants to know of a judged answer
};

struct CallSettings {
  int64_t idle_timeout_ms = 120'000;
  int64_t retry_after_limit_ms = 2'000;  // a longer wait is not made: the next target instead
  size_t answer_limit_bytes = 64 << 20;
};

struct Call {
  http::Worker& worker;
  Random& random;
  http::Cancellation& gone;      // of the client
  const http::Request& request;  // the client's
  const wire::Chat& chat;
  std::span<const Target> targets;
  CallSettings settings;
  std::string_view instance;
  std::string_view request_id;
  size_t first_target = 0;  // those before it have been asked already
};

// One request sent to a provider. Times on the clock of the worker.
struct Attempt {
  size_t target_index = 0;
  int64_t started_unix_us = 0, started_us = 0, ended_us = 0;
  int status = 0;       // 0 without response
  std::string outcome;  // "ok" | class of the failure | "cancelled"
  std::string provider_request_id;
  std::optional<catalog::Usage> usage;  // of a whole answer that was not sent on
};

// An answer under way: whole, or a stream that has shown its first content event.
struct Opened {
  size_t target_index = 0;
  http::Headers headers;              // the provider's
  std::optional<wire::Answer> whole;  // else a stream:
  std::unique_ptr<http::ClientResponse> response;
  std::unique_ptr<wire::StreamRelay> relay;
  std::string held;              // for the client: everything up to the first content
  bool ended = false;            // the stream was complete in `held`
  int64_t first_content_us = 0;  // steady clock
  // Of a judged answer: what it says, and the provider's bytes of it, so that it can be written
  // again without what weir asked for.
  std::optional<wire::AnswerView> view;
  std::string raw;
  wire::RelayOptions relay_options;
};

// Writes a judged answer again, without those bytes of its text. Fails: kCorrupt, which cannot be
// when the answer was read before.
[[nodiscard]] std::expected<void, Error> cut_text(json::Range cut, Opened& opened);

// Why nothing was opened: the failure of the last attempt.
struct Failed {
  wire::Failure failure;
  size_t target_index = 0;
  std::string body;  // the provider's error answer as it came, "" when none
  http::Headers headers;
};

struct Outcome {
  std::vector<Attempt> attempts;  // in order; the last is the one that was opened
  std::optional<Opened> opened;   // neither opened nor failed: the client has gone
  std::optional<Failed> failed;
  std::vector<std::string> dropped;  // hints that the last target's dialect has no word for
  std::string fallback_cause;        // failure class of the first target, "" without fallback
  int64_t waited_us = 0;             // for providers and between retries
};

http::Task<Outcome> call(Call call);

}  // namespace weir::upstream
