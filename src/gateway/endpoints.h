// Which path means what, and every answer that needs no model: lists, health, metrics, the decision
// alone, token counts.
#pragma once

#include <expected>
#include <string>

#include "gateway/admit.h"
#include "gateway/gateway.h"
#include "gateway/refusal.h"
#include "http/server.h"

namespace weir::gateway {

enum class Action {
  kChat,
  kCountTokens,
  kRoute,
  kModels,
  kAbout,
  kHealth,
  kLiveness,
  kReadiness,
  kMetrics,
  kPreflight,  // OPTIONS of an allowed origin
};

struct Endpoint {
  Action action = Action::kChat;
  wire::Dialect dialect = wire::Dialect::kOpenAi;
};

// Fails: 404; 405 with Allow.
[[nodiscard]] std::expected<Endpoint, Refusal> find_endpoint(const Options& options,
                                                             const http::Request& request);

// Any action but kChat.
http::Task<void> answer_endpoint(Gateway& gateway, http::Exchange& exchange, const Caller& caller,
                                 const Endpoint& endpoint);

// Adds what a browser needs, when the request comes from an allowed origin.
void add_cors(const Options& options, const http::Request& request, http::Headers& out);

}  // namespace weir::gateway
