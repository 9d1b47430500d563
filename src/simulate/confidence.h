// What the simulated models know of their own answers, as far as a client can see it: token
// probabilities that are about calibrated, and a stated confidence that is too high, as those of
// real models are (Xiong et al., arXiv 2306.13063). docs/simulator.md gives the formulas.
// Pure, thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "simulate/competence.h"

namespace weir::simulate {

// One token of an answer; joined they are its text.
struct Token {
  std::string text;
  double logprob = 0;
  std::vector<std::pair<std::string, double>> top;  // most likely first, the token among them
};

// Probability that the model's answer to a question of this difficulty is right.
double belief(Tier tier, int difficulty);

// 0.75 + 0.25 belief, give or take 0.05, in steps of 0.05, at most 1.
double stated_confidence(Tier tier, const Solved& solved, uint64_t seed);

// A token a word: the last has the probability `certainty`, the others at least 0.96.
std::vector<Token> tokens_of(std::string_view text, double certainty, uint64_t seed);

}  // namespace weir::simulate
