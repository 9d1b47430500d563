#include "quality/refusal.h"

#include <algorithm>
#include <array>

#include "quality/extract.h"

namespace weir::quality {
namespace {

constexpr size_t kReadBytes = 400;

// As folded() leaves text.
constexpr auto kPhrases = std::to_array<std::string_view>({
    "i can't help",
    "i cannot help",
    "i can't assist",
    "i cannot assist",
    "i'm unable to help",
    "i am unable to help",
    "i'm not able to help",
    "i am not able to help",
    "i'm unable to assist",
    "i am unable to assist",
    "i'm not able to assist",
    "i am not able to assist",
    "i can't provide",
    "i cannot provide",
    "i'm unable to provide",
    "i am unable to provide",
    "i can't fulfill",
    "i cannot fulfill",
    "i can't answer that",
    "i cannot answer that",
    "i can't comply",
    "i cannot comply",
    "i won't be able to",
    "i will not be able to",
    "i must decline",
    "i have to decline",
    "i'm sorry, but i can",
    "i am sorry, but i can",
    "i'm sorry, i can't",
    "i'm sorry, i cannot",
    "sorry, but i can't",
    "sorry, i can't",
    "sorry, i cannot",
    "i apologize, but i can",
    "as an ai language model, i",
    "as an ai model, i",
    "as an ai, i",
    "against my guidelines",
    "against my programming",
});

}  // namespace

bool looks_like_refusal(std::string_view answer) {
  const std::string text = folded(trimmed(answer).substr(0, kReadBytes));
  return std::ranges::any_of(
      kPhrases, [&](std::string_view phrase) { return text.find(phrase) != std::string::npos; });
}

}  // namespace weir::quality
