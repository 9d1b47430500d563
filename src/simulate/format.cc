#include "simulate/format.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "base/json.h"

namespace weir::simulate {
namespace {

using json::Writer;
using wire::Dialect;

std::string_view finish_word(Dialect dialect, Finish finish) {
  const bool openai = dialect == Dialect::kOpenAi;
  switch (finish) {
    case Finish::kStop:
      return openai ? "stop" : "end_turn";
    case Finish::kLength:
      return openai ? "length" : "max_tokens";
    case Finish::kTool:
      return openai ? "tool_calls" : "tool_use";
  }
  return "";
}

std::string_view error_word(Dialect dialect, int status) {
  const bool openai = dialect == Dialect::kOpenAi;
  switch (status) {
    case 401:
      return openai ? "invalid_api_key" : "authentication_error";
    case 403:
      return openai ? "permission_denied" : "permission_error";
    case 404:
      return openai ? "model_not_found" : "not_found_error";
    case 413:
      return openai ? "invalid_request_error" : "request_too_large";
    case 429:
      return openai ? "rate_limit_exceeded" : "rate_limit_error";
    case 529:
      return openai ? "server_error" : "overloaded_error";
    default:
      break;
  }
  if (status >= 500) return openai ? "server_error" : "api_error";
  return "invalid_request_error";
}

void write_openai_usage(const Answer& answer, Writer& out) {
  out.key("usage").begin_object();
  out.member("prompt_tokens", answer.input_tokens);
  out.member("completion_tokens", answer.output_tokens);
  out.member("total_tokens", answer.input_tokens + answer.output_tokens);
  out.key("prompt_tokens_details").begin_object().member("cached_tokens", 0).end_object();
  out.key("completion_tokens_details").begin_object().member("reasoning_tokens", 0).end_object();
  if (answer.tokens_estimated) out.member("estimated", true);
  out.end_object();
}

void write_anthropic_usage(const Answer& answer, int64_t output_tokens, Writer& out) {
  out.key("usage").begin_object();
  out.member("input_tokens", answer.input_tokens);
  out.member("cache_creation_input_tokens", 0).member("cache_read_input_tokens", 0);
  out.member("output_tokens", output_tokens);
  if (answer.tokens_estimated) out.member("estimated", true);
  out.end_object();
}

void write_openai_call(const Answer& answer, Writer& out) {
  const ToolCall& call = *answer.reply.call;
  out.begin_object().member("id", "call_" + answer.id).member("type", "function");
  out.key("function").begin_object();
  out.member("name", call.name).member("arguments", call.arguments);
  out.end_object().end_object();
}

void write_token(const Token& token, size_t top_logprobs, Writer& out) {
  const auto write = [&](std::string_view text, double logprob) {
    out.member("token", text).member("logprob", logprob).key("bytes").begin_array();
    for (const char c : text)
      out.value(static_cast<int>(static_cast<unsigned char>(c)));
    out.end_array();
  };
  out.begin_object();
  write(token.text, token.logprob);
  out.key("top_logprobs").begin_array();
  for (size_t i = 0; i < std::min(top_logprobs, token.top.size()); ++i) {
    out.begin_object();
    write(token.top[i].first, token.top[i].second);
    out.end_object();
  }
  out.end_array().end_object();
}

// The member `logprobs` of a choice: null where they were not asked for.
void write_logprobs(const Answer& answer, std::span<const Token> tokens, Writer& out) {
  out.key("logprobs");
  if (!answer.logprobs) {
    out.null();
    return;
  }
  out.begin_object().key("content").begin_array();
  for (const Token& token : tokens)
    write_token(token, answer.top_logprobs, out);
  out.end_array().key("refusal").null().end_object();
}

std::string openai_body(const Answer& answer) {
  Writer out;
  out.begin_object();
  out.member("id", "chatcmpl-" + answer.id).member("object", "chat.completion");
  out.member("created", answer.created_unix_s).member("model", answer.model);
  out.key("choices").begin_array().begin_object().member("index", 0);
  out.key("message").begin_object().member("role", "assistant").key("content");
  if (answer.reply.call) {
    out.null().key("tool_calls").begin_array();
    write_openai_call(answer, out);
    out.end_array();
  } else {
    out.value(answer.reply.text);
  }
  out.key("refusal").null().end_object();
  write_logprobs(answer, answer.reply.tokens, out);
  out.member("finish_reason", finish_word(Dialect::kOpenAi, answer.reply.finish));
  out.end_object().end_array();
  if (answer.usage == UsageReport::kFull) write_openai_usage(answer, out);
  out.member("system_fingerprint", answer.fingerprint);
  out.end_object();
  return out.take();
}

std::string anthropic_body(const Answer& answer) {
  Writer out;
  out.begin_object();
  out.member("id", "msg_" + answer.id).member("type", "message").member("role", "assistant");
  out.member("model", answer.model).key("content").begin_array().begin_object();
  if (const auto& call = answer.reply.call) {
    out.member("type", "tool_use").member("id", "toolu_" + answer.id).member("name", call->name);
    out.raw_member("input", call->arguments);
  } else {
    out.member("type", "text").member("text", answer.reply.text);
  }
  out.end_object().end_array();
  out.member("stop_reason", finish_word(Dialect::kAnthropic, answer.reply.finish));
  out.key("stop_sequence").null();
  if (answer.usage == UsageReport::kFull) write_anthropic_usage(answer, answer.output_tokens, out);
  out.member("system_fingerprint", answer.fingerprint);
  out.end_object();
  return out.take();
}

class OpenAiStream {
 public:
  OpenAiStream(const Answer& answer, bool include_usage)
      : answer_(answer), include_usage_(include_usage) {}

  std::vector<Event> run() {
    add(Event::Kind::kHead,
        [](Writer& delta) { delta.member("role", "assistant").member("content", ""); });
    if (answer_.reply.call) {
      add_call();
    } else {
      const std::span<const Token> tokens(answer_.reply.tokens);
      const auto pieces = pieces_of(answer_.reply);
      for (size_t i = 0; i < pieces.size(); ++i)
        add(
            Event::Kind::kContent, [&](Writer& delta) { delta.member("content", pieces[i]); }, "",
            tokens.subspan(std::min(i, tokens.size()), i < tokens.size() ? 1 : 0));
    }
    add(Event::Kind::kTail, [](Writer&) {}, finish_word(Dialect::kOpenAi, answer_.reply.finish));
    if (include_usage_ && answer_.usage == UsageReport::kFull) add_usage();
    events_.push_back({Event::Kind::kTerminal, "data: [DONE]\n\n"});
    return std::move(events_);
  }

 private:
  void begin(Writer& out) const {
    out.begin_object();
    out.member("id", "chatcmpl-" + answer_.id).member("object", "chat.completion.chunk");
    out.member("created", answer_.created_unix_s).member("model", answer_.model);
    out.member("system_fingerprint", answer_.fingerprint);
  }
  void end(Event::Kind kind, Writer& out) {
    out.end_object();
    events_.push_back({kind, fmt::format("data: {}\n\n", out.text())});
  }

  template <typename WriteDelta>
  void add(Event::Kind kind, WriteDelta write_delta, std::string_view finish = "",
           std::span<const Token> tokens = {}) {
    Writer out;
    begin(out);
    out.key("choices").begin_array().begin_object().member("index", 0);
    out.key("delta").begin_object();
    write_delta(out);
    out.end_object();
    if (tokens.empty())
      out.key("logprobs").null();
    else
      write_logprobs(answer_, tokens, out);
    out.key("finish_reason");
    finish.empty() ? out.null() : out.value(finish);
    out.end_object().end_array();
    if (include_usage_) out.key("usage").null();
    end(kind, out);
  }

  // The arguments arrive in pieces that cut the JSON anywhere.
  void add_call() {
    const ToolCall& call = *answer_.reply.call;
    add(Event::Kind::kContent, [&](Writer& delta) {
      delta.key("tool_calls").begin_array().begin_object().member("index", 0);
      delta.member("id", "call_" + answer_.id).member("type", "function");
      delta.key("function").begin_object().member("name", call.name).member("arguments", "");
      delta.end_object().end_object().end_array();
    });
    constexpr size_t kPiece = 7;
    for (size_t i = 0; i < call.arguments.size(); i += kPiece)
      add(Event::Kind::kContent, [&](Writer& delta) {
        delta.key("tool_calls").begin_array().begin_object().member("index", 0);
        delta.key("function").begin_object();
        delta.member("arguments", std::string_view(call.arguments).substr(i, kPiece));
        delta.end_object().end_object().end_array();
      });
  }

  void add_usage() {
    Writer out;
    begin(out);
    out.key("choices").begin_array().end_array();
    write_openai_usage(answer_, out);
    end(Event::Kind::kTail, out);
  }

  const Answer& answer_;
  bool include_usage_;
  std::vector<Event> events_;
};

class AnthropicStream {
 public:
  explicit AnthropicStream(const Answer& answer) : answer_(answer) {}

  std::vector<Event> run() {
    add(Event::Kind::kHead, "message_start", [&](Writer& out) { write_start(out); });
    add(Event::Kind::kHead, "content_block_start", [&](Writer& out) { write_block(out); });
    add(Event::Kind::kHead, "ping", [](Writer&) {});
    if (const auto& call = answer_.reply.call) {
      constexpr size_t kPiece = 7;
      for (size_t i = 0; i < call->arguments.size(); i += kPiece)
        add_delta("input_json_delta", "partial_json",
                  std::string_view(call->arguments).substr(i, kPiece));
    } else {
      for (const std::string_view piece : pieces_of(answer_.reply))
        add_delta("text_delta", "text", piece);
    }
    add(Event::Kind::kTail, "content_block_stop", [](Writer& out) { out.member("index", 0); });
    add(Event::Kind::kTail, "message_delta", [&](Writer& out) {
      out.key("delta").begin_object();
      out.member("stop_reason", finish_word(Dialect::kAnthropic, answer_.reply.finish));
      out.key("stop_sequence").null().end_object();
      if (answer_.usage == UsageReport::kFull)
        out.key("usage").begin_object().member("output_tokens", answer_.output_tokens).end_object();
    });
    add(Event::Kind::kTerminal, "message_stop", [](Writer&) {});
    return std::move(events_);
  }

 private:
  template <typename WriteRest>
  void add(Event::Kind kind, std::string_view type, WriteRest write_rest) {
    Writer out;
    out.begin_object().member("type", type);
    write_rest(out);
    out.end_object();
    events_.push_back({kind, fmt::format("event: {}\ndata: {}\n\n", type, out.text())});
  }

  void add_delta(std::string_view type, std::string_view key, std::string_view text) {
    add(Event::Kind::kContent, "content_block_delta", [&](Writer& out) {
      out.member("index", 0).key("delta").begin_object();
      out.member("type", type).member(key, text).end_object();
    });
  }

  void write_start(Writer& out) const {
    out.key("message").begin_object();
    out.member("id", "msg_" + answer_.id).member("type", "message").member("role", "assistant");
    out.member("model", answer_.model).key("content").begin_array().end_array();
    out.key("stop_reason").null().key("stop_sequence").null();
    if (answer_.usage == UsageReport::kFull) write_anthropic_usage(answer_, 1, out);
    out.member("system_fingerprint", answer_.fingerprint);
    out.end_object();
  }

  void write_block(Writer& out) const {
    out.member("index", 0).key("content_block").begin_object();
    if (const auto& call = answer_.reply.call) {
      out.member("type", "tool_use").member("id", "toolu_" + answer_.id);
      out.member("name", call->name).key("input").begin_object().end_object();
    } else {
      out.member("type", "text").member("text", "");
    }
    out.end_object();
  }

  const Answer& answer_;
  std::vector<Event> events_;
};

}  // namespace

std::string whole_body(Dialect dialect, const Answer& answer) {
  return dialect == Dialect::kOpenAi ? openai_body(answer) : anthropic_body(answer);
}

std::vector<Event> stream_events(Dialect dialect, const Answer& answer, bool include_usage) {
  if (dialect == Dialect::kOpenAi) return OpenAiStream(answer, include_usage).run();
  return AnthropicStream(answer).run();
}

std::string error_body(Dialect dialect, int status, std::string_view message) {
  Writer out;
  out.begin_object();
  const std::string_view word = error_word(dialect, status);
  if (dialect == Dialect::kAnthropic) {
    out.member("type", "error").key("error").begin_object();
    out.member("type", word).member("message", message).end_object();
  } else {
    out.key("error").begin_object().member("message", message);
    out.member("type", status == 429   ? "rate_limit_error"
                       : status >= 500 ? "server_error"
                                       : "invalid_request_error");
    out.key("param").null().member("code", word).end_object();
  }
  out.end_object();
  return out.take();
}

std::string error_event(Dialect dialect, int status, std::string_view message) {
  const std::string body = error_body(dialect, status, message);
  if (dialect == Dialect::kAnthropic) return fmt::format("event: error\ndata: {}\n\n", body);
  return fmt::format("data: {}\n\n", body);
}

}  // namespace weir::simulate
