// Routers whose judge is a language model: what it is asked, and how its answer becomes numbers.
// The numbers take the place of an embedding (RouterFile::embed with a URL): five log-probabilities
// for kind causal, after RouteLLM's causal classifier (Ong et al., arXiv 2406.18665), whose labels
// [[1]] to [[5]] rate the weak model's answer beforehand; YES and NO for kind llm.
// Pure functions, thread-safe. Whoever asks: gateway/router_llm.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "model/kind.h"

namespace weir::model {

inline constexpr size_t kLabels = 5;
inline constexpr size_t kGoodLabels = 2;   // [[4]] and [[5]]: the weak answer will do
inline constexpr size_t kLabelTokens = 6;  // the label stands among the first so many, or nowhere
inline constexpr std::string_view kPromptSetting = "prompt";  // of the router file; may be missing
inline constexpr std::string_view kQueryPlace = "{query}";    // where a prompt takes the question

constexpr bool is_answer_kind(Kind kind) {
  return kind == Kind::kCausal || kind == Kind::kLlm;
}
// How many numbers an answer gives. Requires is_answer_kind.
constexpr uint32_t answer_dimension(Kind kind) {
  return kind == Kind::kCausal ? kLabels : 2;
}
std::string_view default_prompt(Kind kind);

// The body of an OpenAI chat completion that asks for the answer. Of a long query the end is kept.
std::string answer_request(Kind kind, std::string_view prompt, std::string_view model,
                           std::string_view query);

// The numbers in a chat completion. Fails: kCorrupt saying what is missing (no content, as from a
// model that spent its tokens on reasoning; no label; no log-probabilities; neither YES nor NO).
[[nodiscard]] std::expected<std::vector<float>, Error> read_answer(Kind kind, json::Value body);

// P(strong needed): 1 - P(label >= 4), or the share of YES.
double prob_strong_of_labels(const float* logprobs);
double prob_strong_of_words(const float* yes_no);

}  // namespace weir::model
