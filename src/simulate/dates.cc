#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "simulate/families.h"
#include "simulate/pattern.h"

namespace weir::simulate {
namespace {

namespace chrono = std::chrono;

constexpr std::array<std::string_view, 12> kMonths = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};
constexpr std::array<std::string_view, 7> kWeekdays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                       "Thursday", "Friday", "Saturday"};

constexpr std::string_view kWeekday = "What day of the week was {n} {w} {n}?";
constexpr std::string_view kAfter = "What is the date {n} days after {n} {w} {n}?";
constexpr std::string_view kBetween = "How many days lie from {n} {w} {n} to {n} {w} {n}?";
constexpr int kWeekdayDifficulty = 6;

int after_difficulty(int64_t days) {
  return days <= 20 ? 2 : days <= 120 ? 5 : 8;
}
int between_difficulty(int64_t days) {
  return days <= 60 ? 4 : days <= 366 ? 6 : 9;
}

std::string print(chrono::sys_days day) {
  const chrono::year_month_day date(day);
  return fmt::format("{} {} {}", static_cast<unsigned>(date.day()),
                     kMonths[static_cast<unsigned>(date.month()) - 1],
                     static_cast<int>(date.year()));
}

std::string weekday_name(chrono::sys_days day) {
  return std::string(kWeekdays[chrono::weekday(day).c_encoding()]);
}

// Three values of a match: day, month, year.
std::optional<chrono::sys_days> read_date(const std::vector<std::string>& values, size_t first) {
  const auto day = to_number(values[first]), year = to_number(values[first + 2]);
  const auto month = std::ranges::find(kMonths, values[first + 1]);
  if (!day || !year || month == kMonths.end() || *day < 1 || *day > 31 || *year < 1583 ||
      *year > 9999)
    return std::nullopt;
  const chrono::year_month_day date(
      chrono::year(static_cast<int>(*year)),
      chrono::month(static_cast<unsigned>(month - kMonths.begin()) + 1),
      chrono::day(static_cast<unsigned>(*day)));
  if (!date.ok()) return std::nullopt;
  return chrono::sys_days(date);
}

std::vector<std::string> parts(chrono::sys_days day) {
  const chrono::year_month_day date(day);
  return {std::to_string(static_cast<unsigned>(date.day())),
          std::string(kMonths[static_cast<unsigned>(date.month()) - 1]),
          std::to_string(static_cast<int>(date.year()))};
}

chrono::sys_days draw_day(Random& random) {
  const chrono::sys_days first = chrono::year(1950) / 1 / 1;
  return first + chrono::days(draw(random, 0, 28'000));
}

std::optional<Solved> solve_weekday(std::string_view text) {
  const auto match = find_last(kWeekday, text);
  const auto day = match ? read_date(match->values, 0) : std::nullopt;
  if (!day) return std::nullopt;
  Solved solved;
  solved.position = match->begin;
  solved.text = text.substr(match->begin, match->end - match->begin);
  solved.answer = weekday_name(*day);
  solved.difficulty = kWeekdayDifficulty;
  for (const std::string_view name : kWeekdays)
    if (name != solved.answer) solved.others.emplace_back(name);
  return solved;
}

std::optional<Solved> solve_after(std::string_view text) {
  const auto match = find_last(kAfter, text);
  const auto day = match ? read_date(match->values, 1) : std::nullopt;
  const auto days = match ? to_number(match->values[0]) : std::nullopt;
  if (!day || !days || *days < 0 || *days > 100'000) return std::nullopt;
  Solved solved;
  solved.position = match->begin;
  solved.text = text.substr(match->begin, match->end - match->begin);
  solved.answer = print(*day + chrono::days(*days));
  solved.difficulty = after_difficulty(*days);
  for (const int off : {-3, -2, -1, 1, 2, 10})
    solved.others.push_back(print(*day + chrono::days(*days + off)));
  return solved;
}

std::optional<Solved> solve_between(std::string_view text) {
  const auto match = find_last(kBetween, text);
  const auto from = match ? read_date(match->values, 0) : std::nullopt;
  const auto to = match ? read_date(match->values, 3) : std::nullopt;
  if (!from || !to || *to < *from) return std::nullopt;
  const int64_t days = (*to - *from).count();
  Solved solved;
  solved.position = match->begin;
  solved.text = text.substr(match->begin, match->end - match->begin);
  solved.answer = std::to_string(days);
  solved.difficulty = between_difficulty(days);
  return solved;
}

}  // namespace

Question make_dates(int difficulty, Random& random) {
  const chrono::sys_days day = draw_day(random);
  std::vector<std::string> holes = parts(day);
  if (difficulty >= 6 && difficulty <= 7 && random.below(2) == 0)
    return {Family::kDates, fill(kWeekday, holes), weekday_name(day), kWeekdayDifficulty};
  const bool after = difficulty <= 3 || random.below(2) == 0;
  const int64_t least = difficulty <= 3 ? 2 : difficulty <= 5 ? 25 : difficulty <= 7 ? 130 : 400;
  const int64_t most = difficulty <= 3 ? 20 : difficulty <= 5 ? 60 : difficulty <= 7 ? 360 : 1200;
  const int64_t days = draw(random, least, most);
  const chrono::sys_days end = day + chrono::days(days);
  if (after) {
    holes.insert(holes.begin(), std::to_string(days));
    return {Family::kDates, fill(kAfter, holes), print(end), after_difficulty(days)};
  }
  const auto last = parts(end);
  holes.insert(holes.end(), last.begin(), last.end());
  return {Family::kDates, fill(kBetween, holes), std::to_string(days), between_difficulty(days)};
}

std::optional<Solved> solve_dates(std::string_view text) {
  std::optional<Solved> last;
  for (const auto solver : {solve_weekday, solve_after, solve_between}) {
    auto solved = solver(text);
    if (solved && (!last || solved->position > last->position)) last = std::move(solved);
  }
  if (last) last->family = Family::kDates;
  return last;
}

}  // namespace weir::simulate
