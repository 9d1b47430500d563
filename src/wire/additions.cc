#include "wire/additions.h"

#include <fmt/format.h>

#include <vector>

#include "base/json.h"
#include "wire/values.h"

namespace weir::wire {
namespace {

// Sets a member of the top object: the value that stands there, or a new member at the front.
void set_member(json::Value root, std::string_view name, std::string value,
                std::vector<json::Edit>& edits) {
  if (const json::Value old = root[name]; old.exists()) {
    edits.push_back({old.range(), std::move(value)});
    return;
  }
  const size_t inside = root.range().begin + 1;
  edits.push_back({{inside, inside}, fmt::format("\"{}\":{},", name, value)});
}

std::expected<void, Error> append_user_text(json::Value messages, const std::string& text,
                                            std::vector<json::Edit>& edits) {
  json::Value last;
  for (const json::Value message : messages)
    if (message["role"].string_or("") == "user") last = message;
  const json::Value content = last["content"];
  const std::string literal = json::quoted(text);
  if (content.is_string()) {
    const size_t quote = content.range().end - 1;
    edits.push_back({{quote, quote}, literal.substr(1, literal.size() - 2)});
    return {};
  }
  if (!content.is_array())
    return fail(ErrorCode::kUnsupported, "there is no user turn to add a text to");
  const size_t bracket = content.range().end - 1;
  edits.push_back(
      {{bracket, bracket},
       fmt::format(R"({}{{"type":"text","text":{}}})", content.size() > 0 ? "," : "", literal)});
  return {};
}

}  // namespace

std::expected<Added, Error> add_to_request(Dialect provider, std::string body,
                                           const Additions& additions) {
  TRY_ASSIGN(const json::Document document, json::Document::parse(std::move(body), kBodyLimits));
  const json::Value root = document.root();
  std::vector<json::Edit> edits;
  Added added;
  if (additions.logprobs && provider == Dialect::kOpenAi && root["logprobs"].as_bool() != true) {
    set_member(root, "logprobs", "true", edits);
    set_member(root, "top_logprobs", "2", edits);
    added.logprobs = true;
  }
  if (additions.temperature)
    set_member(root, "temperature", fmt::format("{}", *additions.temperature), edits);
  if (!additions.last_user_text.empty())
    TRY(append_user_text(root["messages"], additions.last_user_text, edits));
  added.body = json::apply_edits(document.text(), std::move(edits));
  return added;
}

}  // namespace weir::wire
