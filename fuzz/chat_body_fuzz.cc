// Request bodies of both dialects: decode, encode for each dialect, read again. In the same dialect
// nothing but the model may change; across dialects the result is a request that weir itself reads.
// The same bytes also go through the readers of answers and errors.
#include <cstdint>
#include <string>

#include "base/check.h"
#include "wire/answer.h"
#include "wire/chat.h"

namespace {

using weir::wire::Dialect;

constexpr Dialect kDialects[] = {Dialect::kOpenAi, Dialect::kAnthropic};

void check_request(Dialect from, const std::string& body) {
  const auto chat = weir::wire::decode_chat(from, body);
  if (!chat) {
    CHECK(!chat.error().message.empty());
    return;
  }
  CHECK(chat->estimated_input_tokens >= 0);
  CHECK(chat->last_user_text.empty() == (chat->user_turn_count == 0));
  for (const Dialect to : kDialects) {
    const auto encoded = weir::wire::encode_chat(*chat, {.dialect = to, .model = "other"});
    CHECK(encoded.has_value() == weir::wire::check_expressible(*chat, to).has_value());
    if (!encoded) continue;
    const auto again = weir::wire::decode_chat(to, encoded->body);
    // A translated schema may stand one level deeper than it did.
    if (!again && again.error().code == weir::ErrorCode::kTooLarge) continue;
    CHECK(again && again->model == "other" && again->stream == chat->stream);
    CHECK(again->needs.tools == chat->needs.tools || from != to);
    if (from == to) CHECK(again->turns.size() == chat->turns.size());
  }
  const auto same = weir::wire::encode_chat(
      *chat, {.dialect = from, .model = chat->model, .add_stream_usage = false});
  CHECK(same && same->body == body);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string body(reinterpret_cast<const char*>(data), size);
  for (const Dialect dialect : kDialects) {
    check_request(dialect, body);
    const auto failure = weir::wire::classify_failure(dialect, 400, body);
    CHECK(failure.message.size() <= 2'000);
    for (const Dialect client : kDialects)
      (void)weir::wire::translate_answer({.provider = dialect, .client = client}, body);
  }
  return 0;
}
