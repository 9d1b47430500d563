// Routers that need no training, by the word of their kind in `routes.<r>.router`.
// Pure functions, thread-safe.
#pragma once

#include <expected>
#include <string_view>

#include "base/error.h"
#include "model/router_file.h"

namespace weir::gateway {

bool is_ready_kind(std::string_view word);

// The router of that kind, as a file would hold it. Requires is_ready_kind(word).
model::RouterFile ready_router(std::string_view word);

}  // namespace weir::gateway
