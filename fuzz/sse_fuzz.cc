// A provider's stream through StreamRelay: any bytes, any split. The first byte chooses dialects
// and options, the second how the rest is cut; whole and cut input must give the same.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "wire/answer.h"
#include "wire/sse.h"

namespace {

using weir::wire::Dialect;
using weir::wire::StreamRelay;

struct Outcome {
  std::string bytes;
  bool has_content = false, ended = false, failed = false, failure = false;
};

void take(const std::expected<StreamRelay::Step, weir::Error>& step, Outcome& all) {
  if (!step) {
    all.failed = true;
    return;
  }
  CHECK(!all.has_content || step->has_content);
  CHECK(!all.ended || step->bytes.empty());
  all.bytes += step->bytes;
  all.has_content = step->has_content;
  all.ended = step->ended;
  all.failure = step->failure.has_value();
}

Outcome relay(const weir::wire::RelayOptions& options, std::string_view input, size_t piece) {
  StreamRelay stream(options);
  Outcome all;
  for (size_t at = 0; at < input.size(); at += piece)
    take(stream.feed(input.substr(at, piece)), all);
  take(stream.finish(), all);
  CHECK(stream.usage().input_tokens >= 0 && stream.usage().output_tokens >= 0);
  CHECK(stream.usage().reasoning_tokens <= stream.usage().output_tokens);
  CHECK(stream.output_characters() >= 0);
  return all;
}

// The frames, one after the other, are the input.
void check_frames(std::string_view input, size_t piece) {
  weir::wire::SseReader reader;
  std::string all;
  const auto add = [&all](const weir::wire::SseReader::Frame& frame) {
    all.append(frame.lead).append(frame.raw);
  };
  for (size_t at = 0; at < input.size(); at += piece) {
    reader.feed(input.substr(at, piece));
    for (auto frame = reader.next(); frame && *frame; frame = reader.next())
      add(**frame);
  }
  if (const auto frame = reader.finish()) add(*frame);
  CHECK(all == input || all + "\n" == input);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const weir::wire::RelayOptions options{
      .provider = (data[0] & 1) != 0 ? Dialect::kAnthropic : Dialect::kOpenAi,
      .client = (data[0] & 2) != 0 ? Dialect::kAnthropic : Dialect::kOpenAi,
      .usage_was_added = (data[0] & 4) != 0,
      .client_wants_usage = (data[0] & 8) != 0,
      .fallback_model = "m",
      .fallback_id = "i"};
  const size_t piece = 1 + data[1] % 64;
  const std::string_view input(reinterpret_cast<const char*>(data) + 2, size - 2);
  check_frames(input, piece);
  const Outcome whole = relay(options, input, input.size() + 1);
  const Outcome cut = relay(options, input, piece);
  // The LF of a last CRLF may come after the end has been told.
  CHECK(whole.bytes == cut.bytes || whole.bytes == cut.bytes + "\n");
  CHECK(whole.has_content == cut.has_content && whole.ended == cut.ended);
  CHECK(whole.failed == cut.failed && whole.failure == cut.failure);
  return 0;
}
