// What the simulated assistant says, before it takes the form of a dialect. Pure, thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "simulate/competence.h"
#include "simulate/confidence.h"
#include "simulate/prompt.h"

namespace weir::simulate {

struct ToolCall {
  std::string name;
  std::string arguments;  // a JSON object
};

enum class Finish { kStop, kLength, kTool };

struct Reply {
  std::string text;
  std::optional<ToolCall> call;
  Finish finish = Finish::kStop;
  std::vector<Token> tokens;  // of the text, where their probabilities are known
};

// A known question is answered, with its working from the strong model; a tool result is reported;
// a tool whose name holds a word of the question is called; anything else gets a polite line.
Reply make_reply(const Prompt& prompt, Tier tier, uint64_t seed);

// Asked for by a line `CONFIDENCE: <...>` in the question.
std::string confidence_line(double confidence);

// The text in pieces of about a word, which joined give it back.
std::vector<std::string_view> split_words(std::string_view text);
// What a stream sends one by one: the tokens, or words where no tokens are known.
std::vector<std::string_view> pieces_of(const Reply& reply);

}  // namespace weir::simulate
