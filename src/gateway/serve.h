// The way of a request through weir, in one function: read, admit, decode, ask, estimate, choose,
// call, relay, settle (ARCHITECTURE.md). Runs on the connection's worker.
#pragma once

#include <string_view>

#include "gateway/gateway.h"
#include "http/server.h"

namespace weir::gateway {

http::Task<void> serve(Gateway& gateway, http::Exchange& exchange);

// What http::Server says by itself (malformed, too large ...), in the shape of the client's
// dialect.
http::Response server_error(const http::Request& request, int status, std::string_view message);

}  // namespace weir::gateway
