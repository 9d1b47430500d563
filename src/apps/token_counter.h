// Counts tokens as the shipped vocabulary cuts them, for the providers of our own.
#pragma once

#include <expected>

#include "base/error.h"
#include "simulate/server.h"

namespace weir::apps {

// The returned function may be called from several threads. Fails as load_static_embedder.
[[nodiscard]] std::expected<simulate::CountTokens, Error> load_token_counter();

}  // namespace weir::apps
