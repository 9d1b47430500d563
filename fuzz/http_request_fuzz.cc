// Any bytes as the requests of one connection: nothing may crash, and what is read must not depend
// on how the bytes were split. The whole input at once is compared with one byte at a time.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "http/parser.h"

namespace {

using namespace weir::http;

constexpr size_t kHeadLimitBytes = 16 << 10;

struct Seen {
  std::vector<std::string> messages;  // heads and bodies in order
  int fault = 0;
  bool operator==(const Seen&) const = default;
};

// Bytes that arrive `step` at a time; gives what has arrived and is not yet taken.
class Arrival {
 public:
  Arrival(std::string_view bytes, size_t step) : bytes_(bytes), step_(step) {}
  std::string_view buffered() const { return bytes_.substr(taken_, arrived_ - taken_); }
  void take(size_t count) { taken_ += count; }
  bool more() {
    if (arrived_ == bytes_.size()) return false;
    arrived_ = std::min(bytes_.size(), arrived_ + step_);
    return true;
  }

 private:
  std::string_view bytes_;
  size_t step_, arrived_ = 0, taken_ = 0;
};

bool read_body(Arrival& arrival, const Framing& framing, Seen& seen) {
  std::string& body = seen.messages.emplace_back();
  ChunkedDecoder decoder;
  for (;;) {
    if (framing.body == BodyKind::kLength) {
      const auto piece = arrival.buffered().substr(0, framing.length_bytes - body.size());
      body += piece;
      arrival.take(piece.size());
      if (body.size() == framing.length_bytes) return true;
    } else if (framing.body == BodyKind::kChunked) {
      while (!arrival.buffered().empty() && !decoder.done()) {
        const auto step = decoder.next(arrival.buffered());
        if (step.bad) {
          seen.fault = 400;
          return false;
        }
        CHECK(step.consumed > 0 && step.data.size() <= step.consumed);
        body += step.data;
        arrival.take(step.consumed);
      }
      if (decoder.done()) return true;
    } else {
      return true;
    }
    if (!arrival.more()) return false;
  }
}

Seen read_requests(std::string_view bytes, size_t step) {
  Seen seen;
  Arrival arrival(bytes, step);
  HeadScanner scanner;
  for (;;) {
    const auto size = scanner.scan(arrival.buffered().substr(0, kHeadLimitBytes));
    if (!size) {
      seen.fault = size.error().status;
      return seen;
    }
    if (*size == 0) {
      if (arrival.buffered().size() >= kHeadLimitBytes || !arrival.more()) return seen;
      continue;
    }
    Request request;
    const auto framing = parse_request_head(arrival.buffered().substr(0, *size), request);
    if (!framing) {
      seen.fault = framing.error().status;
      return seen;
    }
    CHECK(is_token(request.method));
    CHECK(!request.path.empty());
    CHECK(framing->body != BodyKind::kUntilClose);
    CHECK(!(request.headers.contains("content-length") &&
            request.headers.contains("transfer-encoding")));
    std::string& text = seen.messages.emplace_back(request.method + " " + request.path + "?" +
                                                   request.query + "\n");
    for (const Header& field : request.headers) {
      CHECK(is_token(field.name));
      CHECK(field.value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
      text += field.name + ":" + field.value + "\n";
    }
    arrival.take(*size);
    scanner.reset();
    if (!read_body(arrival, *framing, seen)) return seen;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  CHECK(read_requests(bytes, std::max<size_t>(size, 1)) == read_requests(bytes, 1));
  return 0;
}
