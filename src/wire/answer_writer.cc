#include "wire/answer_writer.h"

#include <utility>

#include "wire/usage.h"
#include "wire/values.h"

namespace weir::wire {
namespace {

const std::string& or_fallback(const std::string& text, const std::string& fallback) {
  return text.empty() ? fallback : text;
}

bool is_known(const catalog::Usage& usage) {
  return usage.source != catalog::UsageSource::kNone;
}

bool is_json_object(const std::string& text) {
  const auto document = json::Document::parse(text, kArgumentLimits);
  return document && document->root().is_object();
}

// Arguments as an object: Anthropic's input cannot hold anything else.
std::string arguments_object(const std::string& arguments) {
  if (arguments.empty()) return "{}";
  if (is_json_object(arguments)) return arguments;
  json::Writer out;
  out.begin_object().member("malformed_arguments", arguments).end_object();
  return out.take();
}

// What a whole answer consists of, in either dialect.
struct Whole {
  struct Call {
    std::string id, name, arguments;
  };
  std::string text, refusal;
  std::vector<Call> calls;
};

Whole collect(const std::vector<ChatEvent>& events) {
  Whole whole;
  for (const ChatEvent& event : events) {
    switch (event.kind) {
      case ChatEventKind::kText:
        whole.text += event.text;
        break;
      case ChatEventKind::kRefusal:
        whole.refusal += event.text;
        break;
      case ChatEventKind::kToolStart:
        whole.calls.push_back({event.id, event.name, {}});
        break;
      case ChatEventKind::kToolArguments:
        whole.calls[static_cast<size_t>(event.tool)].arguments += event.text;
        break;
      default:
        break;
    }
  }
  return whole;
}

void write_openai_message(const Whole& whole, json::Writer& out) {
  out.begin_object().member("role", "assistant");
  if (whole.text.empty() && !whole.calls.empty())
    out.key("content").null();
  else
    out.member("content", whole.text);
  out.key("refusal").null();
  if (!whole.calls.empty()) {
    out.key("tool_calls").begin_array();
    for (const Whole::Call& call : whole.calls) {
      out.begin_object().member("id", call.id).member("type", "function");
      out.key("function").begin_object().member("name", call.name);
      out.member("arguments", call.arguments.empty() ? "{}" : call.arguments);
      out.end_object().end_object();
    }
    out.end_array();
  }
  out.end_object();
}

void write_anthropic_content(const Whole& whole, json::Writer& out) {
  out.begin_array();
  for (const std::string* text : {&whole.text, &whole.refusal})
    if (!text->empty())
      out.begin_object().member("type", "text").member("text", *text).end_object();
  for (const Whole::Call& call : whole.calls)
    out.begin_object()
        .member("type", "tool_use")
        .member("id", call.id)
        .member("name", call.name)
        .raw_member("input", arguments_object(call.arguments))
        .end_object();
  out.end_array();
}

void frame(std::string_view event, json::Writer& content, std::string& out) {
  if (!event.empty()) out.append("event: ").append(event).push_back('\n');
  out.append("data: ").append(content.take()).append("\n\n");
}

}  // namespace

std::string client_finish_reason(Dialect client, const AnswerFacts& facts) {
  struct Row {
    std::string_view provider, client;
  };
  static constexpr Row kToOpenAi[] = {
      {"end_turn", "stop"},
      {"stop_sequence", "stop"},
      {"pause_turn", "stop"},
      {"max_tokens", "length"},
      {"tool_use", "tool_calls"},
      {"refusal", "content_filter"},
      {"model_context_window_exceeded", "length"},
  };
  static constexpr Row kToAnthropic[] = {
      {"stop", "end_turn"},          {"length", "max_tokens"},      {"tool_calls", "tool_use"},
      {"function_call", "tool_use"}, {"content_filter", "refusal"},
  };
  if (client == Dialect::kOpenAi) {
    for (const Row& row : kToOpenAi)
      if (row.provider == facts.finish_reason) return std::string(row.client);
    return facts.has_tool_calls ? "tool_calls" : "stop";
  }
  // Some servers say "stop" behind tool calls.
  if (facts.has_refusal) return "refusal";
  if (facts.has_tool_calls && (facts.finish_reason == "stop" || facts.finish_reason.empty()))
    return "tool_use";
  for (const Row& row : kToAnthropic)
    if (row.provider == facts.finish_reason) return std::string(row.client);
  return "end_turn";
}

std::string write_answer(const RelayOptions& options, const AnswerFacts& facts,
                         const std::vector<ChatEvent>& events) {
  const Whole whole = collect(events);
  json::Writer out;
  out.begin_object().member("id", or_fallback(facts.id, options.fallback_id));
  const std::string& model = or_fallback(facts.model, options.fallback_model);
  const std::string reason = client_finish_reason(options.client, facts);
  if (options.client == Dialect::kOpenAi) {
    out.member("object", "chat.completion").member("created", options.created_unix_s);
    out.member("model", model).key("choices").begin_array().begin_object().member("index", 0);
    out.key("message");
    write_openai_message(whole, out);
    out.key("logprobs").null().member("finish_reason", reason).end_object().end_array();
  } else {
    out.member("type", "message").member("role", "assistant").member("model", model);
    out.key("content");
    write_anthropic_content(whole, out);
    out.member("stop_reason", reason).key("stop_sequence").null();
  }
  // Anthropic's shape demands counts; in OpenAI's, unknown ones are left out.
  if (options.client == Dialect::kAnthropic || is_known(facts.usage)) {
    out.key("usage");
    write_usage(options.client, facts.usage, out);
  }
  return out.end_object().take();
}

std::expected<void, Error> StreamWriter::write(const ChatEvent& event, const AnswerFacts& facts,
                                               std::string& out) {
  if (options_.client == Dialect::kAnthropic) return write_anthropic(event, facts, out);
  write_openai(event, facts, out);
  return {};
}

json::Writer StreamWriter::begin_chunk(const AnswerFacts& facts) const {
  json::Writer out;
  out.begin_object()
      .member("id", or_fallback(facts.id, options_.fallback_id))
      .member("object", "chat.completion.chunk")
      .member("created", options_.created_unix_s)
      .member("model", or_fallback(facts.model, options_.fallback_model));
  return out;
}

void StreamWriter::write_openai(const ChatEvent& event, const AnswerFacts& facts,
                                std::string& out) {
  std::string delta, reason = "null";
  json::Writer inside;
  const auto arguments = [&](std::string_view text) {
    tool_has_arguments_ = true;
    inside.begin_object().key("tool_calls").begin_array().begin_object();
    inside.member("index", event.tool).key("function").begin_object();
    inside.member("arguments", text).end_object().end_object().end_array().end_object();
  };
  switch (event.kind) {
    case ChatEventKind::kStart:
      inside.begin_object().member("role", "assistant").member("content", "").end_object();
      break;
    case ChatEventKind::kText:
    case ChatEventKind::kRefusal:
      inside.begin_object().member("content", event.text).end_object();
      break;
    case ChatEventKind::kToolStart:
      tool_has_arguments_ = false;
      inside.begin_object().key("tool_calls").begin_array().begin_object();
      inside.member("index", event.tool).member("id", event.id).member("type", "function");
      inside.key("function").begin_object().member("name", event.name).member("arguments", "");
      inside.end_object().end_object().end_array().end_object();
      break;
    case ChatEventKind::kToolArguments:
      arguments(event.text);
      break;
    case ChatEventKind::kToolEnd:
      // A call without arguments gives no piece, and OpenAI's clients parse what they collected.
      if (tool_has_arguments_) return;
      arguments("{}");
      break;
    case ChatEventKind::kFinish:
      inside.begin_object().end_object();
      reason = json::quoted(client_finish_reason(Dialect::kOpenAi, facts));
      break;
    case ChatEventKind::kThinking:
      return;
    case ChatEventKind::kEnd:
      write_openai_end(facts, out);
      return;
  }
  json::Writer chunk = begin_chunk(facts);
  chunk.key("choices").begin_array().begin_object().member("index", 0);
  chunk.raw_member("delta", inside.text()).key("logprobs").null();
  chunk.raw_member("finish_reason", reason).end_object().end_array().end_object();
  frame("", chunk, out);
}

void StreamWriter::write_openai_end(const AnswerFacts& facts, std::string& out) {
  if (options_.client_wants_usage && is_known(facts.usage)) {
    json::Writer chunk = begin_chunk(facts);
    chunk.key("choices").begin_array().end_array().key("usage");
    write_usage(Dialect::kOpenAi, facts.usage, chunk);
    chunk.end_object();
    frame("", chunk, out);
  }
  out += "data: [DONE]\n\n";
}

void StreamWriter::open_block(Block block, const ChatEvent& event, std::string& out) {
  close_block(out);
  block_ = block;
  ++block_index_;
  json::Writer start;
  start.begin_object().member("type", "content_block_start").member("index", block_index_);
  start.key("content_block").begin_object();
  if (block == Block::kText) {
    start.member("type", "text").member("text", "");
  } else {
    start.member("type", "tool_use").member("id", event.id).member("name", event.name);
    start.key("input").begin_object().end_object();
  }
  start.end_object().end_object();
  frame("content_block_start", start, out);
}

void StreamWriter::close_block(std::string& out) {
  if (std::exchange(block_, Block::kNone) == Block::kNone) return;
  json::Writer stop;
  stop.begin_object().member("type", "content_block_stop").member("index", block_index_);
  stop.end_object();
  frame("content_block_stop", stop, out);
}

void StreamWriter::write_delta(std::string_view type, std::string_view member,
                               std::string_view text, std::string& out) {
  json::Writer delta;
  delta.begin_object().member("type", "content_block_delta").member("index", block_index_);
  delta.key("delta").begin_object().member("type", type).member(member, text).end_object();
  delta.end_object();
  frame("content_block_delta", delta, out);
}

std::expected<void, Error> StreamWriter::write_anthropic(const ChatEvent& event,
                                                         const AnswerFacts& facts,
                                                         std::string& out) {
  if (!std::exchange(started_, true)) {
    json::Writer start;
    start.begin_object().member("type", "message_start").key("message").begin_object();
    start.member("id", or_fallback(facts.id, options_.fallback_id)).member("type", "message");
    start.member("role", "assistant");
    start.member("model", or_fallback(facts.model, options_.fallback_model));
    start.key("content").begin_array().end_array();
    start.key("stop_reason").null().key("stop_sequence").null().key("usage");
    write_usage(Dialect::kAnthropic, facts.usage, start);
    start.end_object().end_object();
    frame("message_start", start, out);
  }
  switch (event.kind) {
    case ChatEventKind::kText:
    case ChatEventKind::kRefusal:
      if (block_ != Block::kText) open_block(Block::kText, event, out);
      write_delta("text_delta", "text", event.text, out);
      break;
    case ChatEventKind::kToolStart:
      open_block(Block::kTool, event, out);
      open_tool_ = event.tool;
      break;
    case ChatEventKind::kToolArguments:
      if (block_ != Block::kTool || event.tool != open_tool_)
        return fail(ErrorCode::kCorrupt, "the provider's stream goes back to an ended tool call");
      write_delta("input_json_delta", "partial_json", event.text, out);
      break;
    case ChatEventKind::kToolEnd:
    case ChatEventKind::kFinish:
      close_block(out);
      break;
    case ChatEventKind::kEnd:
      write_anthropic_end(facts, out);
      break;
    case ChatEventKind::kStart:
    case ChatEventKind::kThinking:
      break;
  }
  return {};
}

// Usage comes behind the finish reason in OpenAI's streams, so the last two events wait for the
// end.
void StreamWriter::write_anthropic_end(const AnswerFacts& facts, std::string& out) {
  close_block(out);
  json::Writer delta;
  delta.begin_object().member("type", "message_delta").key("delta").begin_object();
  delta.member("stop_reason", client_finish_reason(Dialect::kAnthropic, facts));
  delta.key("stop_sequence").null().end_object().key("usage");
  write_usage(Dialect::kAnthropic, facts.usage, delta);
  delta.end_object();
  frame("message_delta", delta, out);
  json::Writer stop;
  stop.begin_object().member("type", "message_stop").end_object();
  frame("message_stop", stop, out);
}

}  // namespace weir::wire
