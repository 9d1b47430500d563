// What a provider must know of a request, read straight from the JSON of either dialect. Kept apart
// from wire on purpose: a provider of our own that shared weir's decoder would share its mistakes.
// Pure, thread-safe.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "wire/dialect.h"

namespace weir::simulate {

struct ToolParameter {
  std::string name;
  std::string type;  // JSON schema: "string", "number" ...
};
struct Tool {
  std::string name;
  std::vector<ToolParameter> required;
};

struct Prompt {
  wire::Dialect dialect = wire::Dialect::kOpenAi;
  std::string model;
  bool stream = false;
  bool stream_usage = false;  // Anthropic always reports usage
  std::optional<int64_t> max_tokens;
  std::optional<double> temperature;
  bool logprobs = false;                   // OpenAI's: of each token
  size_t top_logprobs = 0;                 // so many alternatives of each
  bool asks_confidence = false;            // the question ends by asking for a line CONFIDENCE
  std::string question;                    // text of the last user message that has text
  std::optional<std::string> tool_result;  // text of the results that end the conversation
  std::vector<Tool> tools;
  std::string all_text;  // everything that counts as input
};

// Fails: kInvalidArgument naming the field that is missing or wrong.
[[nodiscard]] std::expected<Prompt, Error> read_prompt(wire::Dialect dialect, std::string body);

}  // namespace weir::simulate
