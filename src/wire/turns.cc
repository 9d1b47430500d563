#include "wire/turns.h"

#include <fmt/format.h>

#include <string>
#include <utility>

namespace weir::wire {
namespace {

// Part types of both dialects; the names do not clash. What is not listed is kOther.
PartKind kind_of(std::string_view type) {
  static constexpr std::pair<std::string_view, PartKind> kKinds[] = {
      {"text", PartKind::kText},         {"refusal", PartKind::kRefusal},
      {"image", PartKind::kImage},       {"image_url", PartKind::kImage},
      {"tool_use", PartKind::kToolCall}, {"tool_result", PartKind::kToolResult},
      {"thinking", PartKind::kThinking}, {"redacted_thinking", PartKind::kThinking},
  };
  for (const auto& [name, kind] : kKinds)
    if (name == type) return kind;
  return PartKind::kOther;
}

std::expected<Part, Error> read_part(json::Value source, const std::string& where) {
  if (!source.is_object()) return fail(ErrorCode::kInvalidArgument, where + " must be an object");
  const auto type = source["type"].as_string();
  if (!type) return fail(ErrorCode::kInvalidArgument, where + ".type must be a string");
  Part part{kind_of(*type), source, {}, {}, {}};
  switch (part.kind) {
    case PartKind::kText:
    case PartKind::kRefusal:
      part.content = source[*type];
      if (!part.content.is_string())
        return fail(ErrorCode::kInvalidArgument,
                    fmt::format("{}.{} must be a string", where, *type));
      break;
    case PartKind::kToolCall:
      part.content = source["input"];
      part.id = source["id"];
      part.name = source["name"];
      break;
    case PartKind::kToolResult:
      part.content = source["content"];
      part.id = source["tool_use_id"];
      break;
    default:
      break;
  }
  return part;
}

std::expected<Role, Error> read_role(Dialect dialect, json::Value message,
                                     const std::string& where) {
  const auto role = message["role"].as_string();
  if (!role) return fail(ErrorCode::kInvalidArgument, where + ".role must be a string");
  if (*role == "user") return Role::kUser;
  if (*role == "assistant") return Role::kAssistant;
  if (*role == "system") return Role::kSystem;
  if (dialect == Dialect::kOpenAi) {
    if (*role == "developer") return Role::kSystem;
    if (*role == "tool" || *role == "function") return Role::kTool;
  }
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("{}.role: unknown role '{}'", where, role->substr(0, 40)));
}

// OpenAI keeps tool calls and refusals beside the content.
std::expected<void, Error> add_openai_extras(json::Value message, const std::string& where,
                                             Turn& turn) {
  const json::Value refusal = message["refusal"];
  if (refusal.is_string()) turn.parts.push_back({PartKind::kRefusal, refusal, refusal, {}, {}});
  const json::Value calls = message["tool_calls"];
  if (calls.exists() && !calls.is_null() && !calls.is_array())
    return fail(ErrorCode::kInvalidArgument, where + ".tool_calls must be an array");
  for (const json::Value call : calls) {
    const json::Value function = call["function"];
    turn.parts.push_back(
        {PartKind::kToolCall, call, function["arguments"], call["id"], function["name"]});
  }
  if (const json::Value legacy = message["function_call"]; legacy.is_object())
    turn.parts.push_back({PartKind::kToolCall, legacy, legacy["arguments"], {}, legacy["name"]});
  return {};
}

}  // namespace

std::expected<std::vector<Part>, Error> read_parts(json::Value content, std::string_view where) {
  std::vector<Part> parts;
  if (content.is_string()) {
    parts.push_back({PartKind::kText, content, content, {}, {}});
  } else if (content.is_array()) {
    size_t index = 0;
    for (const json::Value element : content) {
      TRY_ASSIGN(Part part, read_part(element, fmt::format("{}[{}]", where, index++)));
      parts.push_back(part);
    }
  } else if (content.exists() && !content.is_null()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} must be a string or an array of parts", where));
  }
  return parts;
}

std::expected<std::vector<Turn>, Error> read_turns(Dialect dialect, json::Value messages) {
  if (!messages.is_array())
    return fail(ErrorCode::kInvalidArgument, "messages must be an array of messages");
  std::vector<Turn> turns;
  for (const json::Value message : messages) {
    const std::string where = fmt::format("messages[{}]", turns.size());
    if (!message.is_object())
      return fail(ErrorCode::kInvalidArgument, where + " must be an object");
    Turn turn;
    turn.source = message;
    TRY_ASSIGN(turn.role, read_role(dialect, message, where));
    const json::Value content = message["content"];
    if (turn.role == Role::kTool) {
      turn.parts.push_back({PartKind::kToolResult, message, content, message["tool_call_id"], {}});
    } else {
      TRY_ASSIGN(turn.parts, read_parts(content, where + ".content"));
      if (dialect == Dialect::kOpenAi && turn.role == Role::kAssistant)
        TRY(add_openai_extras(message, where, turn));
    }
    turns.push_back(std::move(turn));
  }
  if (turns.empty()) return fail(ErrorCode::kInvalidArgument, "messages must not be empty");
  return turns;
}

}  // namespace weir::wire
