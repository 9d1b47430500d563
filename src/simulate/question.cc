#include "simulate/question.h"

#include <algorithm>

#include "base/check.h"
#include "simulate/families.h"

namespace weir::simulate {
namespace {

constexpr size_t kTextWindow = 64 << 10;

struct FamilyRow {
  Family family;
  std::string_view name;
  Question (*make)(int difficulty, Random& random);
  std::optional<Solved> (*solve)(std::string_view text);
};
constexpr FamilyRow kRows[] = {
    {Family::kArithmetic, "arithmetic", make_arithmetic, solve_arithmetic},
    {Family::kWordProblem, "word problem", make_word_problem, solve_word_problem},
    {Family::kUnits, "units", make_units, solve_units},
    {Family::kDates, "dates", make_dates, solve_dates},
    {Family::kFacts, "facts", make_fact, solve_fact},
    {Family::kCode, "code", make_code, solve_code},
    {Family::kSupport, "support", make_support, solve_support}};

const FamilyRow& row_of(Family family) {
  const auto found = std::ranges::find(kRows, family, &FamilyRow::family);
  CHECK(found != std::end(kRows));
  return *found;
}

std::string normalised(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return "";
  text = text.substr(first, text.find_last_not_of(kBlank) - first + 1);
  if (text.ends_with('.')) text.remove_suffix(1);
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower;
}

// Families whose questions reach beyond the easy ones.
constexpr Family kHardFamilies[] = {Family::kArithmetic, Family::kWordProblem, Family::kUnits,
                                    Family::kDates,      Family::kCode,        Family::kSupport};

}  // namespace

std::string_view to_string(Family family) {
  return row_of(family).name;
}

Question make_question(Family family, int difficulty, Random& random) {
  return row_of(family).make(std::clamp(difficulty, 1, kMostDifficult), random);
}

Question make_mixed_question(Random& random) {
  constexpr double kEasyShare = 0.65;
  if (random.uniform() < kEasyShare)
    return make_question(draw_from(random, kFamilies), static_cast<int>(draw(random, 1, 3)),
                         random);
  return make_question(draw_from(random, kHardFamilies),
                       static_cast<int>(draw(random, 4, kMostDifficult)), random);
}

std::optional<Solved> solve(std::string_view text) {
  if (text.size() > kTextWindow) text.remove_prefix(text.size() - kTextWindow);
  std::optional<Solved> last;
  for (const FamilyRow& row : kRows) {
    auto solved = row.solve(text);
    // A question inside a longer one (a sum within a program) belongs to the longer one.
    const auto end = [](const Solved& s) { return s.position + s.text.size(); };
    if (solved && (!last || end(*solved) > end(*last) ||
                   (end(*solved) == end(*last) && solved->position < last->position)))
      last = std::move(solved);
  }
  return last;
}

bool is_correct(std::string_view reply, std::string_view answer) {
  constexpr std::string_view kMark = "answer is ";
  const size_t mark = reply.rfind(kMark);
  if (mark == std::string_view::npos) return false;
  return normalised(reply.substr(mark + kMark.size())) == normalised(answer);
}

}  // namespace weir::simulate
