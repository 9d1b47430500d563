#include "simulate/competence.h"

#include <fmt/format.h>

#include <cmath>

#include "base/digest.h"
#include "simulate/pattern.h"

namespace weir::simulate {
namespace {

uint64_t draw_of(Tier tier, const Solved& solved, uint64_t seed, uint64_t purpose) {
  return siphash({seed, (static_cast<uint64_t>(tier) << 8) | purpose}, solved.text);
}

std::string wrong_answer(const Solved& solved, uint64_t draw) {
  if (!solved.others.empty()) return solved.others[draw % solved.others.size()];
  const int64_t off = static_cast<int64_t>(draw % 9) + 1;
  const int64_t value = to_number(solved.answer).value_or(0);
  return std::to_string((draw >> 32) % 2 == 0 ? value + off : value - off);
}

}  // namespace

Tier tier_of(std::string_view model) {
  for (const std::string_view cheap :
       {"weak", "haiku", "mini", "nano", "luna", "small", "flash", "lite"})
    if (model.find(cheap) != std::string_view::npos) return Tier::kWeak;
  return Tier::kStrong;
}

double error_rate(Tier tier, int difficulty) {
  if (tier == Tier::kStrong) return 0.01 + 0.012 * difficulty;
  return 0.02 + 0.90 / (1 + std::exp(5.0 - difficulty));
}

std::string answer_of(Tier tier, const Solved& solved, uint64_t seed) {
  const double draw = to_unit_interval(draw_of(tier, solved, seed, 0));
  if (draw >= error_rate(tier, solved.difficulty)) return solved.answer;
  return wrong_answer(solved, draw_of(tier, solved, seed, 1));
}

}  // namespace weir::simulate
