#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "wire/chat.h"
#include "wire/turns.h"
#include "wire/values.h"

namespace weir::wire {
namespace {

constexpr int64_t kTokensPerMedia = 1'500;

std::unexpected<Error> wrong(std::string_view field, std::string_view wanted) {
  return fail(ErrorCode::kInvalidArgument, fmt::format("{} must be {}", field, wanted));
}

bool has_words(std::string_view text) {
  return std::ranges::any_of(text, [](unsigned char c) { return std::isspace(c) == 0; });
}

bool has_words(const std::vector<std::string>& texts) {
  return std::ranges::any_of(texts, [](const std::string& t) { return has_words(t); });
}

std::expected<void, Error> read_settings(json::Value root, Chat& chat) {
  const auto model = root["model"].as_string();
  if (!model || model->empty()) return wrong("model", "a non-empty string");
  chat.model = *model;
  if (const json::Value stream = root["stream"]; given(stream)) {
    if (!stream.is(json::Type::kBool)) return wrong("stream", "true or false");
    chat.stream = *stream.as_bool();
  }
  for (const char* name : {"max_tokens", "max_completion_tokens"}) {
    const json::Value limit = root[name];
    if (!given(limit)) continue;
    const auto count = limit.as_int64();
    if (!count || *count < 0) return wrong(name, "a whole number that is not negative");
    chat.max_output_tokens = *count;
  }
  const json::Value tools = root["tools"];
  if (given(tools) && !tools.is_array()) return wrong("tools", "an array");
  chat.needs.tools = tools.size() > 0 || root["functions"].size() > 0;
  return {};
}

std::expected<void, Error> read_openai_settings(json::Value root, Chat& chat) {
  const json::Value options = root["stream_options"];
  if (given(options) && !options.is_object()) return wrong("stream_options", "an object");
  chat.wants_stream_usage = options["include_usage"].as_bool().value_or(false);
  chat.needs.json_schema = root["response_format"]["type"].string_or("") == "json_schema";
  const std::string effort = root["reasoning_effort"].string_or("none");
  chat.needs.thinking = effort != "none";
  chat.end_user = root["user"].string_or(root["safety_identifier"].string_or(""));
  chat.prompt_cache_key = root["prompt_cache_key"].string_or("");
  return {};
}

void add_system_text(const std::vector<std::string>& texts, Chat& chat) {
  for (const std::string& text : texts) {
    if (!chat.system_text.empty()) chat.system_text.push_back('\n');
    chat.system_text += text;
  }
}

std::expected<void, Error> read_anthropic_settings(json::Value root, Chat& chat) {
  TRY_ASSIGN(std::vector<Part> system, read_parts(root["system"], "system"));
  add_system_text(text_parts({Role::kSystem, root["system"], std::move(system)}), chat);
  chat.needs.json_schema = given(root["output_config"]["format"]) || given(root["output_format"]);
  const json::Value thinking = root["thinking"];
  chat.needs.thinking = given(thinking) && thinking["type"].string_or("") != "disabled";
  chat.end_user = root["metadata"]["user_id"].string_or("");
  return {};
}

bool is_media(const Part& part) {
  if (part.kind == PartKind::kImage) return true;
  const std::string type = part.source["type"].string_or("");
  return type == "document" || type == "file" || type == "input_audio" || type == "video_url";
}

// Images inside tool results count as well.
void count_media(const std::vector<Part>& parts, Chat& chat, int64_t& media, size_t& media_bytes) {
  for (const Part& part : parts) {
    if (part.kind == PartKind::kImage) chat.needs.images = true;
    if (is_media(part)) {
      ++media;
      media_bytes += part.source.raw().size();
    } else if (part.kind == PartKind::kToolResult && part.content.is_array()) {
      // A malformed nested part is the provider's to refuse.
      if (const auto nested = read_parts(part.content, "content"))
        count_media(*nested, chat, media, media_bytes);
    }
  }
}

void estimate_tokens(Chat& chat) {
  int64_t media = 0;
  size_t media_bytes = 0;
  for (const Turn& turn : chat.turns)
    count_media(turn.parts, chat, media, media_bytes);
  const std::string& text = chat.body->text();
  // Bytes that do not continue a UTF-8 sequence; media are ASCII.
  const auto characters = std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0u) != 0x80; });
  chat.estimated_input_tokens =
      (characters - static_cast<int64_t>(media_bytes) + 3) / 4 + media * kTokensPerMedia;
}

bool holds_tool_result(const Turn& turn) {
  return std::ranges::any_of(turn.parts,
                             [](const Part& p) { return p.kind == PartKind::kToolResult; });
}

// Whether a call of the last assistant turn has no result after it. Calls without an id (legacy
// functions) are answered by any result.
bool has_open_tool_call(const std::vector<Turn>& turns) {
  const auto last = std::find_if(turns.rbegin(), turns.rend(),
                                 [](const Turn& t) { return t.role == Role::kAssistant; });
  if (last == turns.rend()) return false;
  std::set<std::string> answered;
  bool any_result = false;
  std::for_each(turns.rbegin(), last, [&](const Turn& turn) {
    for (const Part& part : turn.parts) {
      if (part.kind != PartKind::kToolResult) continue;
      any_result = true;
      answered.insert(part.id.string_or(""));
    }
  });
  return std::ranges::any_of(last->parts, [&](const Part& call) {
    if (call.kind != PartKind::kToolCall) return false;
    const auto id = call.id.as_string();
    return id ? !answered.contains(*id) : !any_result;
  });
}

void read_identity(Chat& chat) {
  for (const Turn& turn : chat.turns) {
    if (turn.role == Role::kSystem) add_system_text(text_parts(turn), chat);
    if (turn.role != Role::kUser) continue;
    auto texts = text_parts(turn);
    if (!has_words(texts)) continue;
    if (chat.user_turn_count++ == 0) chat.first_user_text = texts;
    chat.last_user_text = std::move(texts);
  }
  const Turn& last = chat.turns.back();
  chat.last_holds_tool_result = holds_tool_result(last);
  chat.ends_in_tool_result = chat.last_holds_tool_result && !has_words(text_parts(last));
  chat.tool_call_open = has_open_tool_call(chat.turns);
}

}  // namespace

std::vector<std::string> text_parts(const Turn& turn) {
  std::vector<std::string> texts;
  for (const Part& part : turn.parts)
    if (part.kind == PartKind::kText) texts.push_back(part.content.string_or(""));
  return texts;
}

std::expected<Chat, Error> decode_chat(Dialect dialect, std::string body) {
  TRY_ASSIGN(json::Document document, json::Document::parse(std::move(body), kBodyLimits));
  Chat chat;
  chat.dialect = dialect;
  chat.body = std::make_unique<json::Document>(std::move(document));
  const json::Value root = chat.body->root();
  if (!root.is_object()) return fail(ErrorCode::kInvalidArgument, "the body must be a JSON object");
  if (const auto twice = json::Document::duplicate_key(root))
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: the key stands twice in the body", twice->substr(0, 80)));
  TRY(read_settings(root, chat));
  if (dialect == Dialect::kOpenAi)
    TRY(read_openai_settings(root, chat));
  else
    TRY(read_anthropic_settings(root, chat));
  TRY_ASSIGN(chat.turns, read_turns(dialect, root["messages"]));
  read_identity(chat);
  estimate_tokens(chat);
  return chat;
}

}  // namespace weir::wire
