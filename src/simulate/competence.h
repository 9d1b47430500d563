// How often the two simulated models are wrong, and what they then say. The rates are a stated
// formula (docs/simulator.md), the draw is a hash of seed, model and question: the same question
// gets the same answer for ever. Pure, thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "simulate/question.h"

namespace weir::simulate {

enum class Tier { kWeak, kStrong };
constexpr std::string_view to_string(Tier tier) {
  return tier == Tier::kWeak ? "weak" : "strong";
}

// sim-weak and sim-strong; of other names those that sound cheap (haiku, mini, nano ...) are weak.
Tier tier_of(std::string_view model);

// weak: 0.02 + 0.90 / (1 + e^(5 - difficulty));  strong: 0.01 + 0.012 difficulty.
double error_rate(Tier tier, int difficulty);

// What the model answers: solved.answer, or something wrong.
std::string answer_of(Tier tier, const Solved& solved, uint64_t seed);

}  // namespace weir::simulate
