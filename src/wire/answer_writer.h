// Writes the steps of an answer in the client's dialect, for answers that cross dialects.
// One writer an answer; not thread-safe.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "wire/answer.h"
#include "wire/answer_reader.h"

namespace weir::wire {

// The whole body from the steps of AnswerReader::read_answer.
std::string write_answer(const RelayOptions& options, const AnswerFacts& facts,
                         const std::vector<ChatEvent>& events);

// The client's word for the provider's finish reason.
std::string client_finish_reason(Dialect client, const AnswerFacts& facts);

class StreamWriter {
 public:
  explicit StreamWriter(RelayOptions options) : options_(std::move(options)) {}

  // Appends the frames for one step. Fails: kCorrupt when a tool call goes on after its end, which
  // Anthropic's blocks cannot say.
  [[nodiscard]] std::expected<void, Error> write(const ChatEvent& event, const AnswerFacts& facts,
                                                 std::string& out);

 private:
  enum class Block : uint8_t { kNone, kText, kTool };

  void write_openai(const ChatEvent& event, const AnswerFacts& facts, std::string& out);
  void write_openai_end(const AnswerFacts& facts, std::string& out);
  std::expected<void, Error> write_anthropic(const ChatEvent& event, const AnswerFacts& facts,
                                             std::string& out);
  void write_anthropic_end(const AnswerFacts& facts, std::string& out);
  void open_block(Block block, const ChatEvent& event, std::string& out);
  void close_block(std::string& out);
  void write_delta(std::string_view type, std::string_view member, std::string_view text,
                   std::string& out);
  json::Writer begin_chunk(const AnswerFacts& facts) const;

  RelayOptions options_;
  Block block_ = Block::kNone;
  int block_index_ = -1;  // Anthropic: of the open or last block
  bool tool_has_arguments_ = false;
  int open_tool_ = -1;
  bool started_ = false;
};

}  // namespace weir::wire
