// The neutral form of a chat request, between the dialects of the providers. decode_chat() reads
// client JSON once; nobody parses it again. encode_chat() writes the body for a candidate model: in
// the client's own dialect all bytes outside the edited values stay identical; across dialects it
// translates text, system prompt, tools, tool calls and results.
// Sources: OpenAI API reference (chat completions), Anthropic API reference (Messages).
// Pure functions; a Chat is immutable after decoding.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "wire/dialect.h"

namespace weir::wire {

// What the request needs of a model.
struct Needs {
  bool tools = false;
  bool images = false;
  bool json_schema = false;
  bool thinking = false;
};

enum class Role : uint8_t {
  kSystem,  // system and developer
  kUser,
  kAssistant,
  kTool,  // OpenAI's tool and function messages; Anthropic's results stand in a user turn
};

enum class PartKind : uint8_t {
  kText,
  kRefusal,  // OpenAI: the assistant declined
  kImage,
  kToolCall,
  kToolResult,
  kThinking,  // readable or redacted
  kOther,     // documents, audio, server tools ...: only the same dialect can carry it
};

// A piece of a message. Values point into Chat::body.
struct Part {
  PartKind kind = PartKind::kOther;
  json::Value source;  // the whole part as it stands in the request
  // kText, kRefusal: the string. kToolCall: the arguments (OpenAI: a string, Anthropic: an object).
  // kToolResult: the content (string or array).
  json::Value content;
  json::Value id;    // kToolCall, kToolResult
  json::Value name;  // kToolCall
};

struct Turn {
  Role role = Role::kUser;
  json::Value source;
  std::vector<Part> parts;
};

struct Chat {
  Dialect dialect = Dialect::kOpenAi;
  std::unique_ptr<json::Document> body;  // the client's bytes; a pointer, so that Values stay valid
  std::vector<Turn> turns;               // every message, in order; without Anthropic's `system`

  std::string model{};  // as asked for
  bool stream = false;
  bool wants_stream_usage = false;  // the client itself asked for include_usage
  std::optional<int64_t> max_output_tokens;
  Needs needs;

  // For routing and for the conversation's identity.
  std::string system_text;                   // all system/developer text
  std::vector<std::string> first_user_text;  // text parts of the first user turn
  std::vector<std::string> last_user_text;   // text parts of the last user turn with words
  int user_turn_count = 0;                   // user turns that hold words of the user
  bool ends_in_tool_result = false;          // a tool step without words: not a new user turn
  bool last_holds_tool_result = false;       // the last message has results, perhaps words too
  bool tool_call_open = false;               // the last assistant turn awaits tool results
  std::string end_user;                      // `user` / metadata.user_id, "" when none
  std::string prompt_cache_key;              // "" when none
  // Characters / 4 over the whole request, rounded up; an image or other media counts 1,500.
  int64_t estimated_input_tokens = 0;
};

// The text parts of a turn, unescaped; tool results and refusals are no text.
std::vector<std::string> text_parts(const Turn& turn);

// Strict on what weir needs, lenient elsewhere: unknown fields and parts are kept as they are.
// Fails with kInvalidArgument and a message that names the field (malformed JSON, duplicate
// top-level key, missing model or messages, wrong types); kTooLarge over the JSON limits.
[[nodiscard]] std::expected<Chat, Error> decode_chat(Dialect dialect, std::string body);

struct EncodeTarget {
  Dialect dialect = Dialect::kOpenAi;
  std::string model{};           // what the provider calls it
  bool add_stream_usage = true;  // OpenAI streams: ask for usage when the client did not
  // Anthropic needs max_tokens: used across dialects when the client gave none; 0 means 4,096.
  int64_t default_max_tokens = 0;
};

struct Encoded {
  std::string path;  // "/v1/messages" or "/v1/chat/completions"
  std::string body;
  std::vector<std::string> dropped;  // hints without effect on the answer: named in x-weir-dropped
};

// Fails: kUnsupported naming the field that the target dialect cannot express.
[[nodiscard]] std::expected<Encoded, Error> encode_chat(const Chat& chat,
                                                        const EncodeTarget& target);

// Whether encode_chat would succeed. Free in the chat's own dialect, one translation otherwise.
[[nodiscard]] std::expected<void, Error> check_expressible(const Chat& chat, Dialect target);

}  // namespace weir::wire
