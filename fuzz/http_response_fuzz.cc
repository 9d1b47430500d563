// Any bytes as an upstream's answer: the first byte chooses the method and the content coding.
// Nothing may crash, and the body must not depend on how the bytes were split.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/compress.h"
#include "http/inflate.h"
#include "http/parser.h"

namespace {

using namespace weir::http;

constexpr size_t kDecodedLimitBytes = 1 << 20;

struct Seen {
  int status = 0;
  std::string body;
  bool failed = false;
  bool operator==(const Seen& other) const {
    // A decoder may notice a fault at another byte, so what precedes a fault is not compared.
    return status == other.status && failed == other.failed && (failed || body == other.body);
  }
};

void decode_piece(std::string_view piece, Inflater* inflater, Seen& seen) {
  if (inflater == nullptr) {
    seen.body += piece;
    return;
  }
  inflater->push(piece);
  while (seen.body.size() < kDecodedLimitBytes) {
    const auto decoded = inflater->pull();
    if (!decoded) seen.failed = true;
    if (!decoded || decoded->empty()) return;
    seen.body += *decoded;
  }
  seen.failed = true;
}

void read_body(std::string_view bytes, size_t step_bytes, const Framing& framing,
               Inflater* inflater, Seen& seen) {
  ChunkedDecoder chunks;
  if (framing.body == BodyKind::kNone) return;
  if (framing.body == BodyKind::kLength) bytes = bytes.substr(0, framing.length_bytes);
  while (!bytes.empty() && !seen.failed && !chunks.done()) {
    const std::string_view arrived = bytes.substr(0, step_bytes);
    if (framing.body != BodyKind::kChunked) {
      decode_piece(arrived, inflater, seen);
      bytes.remove_prefix(arrived.size());
      continue;
    }
    const auto step = chunks.next(arrived);
    if (step.bad) {
      seen.failed = true;
      return;
    }
    if (!step.data.empty()) decode_piece(step.data, inflater, seen);
    bytes.remove_prefix(step.consumed);
  }
}

Seen read_response(std::string_view bytes, std::string_view method, weir::ContentCoding coding,
                   size_t step_bytes) {
  Seen seen;
  HeadScanner scanner;
  for (;;) {
    const auto size = scanner.scan(bytes);
    seen.failed = !size || *size == 0;
    if (seen.failed) return seen;
    ResponseHead head;
    const auto framing = parse_response_head(bytes.substr(0, *size), method, head);
    seen.failed = !framing;
    if (seen.failed) return seen;
    CHECK(head.status >= 100 && head.status <= 999);
    bytes.remove_prefix(*size);
    scanner.reset();
    if (head.status < 200) continue;
    seen.status = head.status;
    const auto inflater =
        coding == weir::ContentCoding::kIdentity ? nullptr : make_inflater(coding);
    read_body(bytes, step_bytes, *framing, inflater.get(), seen);
    return seen;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  constexpr weir::ContentCoding kCodings[] = {
      weir::ContentCoding::kIdentity, weir::ContentCoding::kGzip, weir::ContentCoding::kDeflate,
      weir::ContentCoding::kZstd};
  const std::string_view method = (data[0] & 4) != 0 ? "HEAD" : "GET";
  const weir::ContentCoding coding = kCodings[data[0] & 3];
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Seen whole = read_response(bytes, method, coding, std::max<size_t>(size, 1));
  const Seen bytewise = read_response(bytes, method, coding, 1);
  // libzstd decodes a frame that is there as a whole by another path, which finds other faults.
  const bool fault_in_zstd =
      coding == weir::ContentCoding::kZstd && (whole.failed || bytewise.failed);
  CHECK(fault_in_zstd || whole == bytewise);
  return 0;
}
