#include <fmt/format.h>

#include <algorithm>

#include "simulate/families.h"
#include "simulate/pattern.h"

namespace weir::simulate {
namespace {

constexpr std::string_view kNames[] = {"Maya", "Jonas", "Amina",  "Pedro",
                                       "Lucy", "Omar",  "Ingrid", "Kenji"};
constexpr std::string_view kThings[] = {"apples", "marbles", "stickers",
                                        "coins",  "books",   "cookies"};
constexpr std::string_view kStart = "{w} has {n} {w}.";
constexpr std::string_view kEnd = "How many {w} does {w} have now?";

enum class Step { kAdd, kTake, kTimes, kHalve, kShare, kAddBoxes, kTakeBoxes };
struct StepPattern {
  Step step;
  std::string_view pattern;
};
constexpr StepPattern kSteps[] = {
    {Step::kAdd, "A friend brings {n} more."},
    {Step::kAdd, "Then {n} others arrive in the post."},
    {Step::kTake, "Then {n} get lost on the way home."},
    {Step::kTake, "After that {n} are given to a neighbour."},
    {Step::kTimes, "A lucky game multiplies the pile by {n}."},
    {Step::kHalve, "Half of them are donated to the school."},
    {Step::kShare, "They are shared equally among {n} cousins, and one share is kept."},
    {Step::kAddBoxes, "Then {n} boxes are found with {n} in each."},
    {Step::kTakeBoxes, "Next {n} bundles of {n} are sold at the market."}};

bool takes_two(Step step) {
  return step == Step::kAddBoxes || step == Step::kTakeBoxes;
}

int difficulty_of(int steps, int pairs) {
  return std::clamp(steps + (pairs + 1) / 2, 1, kMostDifficult);
}

// The pile after one step; nullopt when it makes no sense (a rest, a negative pile, too large).
std::optional<int64_t> apply(Step step, int64_t pile, int64_t a, int64_t b) {
  constexpr int64_t kMost = 1'000'000'000'000;
  if (a < 0 || b < 0 || a > 1'000'000 || b > 1'000'000) return std::nullopt;
  switch (step) {
    case Step::kAdd:
      pile += a;
      break;
    case Step::kTake:
      pile -= a;
      break;
    case Step::kTimes:
      pile *= a;
      break;
    case Step::kHalve:
      if (pile % 2 != 0) return std::nullopt;
      pile /= 2;
      break;
    case Step::kShare:
      if (a == 0 || pile % a != 0) return std::nullopt;
      pile /= a;
      break;
    case Step::kAddBoxes:
      pile += a * b;
      break;
    case Step::kTakeBoxes:
      pile -= a * b;
      break;
  }
  return pile < 0 || pile > kMost ? std::nullopt : std::optional(pile);
}

struct Numbers {
  int64_t a = 0, b = 0;
};

// Numbers for which the step works and the pile stays small.
std::optional<Numbers> draw_numbers(Step step, int64_t pile, Random& random) {
  switch (step) {
    case Step::kAdd:
      return Numbers{draw(random, 2, 40), 0};
    case Step::kTake:
      return pile < 4 ? std::nullopt : std::optional(Numbers{draw(random, 1, pile / 2), 0});
    case Step::kTimes:
      return pile > 200 ? std::nullopt : std::optional(Numbers{draw(random, 2, 4), 0});
    case Step::kHalve:
      return pile % 2 != 0 ? std::nullopt : std::optional(Numbers{});
    case Step::kShare: {
      const int64_t a = draw(random, 3, 6);
      return pile < 12 || pile % a != 0 ? std::nullopt : std::optional(Numbers{a, 0});
    }
    case Step::kAddBoxes:
      return Numbers{draw(random, 2, 6), draw(random, 3, 12)};
    case Step::kTakeBoxes: {
      const int64_t a = draw(random, 2, 4), b = draw(random, 2, 6);
      return a * b > pile ? std::nullopt : std::optional(Numbers{a, b});
    }
  }
  return std::nullopt;
}

std::string sentence(const StepPattern& step, const Numbers& numbers) {
  if (step.step == Step::kHalve) return std::string(step.pattern);
  const std::string a = std::to_string(numbers.a);
  if (takes_two(step.step)) return fill(step.pattern, {a, std::to_string(numbers.b)});
  return fill(step.pattern, {a});
}

struct StepRead {
  Step step;
  Numbers numbers;
  size_t end;
};

std::optional<StepRead> read_step(std::string_view text, size_t position) {
  for (const StepPattern& known : kSteps) {
    const auto match = match_at(known.pattern, text, position);
    if (!match) continue;
    StepRead read{known.step, {}, match->end};
    if (!match->values.empty()) read.numbers.a = to_number(match->values[0]).value_or(-1);
    if (match->values.size() > 1) read.numbers.b = to_number(match->values[1]).value_or(-1);
    return read;
  }
  return std::nullopt;
}

// The story that begins at `start` and ends at `end`.
std::optional<Solved> read_story(std::string_view text, const Match& start, const Match& end) {
  auto pile = to_number(start.values[1]);
  if (!pile || *pile < 0 || *pile > 1'000'000) return std::nullopt;
  Solved solved;
  int steps = 0, pairs = 0;
  size_t position = start.end;
  while (position < end.begin && text[position] == ' ')
    ++position;
  while (position < end.begin) {
    const auto step = read_step(text, position);
    if (!step) return std::nullopt;
    const auto after = apply(step->step, *pile, step->numbers.a, step->numbers.b);
    if (!after) return std::nullopt;
    solved.working.push_back(fmt::format("That makes {} from {}.", *after, *pile));
    pile = after;
    ++steps;
    pairs += takes_two(step->step) ? 1 : 0;
    position = step->end;
    while (position < end.begin && text[position] == ' ')
      ++position;
  }
  solved.family = Family::kWordProblem;
  solved.position = start.begin;
  solved.text = text.substr(start.begin, end.end - start.begin);
  solved.answer = std::to_string(*pile);
  solved.difficulty = difficulty_of(steps, pairs);
  return solved;
}

}  // namespace

Question make_word_problem(int difficulty, Random& random) {
  const std::string name(draw_from(random, kNames)), thing(draw_from(random, kThings));
  int64_t pile = draw(random, 6, 48);
  std::string text = fill(kStart, {name, std::to_string(pile), thing});
  int steps = 0, pairs = 0;
  const int wanted = std::max(1, difficulty);
  while (difficulty_of(steps, pairs) < wanted || steps == 0) {
    const StepPattern& step = draw_from(random, kSteps);
    if (takes_two(step.step) && difficulty_of(steps + 1, pairs + 1) > wanted) continue;
    const auto numbers = draw_numbers(step.step, pile, random);
    if (!numbers) continue;
    const auto [a, b] = *numbers;
    pile = step.step == Step::kAdd        ? pile + a
           : step.step == Step::kTake     ? pile - a
           : step.step == Step::kTimes    ? pile * a
           : step.step == Step::kHalve    ? pile / 2
           : step.step == Step::kShare    ? pile / a
           : step.step == Step::kAddBoxes ? pile + a * b
                                          : pile - a * b;
    text += " " + sentence(step, *numbers);
    ++steps;
    pairs += takes_two(step.step) ? 1 : 0;
  }
  text += " " + fill(kEnd, {thing, name});
  return {Family::kWordProblem, std::move(text), std::to_string(pile), difficulty_of(steps, pairs)};
}

std::optional<Solved> solve_word_problem(std::string_view text) {
  const auto end = find_last(kEnd, text);
  if (!end) return std::nullopt;
  const std::string& name = end->values[1];
  const std::string opening = name + " has ";
  for (size_t at = text.rfind(opening, end->begin); at != std::string_view::npos;
       at = at == 0 ? std::string_view::npos : text.rfind(opening, at - 1)) {
    const auto start = match_at(kStart, text, at);
    if (!start || start->values[2] != end->values[0]) continue;
    return read_story(text, *start, *end);
  }
  return std::nullopt;
}

}  // namespace weir::simulate
