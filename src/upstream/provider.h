// One configured provider, ready for calls, and the header rules of a proxy: what a provider may
// see of the client's request, and the client of the provider's answer. Everything else stays
// behind: credentials, cookies and hop-by-hop fields of one side never reach the other.
// Immutable and thread-safe once built; the functions are pure.
#pragma once

#include <string>
#include <string_view>

#include "http/client.h"
#include "http/message.h"
#include "wire/dialect.h"

namespace weir::upstream {

// Carries the instances of weir that a request has passed through, so that a loop is found.
inline constexpr std::string_view kHopHeader = "x-weir-hop";

struct Provider {
  std::string name;
  wire::Dialect dialect = wire::Dialect::kOpenAi;
  bool both_dialects = false;  // addressed in the client's dialect
  bool simulated = false;      // weir's own: the ledger says so
  http::Endpoint endpoint;
  std::string api_key;  // secret; "" for none
  http::Headers extra_headers;
  bool stream_usage = true;  // understands stream_options.include_usage
  int max_retries = 2;

  wire::Dialect spoken_to(wire::Dialect client) const { return both_dialects ? client : dialect; }
};

// Path and query to append to the endpoint's prefix. `path` is the dialect's own, "/v1/messages";
// its "/v1" is left out where the base URL has it, or (OpenAI) stands for it, as in the SDKs.
std::string request_target(const http::Endpoint& endpoint, wire::Dialect dialect,
                           std::string_view path, std::string_view query);

// Allow-list: the dialect's own anthropic-* or openai-*, idempotency-key, traceparent, user-agent
// with weir's name; then weir's credential, the extra headers of the settings and the hop.
http::Headers request_headers(const Provider& provider, wire::Dialect dialect,
                              const http::Headers& client, std::string_view instance);

// Appends what the client gets of the provider's: request ids, rate limits, advice on retrying.
void copy_answer_headers(const http::Headers& provider, http::Headers& out);

// The provider's own id of the request, "" when it gave none.
std::string_view provider_request_id(const http::Headers& provider);

}  // namespace weir::upstream
