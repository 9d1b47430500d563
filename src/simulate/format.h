// A reply in the form of a dialect: one JSON body, or the events of a stream.
// Sources: OpenAI API reference (chat completions, streaming), Anthropic API reference (Messages,
// streaming). Pure, thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "simulate/reply.h"
#include "wire/dialect.h"

namespace weir::simulate {

enum class UsageReport { kFull, kNone };

struct Answer {
  std::string id;  // without the dialect's prefix
  std::string model;
  std::string fingerprint;  // "weir-simulator" or "weir-replay"
  int64_t created_unix_s = 0;
  Reply reply;
  int64_t input_tokens = 0;
  int64_t output_tokens = 0;
  bool tokens_estimated = false;  // of a recording that does not know them
  UsageReport usage = UsageReport::kFull;
  bool logprobs = false;  // OpenAI's: asked for
  size_t top_logprobs = 0;
};

struct Event {
  enum class Kind { kHead, kContent, kTail, kTerminal };
  Kind kind = Kind::kContent;
  std::string bytes;
};

std::string whole_body(wire::Dialect dialect, const Answer& answer);
// include_usage: what an OpenAI client asked for; Anthropic's streams always carry usage.
std::vector<Event> stream_events(wire::Dialect dialect, const Answer& answer, bool include_usage);

std::string error_body(wire::Dialect dialect, int status, std::string_view message);
// An error inside a stream.
std::string error_event(wire::Dialect dialect, int status, std::string_view message);

}  // namespace weir::simulate
