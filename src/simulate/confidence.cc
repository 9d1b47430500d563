#include "simulate/confidence.h"

#include <algorithm>
#include <cmath>

#include "base/digest.h"
#include "simulate/reply.h"

namespace weir::simulate {
namespace {

constexpr double kLeast = 1e-6;  // no probability is nothing

Token make_token(std::string_view text, double probability) {
  probability = std::clamp(probability, kLeast, 1 - kLeast);
  const double runner_up = (1 - probability) * 0.8;
  Token token{std::string(text), std::log(probability), {}};
  token.top = {{token.text, token.logprob}, {token.text + "?", std::log(runner_up)}};
  if (runner_up > probability) std::swap(token.top[0], token.top[1]);
  return token;
}

}  // namespace

double belief(Tier tier, int difficulty) {
  return 1 - error_rate(tier, difficulty);
}

double stated_confidence(Tier tier, const Solved& solved, uint64_t seed) {
  constexpr uint64_t kPurpose = 0x7374617465;
  const double noise =
      0.1 * to_unit_interval(siphash({seed ^ kPurpose, static_cast<uint64_t>(tier)}, solved.text)) -
      0.05;
  const double stated = 0.75 + 0.25 * belief(tier, solved.difficulty) + noise;
  return std::clamp(std::round(20 * stated) / 20, 0.0, 1.0);
}

std::vector<Token> tokens_of(std::string_view text, double certainty, uint64_t seed) {
  constexpr uint64_t kPurpose = 0x746f6b656e;
  const std::vector<std::string_view> words = split_words(text);
  std::vector<Token> tokens;
  for (size_t i = 0; i < words.size(); ++i) {
    const double noise = to_unit_interval(siphash({seed ^ kPurpose, i}, text));
    tokens.push_back(make_token(words[i], i + 1 == words.size() ? certainty : 1 - 0.04 * noise));
  }
  return tokens;
}

}  // namespace weir::simulate
