#include "simulate/prompt.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"

namespace weir::simulate {
namespace {

using json::Value;
using wire::Dialect;

void append_line(std::string& out, std::string_view text) {
  if (!out.empty() && !text.empty()) out += '\n';
  out += text;
}

// The text of `content`: a string, or the text parts of a list.
std::string text_of(Value content) {
  if (content.is_string()) return content.string_or("");
  std::string text;
  for (const Value part : content)
    if (part["type"].string_or("") == "text") append_line(text, part["text"].string_or(""));
  return text;
}

// Anthropic puts tool results into user messages.
std::optional<std::string> tool_results_of(Value content) {
  std::optional<std::string> results;
  if (!content.is_array()) return results;
  for (const Value part : content) {
    if (part["type"].string_or("") != "tool_result") continue;
    if (!results) results.emplace();
    append_line(*results, text_of(part["content"]));
  }
  return results;
}

void read_message(Value message, Prompt& prompt) {
  const std::string role = message["role"].string_or("");
  const Value content = message["content"];
  const std::string text = text_of(content);
  append_line(prompt.all_text, text);
  if (role == "tool") {
    if (!prompt.tool_result) prompt.tool_result.emplace();
    append_line(*prompt.tool_result, text);
    return;
  }
  prompt.tool_result.reset();
  if (role != "user") {
    if (message["tool_calls"].exists()) append_line(prompt.all_text, message["tool_calls"].raw());
    return;
  }
  prompt.tool_result = tool_results_of(content);
  if (prompt.tool_result) append_line(prompt.all_text, *prompt.tool_result);
  if (!text.empty()) prompt.question = text;
}

Tool read_tool(Dialect dialect, Value tool) {
  const Value function = dialect == Dialect::kOpenAi ? tool["function"] : tool;
  const Value schema = function[dialect == Dialect::kOpenAi ? "parameters" : "input_schema"];
  Tool read{function["name"].string_or(""), {}};
  for (const Value name : schema["required"]) {
    const std::string key = name.string_or("");
    read.required.push_back({key, schema["properties"][key]["type"].string_or("string")});
  }
  return read;
}

std::unexpected<Error> wrong(std::string_view field, std::string_view what) {
  return fail(ErrorCode::kInvalidArgument, fmt::format("'{}' {}", field, what));
}

}  // namespace

std::expected<Prompt, Error> read_prompt(Dialect dialect, std::string body) {
  TRY_ASSIGN(const json::Document document, json::Document::parse(std::move(body)));
  const Value root = document.root();
  const bool openai = dialect == Dialect::kOpenAi;
  Prompt prompt;
  prompt.dialect = dialect;
  if (!root["model"].is_string()) return wrong("model", "must be a string");
  if (!root["messages"].is_array() || root["messages"].size() == 0)
    return wrong("messages", "must be a list with at least one message");
  prompt.model = root["model"].string_or("");
  prompt.stream = root["stream"].as_bool().value_or(false);
  prompt.stream_usage =
      !openai || root["stream_options"]["include_usage"].as_bool().value_or(false);
  prompt.max_tokens = root["max_tokens"].as_int64();
  if (!prompt.max_tokens && openai) prompt.max_tokens = root["max_completion_tokens"].as_int64();
  if (!prompt.max_tokens && !openai) return wrong("max_tokens", "is missing");
  if (prompt.max_tokens && *prompt.max_tokens < 1) return wrong("max_tokens", "must be at least 1");
  prompt.temperature = root["temperature"].as_double();
  prompt.logprobs = openai && root["logprobs"].as_bool().value_or(false);
  if (prompt.logprobs)
    prompt.top_logprobs = static_cast<size_t>(
        std::clamp<int64_t>(root["top_logprobs"].as_int64().value_or(0), 0, 20));
  prompt.all_text = text_of(root["system"]);
  for (const Value message : root["messages"]) {
    if (!message["role"].is_string()) return wrong("messages", "must have a role each");
    read_message(message, prompt);
  }
  prompt.asks_confidence = prompt.question.find("CONFIDENCE:") != std::string::npos;
  for (const Value tool : root["tools"]) {
    prompt.tools.push_back(read_tool(dialect, tool));
    append_line(prompt.all_text, tool.raw());
  }
  return prompt;
}

}  // namespace weir::simulate
