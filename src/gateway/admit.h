// Station 2: who may call. Refuses foreign web pages (Origin, Host), unknown keys, bodies that are
// not JSON, and requests that have come round in a loop. Pure.
#pragma once

#include <expected>
#include <string>

#include "gateway/refusal.h"
#include "gateway/snapshot.h"
#include "http/message.h"

namespace weir::gateway {

struct Caller {
  std::string key_id;  // "" when weir has no keys
};

// Fails: 401 (key), 403 (Origin, Host), 415 (content type), 508 (loop).
[[nodiscard]] std::expected<Caller, Refusal> admit(const Snapshot& snapshot,
                                                   const http::Request& request);

// Whether the value of a Host header names this machine's loopback: "localhost:9347", "[::1]".
bool is_loopback_host(std::string_view host);

}  // namespace weir::gateway
