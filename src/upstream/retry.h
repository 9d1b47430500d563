// How long to wait before the same call is made again. Pure; randomness and time are arguments.
// Sources: RFC 9110 10.2.3 (Retry-After), the header retry-after-ms of OpenAI and Azure.
#pragma once

#include <cstdint>
#include <optional>

#include "base/random.h"
#include "http/message.h"

namespace weir::upstream {

// What the provider asked for, in milliseconds: retry-after-ms, else Retry-After as seconds or as
// an HTTP date (0 when that has passed). nullopt: it said nothing, or nothing readable.
std::optional<int64_t> retry_after_ms(const http::Headers& headers, int64_t now_unix_us);

// The provider's word when it gave one, else 200 ms doubling with each retry (from 0) up to 2 s, of
// which a random half to whole is waited, so that clients do not return in step.
int64_t retry_wait_ms(std::optional<int64_t> asked_ms, int retry, Random& random);

}  // namespace weir::upstream
