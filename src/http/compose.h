// Writing heads: one buffer per message, ready for one system call. Names that are no tokens and
// control characters in values never reach the wire (response splitting); the fields that frame a
// message or belong to one connection are written here only.
// Pure functions, thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "http/message.h"
#include "http/parser.h"

namespace weir::http {

enum class Persistence : uint8_t { kKeep, kKeepOldClient, kClose };

struct ResponseFraming {
  BodyKind body = BodyKind::kLength;
  uint64_t length_bytes = 0;
  Persistence persistence = Persistence::kKeep;
  std::string_view date;  // RFC 9110, 5.6.7
};

void append_response_head(int status, const Headers& headers, const ResponseFraming& framing,
                          std::string& out);

// `target` as it stands in the request line; `proxy_authorization` "" = none.
void append_request_head(std::string_view method, std::string_view target,
                         std::string_view authority, const Headers& headers, uint64_t body_bytes,
                         std::string_view proxy_authorization, std::string& out);

void append_chunk_size(uint64_t bytes, std::string& out);

// "Mon, 23 Nov 2026 20:43:03 GMT"
std::string format_http_date(int64_t unix_us);

}  // namespace weir::http
