// The grammar of HTTP/1.1 messages (RFC 9112, RFC 9110), without sockets: finds the end of a head,
// parses it, and takes the chunked coding off a body. Strict on purpose, because whatever two
// programs read differently is a way to smuggle a request past one of them: no bare LF, no folded
// lines, no second Content-Length, no Content-Length beside Transfer-Encoding.
// Plain values; each object belongs to one connection. Fuzzed by fuzz/http_request_fuzz.cc and
// fuzz/http_response_fuzz.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string_view>

#include "http/message.h"

namespace weir::http {

// What is wrong with a message: the status that a server answers, and the reason for people.
struct Fault {
  int status = 400;
  const char* message = "";
};

// Finds the empty line that ends a head while the bytes arrive; looks at each byte once.
class HeadScanner {
 public:
  // `bytes` is everything since the start of the head; call again with more. The size of the head
  // including its empty line, 0 when incomplete. Fault: a line that does not end in CR LF.
  [[nodiscard]] std::expected<size_t, Fault> scan(std::string_view bytes);
  bool first_line_ended() const { return line_begin_ > 0; }
  void reset() { position_ = line_begin_ = 0; }

 private:
  size_t position_ = 0;    // bytes before it have been looked at
  size_t line_begin_ = 0;  // of the line that position_ is in
};

enum class BodyKind : uint8_t { kNone, kLength, kChunked, kUntilClose };

struct Framing {
  BodyKind body = BodyKind::kNone;
  uint64_t length_bytes = 0;  // with kLength
  bool keep_alive = true;
  bool expects_continue = false;
};

struct ResponseHead {
  int version = 11;
  int status = 0;
  Headers headers;
};

// `head` as HeadScanner found it. Fills method, path, query, version and headers of `request`, as
// far as it came before the fault.
[[nodiscard]] std::expected<Framing, Fault> parse_request_head(std::string_view head,
                                                               Request& request);

// The framing depends on the method of the request that is answered (RFC 9112, 6.3).
[[nodiscard]] std::expected<Framing, Fault> parse_response_head(std::string_view head,
                                                                std::string_view request_method,
                                                                ResponseHead& response);

// Takes the chunked coding (RFC 9112, 7.1) off a body; extensions and trailers are read and
// dropped, both bounded.
class ChunkedDecoder {
 public:
  struct Step {
    size_t consumed = 0;    // of the input; may be less than all of it
    std::string_view data;  // a part of the input
    bool bad = false;       // not the chunked coding; nothing may be read after it
  };
  // One step: gives at most one run of data. Call until the input is used up or done().
  Step next(std::string_view input);
  bool done() const { return state_ == State::kDone; }

 private:
  enum class State : uint8_t {
    kSize,
    kExtension,
    kSizeLf,
    kData,
    kDataCr,
    kDataLf,
    kTrailer,
    kTrailerLine,
    kTrailerLf,
    kEndLf,
    kDone
  };
  bool take(unsigned char c);

  State state_ = State::kSize;
  uint64_t left_bytes_ = 0;  // of the chunk
  int digits_ = 0;
  size_t overhead_bytes_ = 0;  // of the extensions or trailers so far
};

// Grammar of RFC 9110, 5.6.2.
bool is_token(std::string_view text);
// True when the comma-separated list of any field `name` has that token, case ignored.
bool list_contains(const Headers& headers, std::string_view name, std::string_view token);

}  // namespace weir::http
