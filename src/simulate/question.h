// Questions with a known answer: the families that the simulator can really solve. A family can
// make a question of a wanted difficulty, knowing the answer from how it was built, and can find
// and solve one in any text, knowing only the text; the tests hold the two against each other.
// What each family asks and how difficulty is counted: docs/simulator.md.
// Pure functions, thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"

namespace weir::simulate {

enum class Family { kArithmetic, kWordProblem, kUnits, kDates, kFacts, kCode, kSupport };
inline constexpr Family kFamilies[] = {Family::kArithmetic, Family::kWordProblem, Family::kUnits,
                                       Family::kDates,      Family::kFacts,       Family::kCode,
                                       Family::kSupport};
std::string_view to_string(Family family);

inline constexpr int kMostDifficult = 10;

struct Question {
  Family family = Family::kArithmetic;
  std::string text;
  std::string answer;  // canonical: "42", "Tuesday", "14 March 1987", "Paris"
  int difficulty = 1;  // 1 to kMostDifficult
};

// A question found in a text.
struct Solved {
  Family family = Family::kArithmetic;
  std::string text;     // the question alone
  size_t position = 0;  // where it begins
  std::string answer;
  int difficulty = 1;
  std::vector<std::string> working;  // the way to the answer, one sentence each
  std::vector<std::string> others;   // plausible wrong answers; empty: another number
};

// As near to `difficulty` as the family can come.
Question make_question(Family family, int difficulty, Random& random);

// A mix like customer traffic: about two thirds easy (1 to 3), the rest spread over 4 to 10.
Question make_mixed_question(Random& random);

// The last question in the text; only its last 64 KiB are read. nullopt: none that is known.
std::optional<Solved> solve(std::string_view text);

// Whether a reply gives the answer: what follows its last "answer is", compared without case,
// white space at the ends, and the full stop.
bool is_correct(std::string_view reply, std::string_view answer);

}  // namespace weir::simulate
