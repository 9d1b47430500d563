// The families behind question.h, one pair of functions each. Internal to simulate.
#pragma once

#include <optional>
#include <string_view>

#include "base/random.h"
#include "simulate/question.h"

namespace weir::simulate {

Question make_arithmetic(int difficulty, Random& random);
std::optional<Solved> solve_arithmetic(std::string_view text);
Question make_word_problem(int difficulty, Random& random);
std::optional<Solved> solve_word_problem(std::string_view text);
Question make_units(int difficulty, Random& random);
std::optional<Solved> solve_units(std::string_view text);
Question make_dates(int difficulty, Random& random);
std::optional<Solved> solve_dates(std::string_view text);
Question make_fact(int difficulty, Random& random);
std::optional<Solved> solve_fact(std::string_view text);
Question make_code(int difficulty, Random& random);
std::optional<Solved> solve_code(std::string_view text);
Question make_support(int difficulty, Random& random);
std::optional<Solved> solve_support(std::string_view text);

// Uniform in [least, most].
inline int64_t draw(Random& random, int64_t least, int64_t most) {
  return least + static_cast<int64_t>(random.below(static_cast<uint64_t>(most - least + 1)));
}

template <typename T, size_t kCount>
const T& draw_from(Random& random, const T (&items)[kCount]) {
  return items[random.below(kCount)];
}

}  // namespace weir::simulate
