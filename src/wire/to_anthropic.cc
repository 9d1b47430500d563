#include "wire/translate_request.h"
namespace weir::wire {
std::expected<Encoded, Error> write_anthropic_request(const Chat&, const EncodeTarget&) {
  return fail(ErrorCode::kUnsupported, "a request of the other dialect");
}
std::expected<Encoded, Error> write_openai_request(const Chat&, const EncodeTarget&) {
  return fail(ErrorCode::kUnsupported, "a request of the other dialect");
}
}  // namespace weir::wire
