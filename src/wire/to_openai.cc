#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "wire/translate_request.h"
#include "wire/turns.h"

namespace weir::wire {
namespace {

constexpr size_t kUserLimit = 64;
constexpr size_t kStopLimit = 4;

bool is_direct(json::Value callers) {
  return callers.size() == 0 || (callers.size() == 1 && callers.at(0).string_or("") == "direct");
}

using enum Fate;

// clang-format off
constexpr FieldRule kRequestRules[] = {
    {"model"}, {"messages"}, {"system"}, {"max_tokens"}, {"stream"}, {"stop_sequences"},
    {"temperature"}, {"top_p"}, {"tools"}, {"tool_choice"}, {"metadata"}, {"output_config"},
    {"output_format"}, {"thinking"},
    {"cache_control", kDropped}, {"context_management", kDropped}, {"diagnostics", kDropped},
    {"service_tier", kDropped}, {"speed", kDropped}, {"user_profile_id", kDropped},
    {"workspace_id", kDropped},
    {"mcp_servers", kRefused, is_empty},
};
constexpr FieldRule kMessageRules[] = {{"role"}, {"content"}};
constexpr FieldRule kTextRules[] = {{"type"}, {"text"}};
constexpr FieldRule kToolUseRules[] = {{"type"}, {"id"}, {"name"}, {"input"}};
constexpr FieldRule kToolResultRules[] = {{"type"}, {"tool_use_id"}, {"content"}};
constexpr FieldRule kToolRules[] = {
    {"name"}, {"description"}, {"input_schema"}, {"type"}, {"strict"},
    {"defer_loading", kRefused, is_false}, {"allowed_callers", kRefused, is_direct},
};
constexpr FieldRule kConfigRules[] = {{"format"}};
// clang-format on

// The JSON of text parts: a string when there is one, else an array of parts; `if_none` for none.
std::string text_content(const std::vector<json::Value>& texts, std::string_view if_none) {
  if (texts.empty()) return std::string(if_none);
  if (texts.size() == 1) return std::string(texts.front().raw());
  json::Writer out;
  out.begin_array();
  for (const json::Value& text : texts)
    out.begin_object().member("type", "text").raw_member("text", text.raw()).end_object();
  return out.end_array().take();
}

std::expected<std::vector<json::Value>, Error> texts_of(const std::vector<Part>& parts,
                                                        const std::string& where,
                                                        std::string_view path,
                                                        std::vector<std::string>& dropped) {
  std::vector<json::Value> texts;
  for (const Part& part : parts) {
    if (part.kind != PartKind::kText)
      return inexpressible(fmt::format("{} ({})", where, part.source["type"].string_or("part")));
    if (part.source.is_object())
      TRY(apply_rules(part.source, path, kTextRules, Unknown::kDropped, dropped));
    texts.push_back(part.content);
  }
  return texts;
}

void write_message(std::string_view role, std::string_view content, json::Writer& out) {
  out.begin_object().member("role", role).raw_member("content", content).end_object();
}

std::expected<void, Error> write_tool_result(const Part& result, const std::string& where,
                                             std::vector<std::string>& dropped, json::Writer& out) {
  TRY(apply_rules(result.source, "messages.content", kToolResultRules, Unknown::kDropped, dropped));
  TRY_ASSIGN(const std::vector<Part> parts, read_parts(result.content, where));
  TRY_ASSIGN(const std::vector<json::Value> texts,
             texts_of(parts, where, "messages.content.content", dropped));
  // OpenAI has no mark for a failed tool; without any text it would look like success.
  const bool failed = result.source["is_error"].as_bool().value_or(false);
  out.begin_object().member("role", "tool");
  out.raw_member("tool_call_id", tool_id(Dialect::kOpenAi, result.id));
  out.raw_member("content", text_content(texts, failed ? R"("error")" : R"("")")).end_object();
  return {};
}

std::expected<void, Error> write_user_turn(const Turn& turn, const std::string& where,
                                           std::vector<std::string>& dropped, json::Writer& out) {
  std::vector<Part> rest;
  bool has_results = false;
  for (const Part& part : turn.parts) {
    if (part.kind == PartKind::kToolResult) {
      TRY(write_tool_result(part, where, dropped, out));
      has_results = true;
    } else {
      rest.push_back(part);
    }
  }
  if (rest.empty() && has_results) return {};
  TRY_ASSIGN(const std::vector<json::Value> texts,
             texts_of(rest, where, "messages.content", dropped));
  write_message("user", text_content(texts, R"("")"), out);
  return {};
}

bool is_blank_turn(const Turn& turn) {
  return std::ranges::all_of(turn.parts, [](const Part& part) { return is_blank(part.content); });
}

std::expected<void, Error> write_assistant_turn(const Turn& turn, const std::string& where,
                                                std::vector<std::string>& dropped,
                                                json::Writer& out) {
  std::vector<Part> texts;
  json::Writer calls;
  calls.begin_array();
  size_t call_count = 0;
  if (is_blank_turn(turn)) return {};
  for (const Part& part : turn.parts) {
    if (part.kind == PartKind::kThinking) {
      // Another model's reasoning, signed by its provider: of no use to this one.
      note_dropped("messages.content.thinking", dropped);
    } else if (part.kind == PartKind::kToolCall) {
      TRY(apply_rules(part.source, "messages.content", kToolUseRules, Unknown::kDropped, dropped));
      if (!part.name.is_string()) return inexpressible(where, "a call without a name");
      calls.begin_object().raw_member("id", tool_id(Dialect::kOpenAi, part.id));
      calls.member("type", "function").key("function").begin_object();
      calls.raw_member("name", part.name.raw());
      calls.member("arguments", given(part.content) ? part.content.raw() : "{}");
      calls.end_object().end_object();
      ++call_count;
    } else {
      texts.push_back(part);
    }
  }
  TRY_ASSIGN(const std::vector<json::Value> words,
             texts_of(texts, where, "messages.content", dropped));
  if (words.empty() && call_count == 0) return {};
  out.begin_object().member("role", "assistant");
  out.raw_member("content", text_content(words, "null"));
  if (call_count > 0) out.raw_member("tool_calls", calls.end_array().take());
  out.end_object();
  return {};
}

std::expected<void, Error> write_messages(const Chat& chat, Encoded& encoded, json::Writer& out) {
  out.key("messages").begin_array();
  TRY_ASSIGN(const std::vector<Part> system, read_parts(chat.body->root()["system"], "system"));
  TRY_ASSIGN(const std::vector<json::Value> texts,
             texts_of(system, "system", "system", encoded.dropped));
  if (!texts.empty()) write_message("system", text_content(texts, ""), out);
  for (size_t i = 0; i < chat.turns.size(); ++i) {
    const Turn& turn = chat.turns[i];
    const std::string where = fmt::format("messages[{}].content", i);
    TRY(apply_rules(turn.source, "messages", kMessageRules, Unknown::kDropped, encoded.dropped));
    if (turn.role == Role::kAssistant) {
      // OpenAI would answer anew where Anthropic goes on with the text.
      if (i + 1 == chat.turns.size() && !is_blank_turn(turn))
        return inexpressible("messages", "the last message is the assistant's");
      TRY(write_assistant_turn(turn, where, encoded.dropped, out));
    } else if (turn.role == Role::kUser) {
      TRY(write_user_turn(turn, where, encoded.dropped, out));
    } else {
      TRY_ASSIGN(const std::vector<json::Value> words,
                 texts_of(turn.parts, where, "messages.content", encoded.dropped));
      write_message("system", text_content(words, R"("")"), out);
    }
  }
  out.end_array();
  return {};
}

std::expected<void, Error> write_tools(json::Value tools, Encoded& encoded, json::Writer& out) {
  if (tools.size() == 0) return {};
  out.key("tools").begin_array();
  size_t index = 0;
  for (const json::Value tool : tools) {
    const std::string where = fmt::format("tools[{}]", index++);
    if (tool["type"].string_or("custom") != "custom" || !tool["name"].is_string())
      return inexpressible(where + ".type");
    TRY(apply_rules(tool, "tools", kToolRules, Unknown::kDropped, encoded.dropped));
    out.begin_object().member("type", "function").key("function").begin_object();
    out.raw_member("name", tool["name"].raw());
    for (const auto& [from, to] : {std::pair{"description", "description"},
                                   {"input_schema", "parameters"},
                                   {"strict", "strict"}})
      if (given(tool[from])) out.raw_member(to, tool[from].raw());
    out.end_object().end_object();
  }
  out.end_array();
  return {};
}

std::expected<void, Error> write_tool_choice(json::Value root, json::Writer& out) {
  const json::Value choice = root["tool_choice"];
  if (root["tools"].size() == 0 || !given(choice)) return {};
  const std::string type = choice["type"].string_or("");
  if (type == "auto" || type == "none") {
    out.member("tool_choice", type);
  } else if (type == "any") {
    out.member("tool_choice", "required");
  } else if (type == "tool" && choice["name"].is_string()) {
    out.key("tool_choice").begin_object().member("type", "function").key("function");
    out.begin_object().raw_member("name", choice["name"].raw()).end_object().end_object();
  } else {
    return inexpressible("tool_choice");
  }
  if (choice["disable_parallel_tool_use"].as_bool().value_or(false))
    out.member("parallel_tool_calls", false);
  return {};
}

std::expected<void, Error> write_sampling(json::Value root, json::Writer& out) {
  for (const char* name : {"temperature", "top_p"})
    if (given(root[name])) out.raw_member(name, root[name].raw());
  const json::Value stop = root["stop_sequences"];
  if (stop.size() > kStopLimit) return inexpressible("stop_sequences", "more than four");
  if (stop.size() > 0) out.raw_member("stop", stop.raw());
  return {};
}

std::expected<void, Error> write_format(json::Value root, Encoded& encoded, json::Writer& out) {
  TRY(apply_rules(root["output_config"], "output_config", kConfigRules, Unknown::kRefused,
                  encoded.dropped));
  const json::Value config = root["output_config"]["format"];
  const json::Value format = given(config) ? config : root["output_format"];
  if (!given(format)) return {};
  if (format["type"].string_or("") != "json_schema" || !format["schema"].is_object())
    return inexpressible("output_config.format");
  out.key("response_format").begin_object().member("type", "json_schema").key("json_schema");
  out.begin_object().member("name", "answer").raw_member("schema", format["schema"].raw());
  out.member("strict", true).end_object().end_object();
  return {};
}

std::expected<void, Error> write_metadata(json::Value metadata, Encoded& encoded,
                                          json::Writer& out) {
  for (const json::Value member : metadata)
    if (member.key() != "user_id") note_dropped("metadata." + member.key(), encoded.dropped);
  const auto user = metadata["user_id"].as_string();
  if (user && user->size() <= kUserLimit)
    out.raw_member("user", metadata["user_id"].raw());
  else if (user)
    note_dropped("metadata.user_id", encoded.dropped);
  return {};
}

}  // namespace

std::expected<Encoded, Error> write_openai_request(const Chat& chat, const EncodeTarget& target) {
  const json::Value root = chat.body->root();
  Encoded encoded;
  TRY(apply_rules(root, "", kRequestRules, Unknown::kRefused, encoded.dropped));
  if (chat.needs.thinking) return inexpressible("thinking");
  json::Writer out;
  out.begin_object().member("model", target.model);
  TRY(write_messages(chat, encoded, out));
  if (chat.max_output_tokens) out.member("max_completion_tokens", *chat.max_output_tokens);
  TRY(write_tools(root["tools"], encoded, out));
  TRY(write_tool_choice(root, out));
  TRY(write_sampling(root, out));
  TRY(write_format(root, encoded, out));
  TRY(write_metadata(root["metadata"], encoded, out));
  if (chat.stream) {
    out.member("stream", true);
    if (target.add_stream_usage)
      out.key("stream_options").begin_object().member("include_usage", true).end_object();
  }
  encoded.body = out.end_object().take();
  return encoded;
}

}  // namespace weir::wire
