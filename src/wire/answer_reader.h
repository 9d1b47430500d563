// Reads a provider's answer, whole or event by event, into steps that belong to neither dialect,
// and keeps the facts that every exchange needs. One reader an answer; not thread-safe.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "catalog/usage.h"
#include "wire/answer.h"
#include "wire/dialect.h"

namespace weir::wire {

enum class ChatEventKind : uint8_t {
  kStart,          // id and model are known in facts()
  kText,           // text: a piece of the answer
  kRefusal,        // text: a piece of a refusal
  kThinking,       // text: a piece of readable reasoning
  kToolStart,      // id, name
  kToolArguments,  // text: a piece of the arguments' JSON
  kToolEnd,
  kFinish,  // the reason is in facts(); usage may still follow
  kEnd,     // the terminal event
};

struct ChatEvent {
  ChatEventKind kind = ChatEventKind::kStart;
  std::string text;
  std::string id, name;
  int tool = 0;  // tool calls of the answer are numbered 0, 1, 2 ... in order of their start
};

struct AnswerFacts {
  catalog::Usage usage;
  std::string id, model, finish_reason;
  int64_t output_characters = 0;
  bool has_content = false;
  bool has_tool_calls = false;
  bool has_refusal = false;
  bool ended = false;
  std::optional<Failure> failure;
  std::string text;  // with RelayOptions::collect, as are the tokens
  TokenStats tokens;
};

AnswerView view_of(const AnswerFacts& facts);

class AnswerReader {
 public:
  explicit AnswerReader(const RelayOptions& options)
      : provider_(options.provider),
        collect_(options.collect),
        drop_logprobs_(options.logprobs_were_added),
        text_cut_(options.text_cut) {}

  // `data` of one event of the stream. Appends to `out`; nothing after `ended` or a failure.
  // Fails: kCorrupt; kTooLarge over 1,024 tool calls.
  [[nodiscard]] std::expected<void, Error> read_event(json::Value data,
                                                      std::vector<ChatEvent>& out);
  void read_done(std::vector<ChatEvent>& out);  // OpenAI's [DONE]

  // A whole answer; gives the steps up to kEnd. Fails as read_event.
  [[nodiscard]] std::expected<void, Error> read_answer(json::Value root,
                                                       std::vector<ChatEvent>& out);

  const AnswerFacts& facts() const { return facts_; }
  // What must change in the document just read before the client may see it. Taken once.
  std::vector<json::Edit> take_edits() { return std::exchange(edits_, {}); }

 private:
  struct Tool {
    int64_t index = 0;  // the provider's
    std::string id;
    bool open = true;
  };

  void start(json::Value message, std::vector<ChatEvent>& out);
  void add_text(ChatEventKind kind, json::Value text, std::vector<ChatEvent>& out);
  std::string cut_text(json::Value source, std::string piece);
  void read_logprobs(json::Value choice);
  void add_arguments(int tool, std::string text, std::vector<ChatEvent>& out);
  int open_tool(int64_t index, std::string id, std::string name, std::vector<ChatEvent>& out);
  void close_tools(std::vector<ChatEvent>& out);
  void finish(std::string reason, std::vector<ChatEvent>& out);

  std::expected<void, Error> read_openai_choices(json::Value choices, std::string_view message_key,
                                                 std::vector<ChatEvent>& out);
  std::expected<void, Error> read_openai_message(json::Value message, std::vector<ChatEvent>& out);
  void read_openai_call(json::Value call, int64_t position, std::vector<ChatEvent>& out);
  void count_further_choice(json::Value message);
  void estimate_output();
  void read_anthropic_event(json::Value event, std::vector<ChatEvent>& out);
  void read_anthropic_block(json::Value block, int64_t index, std::vector<ChatEvent>& out);
  void read_anthropic_delta(json::Value delta, int64_t index, std::vector<ChatEvent>& out);

  Dialect provider_;
  bool collect_, drop_logprobs_;
  std::optional<json::Range> text_cut_;
  size_t text_bytes_ = 0;  // of the answer's text so far, for the cut
  std::vector<json::Edit> edits_;
  AnswerFacts facts_;
  std::vector<Tool> tools_;
  bool started_ = false;
};

}  // namespace weir::wire
