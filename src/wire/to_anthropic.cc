#include <fmt/format.h>

#include <utility>

#include "wire/translate_request.h"
#include "wire/turns.h"

namespace weir::wire {
namespace {

constexpr int64_t kDefaultMaxTokens = 4'096;
constexpr size_t kUserIdLimit = 256;

bool is_one(json::Value value) {
  return value.as_double() == 1.0;
}

bool is_text_only(json::Value modalities) {
  return modalities.size() == 1 && modalities.at(0).string_or("") == "text";
}

bool is_none(json::Value value) {
  return value.string_or("") == "none";
}

bool is_medium(json::Value value) {
  return value.string_or("") == "medium";
}

using enum Fate;

// clang-format off
constexpr FieldRule kRequestRules[] = {
    {"model"}, {"messages"}, {"stream"}, {"stream_options"}, {"max_tokens"},
    {"max_completion_tokens"}, {"temperature"}, {"top_p"}, {"stop"}, {"tools"}, {"tool_choice"},
    {"parallel_tool_calls"}, {"response_format"}, {"user"},
    {"metadata", kDropped}, {"prediction", kDropped}, {"prompt_cache_key", kDropped},
    {"prompt_cache_options", kDropped}, {"prompt_cache_retention", kDropped},
    {"safety_identifier", kDropped}, {"seed", kDropped}, {"service_tier", kDropped},
    {"store", kDropped},
    {"audio", kRefused}, {"modalities", kRefused, is_text_only}, {"n", kRefused, is_one},
    {"frequency_penalty", kRefused, is_zero}, {"presence_penalty", kRefused, is_zero},
    {"logit_bias", kRefused, is_empty}, {"logprobs", kRefused, is_false},
    {"top_logprobs", kRefused, is_zero}, {"reasoning_effort", kRefused, is_none},
    {"verbosity", kRefused, is_medium}, {"functions", kRefused, is_empty},
    {"function_call", kRefused, is_none},
};
constexpr FieldRule kMessageRules[] = {
    {"role"}, {"content"}, {"tool_calls"}, {"tool_call_id"}, {"refusal"},
    {"name", kRefused}, {"audio", kRefused}, {"function_call", kRefused},
};
constexpr FieldRule kToolMessageRules[] = {{"role"}, {"content"}, {"tool_call_id"}};
constexpr FieldRule kTextRules[] = {{"type"}, {"text"}, {"refusal"}};
constexpr FieldRule kFunctionRules[] = {
    {"name"}, {"description"}, {"parameters"}, {"strict"},
};
// clang-format on

// One message of the translated request; blocks are JSON.
struct Message {
  bool is_user = true;
  bool holds_results = false;
  std::vector<std::string> blocks{};
};

std::string text_block(json::Value text) {
  return fmt::format(R"({{"type":"text","text":{}}})", text.raw());
}

// Anthropic refuses blank text blocks, so they go: nothing stands in them.
std::expected<void, Error> add_text(const Part& part, const std::string& where,
                                    std::vector<std::string>& blocks,
                                    std::vector<std::string>& dropped) {
  if (part.kind != PartKind::kText && part.kind != PartKind::kRefusal)
    return inexpressible(fmt::format("{} ({})", where, part.source["type"].string_or("part")));
  if (part.source.is_object())
    TRY(apply_rules(part.source, "messages.content", kTextRules, Unknown::kDropped, dropped));
  if (!is_blank(part.content)) blocks.push_back(text_block(part.content));
  return {};
}

// A model's malformed arguments stay readable inside an object: Anthropic takes nothing else.
std::string arguments_object(json::Value arguments) {
  const std::string text = arguments.string_or("");
  if (text.find_first_not_of(" \t\r\n") == std::string::npos) return "{}";
  const auto document = json::Document::parse(text, kArgumentLimits);
  if (document && document->root().is_object()) return std::string(document->root().raw());
  json::Writer out;
  return out.begin_object().member("malformed_arguments", text).end_object().take();
}

std::expected<std::string, Error> tool_use_block(const Part& call, const std::string& where) {
  if (call.source["type"].string_or("function") != "function")
    return inexpressible(where + ".tool_calls (custom)");
  const json::Value& name = call.name;
  if (!name.is_string()) return inexpressible(where + ".tool_calls", "a call without a name");
  return fmt::format(R"({{"type":"tool_use","id":{},"name":{},"input":{}}})",
                     tool_id(Dialect::kAnthropic, call.id), name.raw(),
                     arguments_object(call.content));
}

std::expected<std::string, Error> tool_result_block(const Part& result, const std::string& where,
                                                    std::vector<std::string>& dropped) {
  if (!result.id.is_string()) return inexpressible(where, "a result without tool_call_id");
  std::vector<std::string> blocks;
  TRY_ASSIGN(const std::vector<Part> parts, read_parts(result.content, where + ".content"));
  for (const Part& part : parts)
    TRY(add_text(part, where + ".content", blocks, dropped));
  std::string content = fmt::format("[{}]", fmt::join(blocks, ","));
  if (result.content.is_string()) content = result.content.raw();
  return fmt::format(R"({{"type":"tool_result","tool_use_id":{},"content":{}}})",
                     tool_id(Dialect::kAnthropic, result.id), content);
}

std::expected<void, Error> add_turn(const Turn& turn, const std::string& where,
                                    std::vector<Message>& messages,
                                    std::vector<std::string>& dropped) {
  Message message{.is_user = turn.role != Role::kAssistant,
                  .holds_results = turn.role == Role::kTool};
  if (turn.source["role"].string_or("") == "function") return inexpressible(where + ".role");
  TRY(apply_rules(turn.source, "messages",
                  turn.role == Role::kTool ? std::span<const FieldRule>(kToolMessageRules)
                                           : std::span<const FieldRule>(kMessageRules),
                  Unknown::kDropped, dropped));
  for (const Part& part : turn.parts) {
    if (part.kind == PartKind::kToolCall) {
      TRY_ASSIGN(std::string block, tool_use_block(part, where));
      message.blocks.push_back(std::move(block));
    } else if (part.kind == PartKind::kToolResult) {
      TRY_ASSIGN(std::string block, tool_result_block(part, where, dropped));
      message.blocks.push_back(std::move(block));
    } else {
      TRY(add_text(part, where + ".content", message.blocks, dropped));
    }
  }
  if (message.blocks.empty()) return {};
  // Results must open the user message that follows their calls, all of them in one.
  if (message.is_user && !messages.empty() && messages.back().holds_results) {
    std::ranges::move(message.blocks, std::back_inserter(messages.back().blocks));
    return {};
  }
  messages.push_back(std::move(message));
  return {};
}

std::expected<void, Error> write_messages(const Chat& chat, Encoded& encoded, json::Writer& out) {
  std::vector<std::string> system;
  std::vector<Message> messages;
  for (size_t i = 0; i < chat.turns.size(); ++i) {
    const Turn& turn = chat.turns[i];
    const std::string where = fmt::format("messages[{}]", i);
    if (turn.role != Role::kSystem) {
      TRY(add_turn(turn, where, messages, encoded.dropped));
      continue;
    }
    TRY(apply_rules(turn.source, "messages", kMessageRules, Unknown::kDropped, encoded.dropped));
    for (const Part& part : turn.parts)
      TRY(add_text(part, where + ".content", system, encoded.dropped));
  }
  if (messages.empty()) return inexpressible("messages", "no message holds any text");
  if (!messages.back().is_user)
    return inexpressible("messages", "the last message is the assistant's");
  if (!system.empty()) out.raw_member("system", fmt::format("[{}]", fmt::join(system, ",")));
  out.key("messages").begin_array();
  for (const Message& message : messages) {
    out.begin_object().member("role", message.is_user ? "user" : "assistant");
    out.raw_member("content", fmt::format("[{}]", fmt::join(message.blocks, ","))).end_object();
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
    const json::Value function = tool["function"];
    if (tool["type"].string_or("") != "function" || !function["name"].is_string())
      return inexpressible(where + ".type");
    TRY(apply_rules(function, "tools.function", kFunctionRules, Unknown::kDropped,
                    encoded.dropped));
    out.begin_object().raw_member("name", function["name"].raw());
    if (given(function["description"]))
      out.raw_member("description", function["description"].raw());
    if (given(function["strict"])) out.raw_member("strict", function["strict"].raw());
    // Anthropic wants the type even when there is nothing to pass.
    const json::Value schema = function["parameters"];
    out.raw_member("input_schema", given(schema) && !is_empty(schema)
                                       ? schema.raw()
                                       : R"({"type":"object","properties":{}})");
    out.end_object();
  }
  out.end_array();
  return {};
}

std::expected<void, Error> write_tool_choice(json::Value root, json::Writer& out) {
  if (root["tools"].size() == 0) return {};
  const json::Value choice = root["tool_choice"];
  const bool one_at_a_time = is_false(root["parallel_tool_calls"]);
  if (!given(choice) && !one_at_a_time) return {};
  const std::string word = given(choice) ? choice.string_or("") : "auto";
  const json::Value name = choice["function"]["name"];
  std::string_view type;
  if (word == "auto" || word == "none")
    type = word;
  else if (word == "required")
    type = "any";
  else if (choice["type"].string_or("") == "function" && name.is_string())
    type = "tool";
  else
    return inexpressible("tool_choice");
  out.key("tool_choice").begin_object().member("type", type);
  if (type == "tool") out.raw_member("name", name.raw());
  if (one_at_a_time && type != "none") out.member("disable_parallel_tool_use", true);
  out.end_object();
  return {};
}

std::expected<void, Error> write_stop(json::Value stop, json::Writer& out) {
  if (!given(stop)) return {};
  std::vector<std::string_view> words;
  if (stop.is_string()) words.push_back(stop.raw());
  for (const json::Value word : stop) {
    // Anthropic wants a visible character in each.
    if (!word.is_string()) return inexpressible("stop");
    words.push_back(word.raw());
  }
  if (is_blank(stop)) return inexpressible("stop", "only white space");
  for (const json::Value word : stop)
    if (is_blank(word)) return inexpressible("stop", "only white space");
  if (!words.empty()) out.raw_member("stop_sequences", fmt::format("[{}]", fmt::join(words, ",")));
  return {};
}

std::expected<void, Error> write_sampling(json::Value root, json::Writer& out) {
  if (const json::Value temperature = root["temperature"]; given(temperature)) {
    // The scale is the same; Anthropic's ends at 1.
    if (temperature.as_double().value_or(2.0) > 1.0) return inexpressible("temperature", "above 1");
    out.raw_member("temperature", temperature.raw());
  }
  if (given(root["top_p"])) out.raw_member("top_p", root["top_p"].raw());
  return write_stop(root["stop"], out);
}

std::expected<void, Error> write_format(json::Value format, json::Writer& out) {
  const std::string type = format["type"].string_or("text");
  if (!given(format) || type == "text") return {};
  const json::Value schema = format["json_schema"]["schema"];
  if (type != "json_schema" || !schema.is_object()) return inexpressible("response_format");
  out.key("output_config").begin_object().key("format").begin_object();
  out.member("type", "json_schema").raw_member("schema", schema.raw()).end_object().end_object();
  return {};
}

void write_user(json::Value user, Encoded& encoded, json::Writer& out) {
  const auto text = user.as_string();
  if (!text) return;
  if (text->size() > kUserIdLimit) return note_dropped("user", encoded.dropped);
  out.key("metadata").begin_object().raw_member("user_id", user.raw()).end_object();
}

}  // namespace

std::expected<Encoded, Error> write_anthropic_request(const Chat& chat,
                                                      const EncodeTarget& target) {
  const json::Value root = chat.body->root();
  Encoded encoded;
  TRY(apply_rules(root, "", kRequestRules, Unknown::kRefused, encoded.dropped));
  const int64_t fallback =
      target.default_max_tokens > 0 ? target.default_max_tokens : kDefaultMaxTokens;
  json::Writer out;
  out.begin_object().member("model", target.model);
  out.member("max_tokens", chat.max_output_tokens.value_or(fallback));
  TRY(write_messages(chat, encoded, out));
  TRY(write_tools(root["tools"], encoded, out));
  TRY(write_tool_choice(root, out));
  TRY(write_sampling(root, out));
  TRY(write_format(root["response_format"], out));
  write_user(root["user"], encoded, out);
  if (chat.stream) out.member("stream", true);
  encoded.body = out.end_object().take();
  return encoded;
}

}  // namespace weir::wire
