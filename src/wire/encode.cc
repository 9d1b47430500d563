#include <utility>

#include "wire/chat.h"
#include "wire/translate_request.h"

namespace weir::wire {
namespace {

std::string path_of(Dialect dialect) {
  return dialect == Dialect::kOpenAi ? "/v1/chat/completions" : "/v1/messages";
}

// Asks for usage in an OpenAI stream without touching any other byte.
void add_stream_usage(const Chat& chat, std::vector<json::Edit>& edits) {
  const json::Value root = chat.body->root();
  const json::Value options = root["stream_options"];
  if (!options.exists()) {
    const size_t inside = root.range().begin + 1;
    edits.push_back({{inside, inside}, R"("stream_options":{"include_usage":true},)"});
    return;
  }
  if (!options.is_object()) {
    edits.push_back({options.range(), R"({"include_usage":true})"});
    return;
  }
  bool found = false;
  for (const json::Value member : options) {
    // Which of two equal keys counts is the provider's choice: each one asks.
    if (member.key() != "include_usage") continue;
    edits.push_back({member.range(), "true"});
    found = true;
  }
  if (found) return;
  const size_t inside = options.range().begin + 1;
  edits.push_back({{inside, inside},
                   options.size() > 0 ? R"("include_usage":true,)" : R"("include_usage":true)"});
}

Encoded encode_same(const Chat& chat, const EncodeTarget& target) {
  std::vector<json::Edit> edits;
  if (chat.model != target.model)
    edits.push_back({chat.body->root()["model"].range(), json::quoted(target.model)});
  if (chat.dialect == Dialect::kOpenAi && chat.stream && !chat.wants_stream_usage &&
      target.add_stream_usage)
    add_stream_usage(chat, edits);
  return {path_of(chat.dialect), json::apply_edits(chat.body->text(), std::move(edits)), {}};
}

}  // namespace

std::expected<Encoded, Error> encode_chat(const Chat& chat, const EncodeTarget& target) {
  if (chat.dialect == target.dialect) return encode_same(chat, target);
  TRY_ASSIGN(Encoded encoded, target.dialect == Dialect::kAnthropic
                                  ? write_anthropic_request(chat, target)
                                  : write_openai_request(chat, target));
  encoded.path = path_of(target.dialect);
  return encoded;
}

std::expected<void, Error> check_expressible(const Chat& chat, Dialect target) {
  if (chat.dialect == target) return {};
  const auto encoded = encode_chat(chat, {.dialect = target, .model = chat.model});
  if (!encoded) return std::unexpected(encoded.error());
  return {};
}

}  // namespace weir::wire
