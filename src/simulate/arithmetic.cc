#include <fmt/format.h>

#include <algorithm>

#include "simulate/expression.h"
#include "simulate/families.h"

namespace weir::simulate {
namespace {

constexpr std::string_view kOpenings[] = {"What is ", "Calculate ", "Work out ", "How much is "};
constexpr int kOperatorsLimit = 9;

int difficulty_of(int operators, int64_t largest, bool brackets) {
  return std::clamp(operators + (largest > 12 ? 1 : 0) + (brackets ? 1 : 0), 1, kMostDifficult);
}

}  // namespace

Question make_arithmetic(int difficulty, Random& random) {
  const bool brackets = difficulty >= 5;
  const bool large = difficulty >= 3;
  const int operators =
      std::clamp(difficulty - (large ? 1 : 0) - (brackets ? 1 : 0), 1, kOperatorsLimit);
  const auto number = [&] { return large ? draw(random, 13, 60) : draw(random, 2, 12); };
  // The value is kept as a sum of finished terms and the term that may still grow.
  int64_t finished = 0, term = number();
  std::string text = fmt::format("{}", term);
  int left = operators;
  if (brackets) {
    const int64_t a = number(), b = number();
    term = a + b;
    text = fmt::format("({} + {})", a, b);
    --left;
  }
  bool multiplied = false;
  for (; left > 0; --left) {
    const int64_t next = number();
    const uint64_t pick = random.below(multiplied ? 2 : 3);
    multiplied = pick == 2;
    if (multiplied) {
      term *= next;
      text += fmt::format(" * {}", next);
    } else {
      finished += term;
      term = pick == 0 ? next : -next;
      text += fmt::format(" {} {}", pick == 0 ? '+' : '-', next);
    }
  }
  Question question;
  question.family = Family::kArithmetic;
  question.text = fmt::format("{}{}?", draw_from(random, kOpenings), text);
  question.answer = fmt::format("{}", finished + term);
  question.difficulty = difficulty_of(operators, large ? 60 : 12, brackets);
  return question;
}

std::optional<Solved> solve_arithmetic(std::string_view text) {
  std::optional<Solved> last;
  for (const std::string_view opening : kOpenings) {
    const size_t at = text.rfind(opening);
    if (at == std::string_view::npos || (last && last->position > at)) continue;
    const std::string_view rest = text.substr(at + opening.size());
    const auto value = evaluate(rest);
    if (!value || value->operators == 0) continue;
    Solved solved;
    solved.family = Family::kArithmetic;
    const bool mark = rest.substr(value->length).starts_with('?');
    solved.text = text.substr(at, opening.size() + value->length + (mark ? 1 : 0));
    solved.position = at;
    solved.answer = fmt::format("{}", value->value);
    solved.difficulty = difficulty_of(value->operators, value->largest, value->brackets);
    solved.working = {fmt::format("{} = {}.", rest.substr(0, value->length), value->value)};
    last = std::move(solved);
  }
  return last;
}

}  // namespace weir::simulate
