#include <fmt/format.h>

#include <algorithm>

#include "simulate/families.h"
#include "simulate/pattern.h"

namespace weir::simulate {
namespace {

// Chains of units, largest first; `factor` is how many of the next smaller one it holds.
struct Unit {
  std::string_view name;
  int64_t factor;
};
constexpr size_t kChainLength = 4;
constexpr Unit kChains[][kChainLength] = {
    {{"kilometres", 1000}, {"metres", 100}, {"centimetres", 10}, {"millimetres", 1}},
    {{"miles", 1760}, {"yards", 3}, {"feet", 12}, {"inches", 1}},
    {{"days", 24}, {"hours", 60}, {"minutes", 60}, {"seconds", 1}},
    {{"tonnes", 1000}, {"kilograms", 1000}, {"grams", 1000}, {"milligrams", 1}},
    {{"gallons", 4}, {"quarts", 2}, {"pints", 2}, {"cups", 1}}};

constexpr std::string_view kSimple = "How many {w} are in {n} {w}?";
constexpr std::string_view kCompound = "Convert {n} {w}, {n} {w} and {n} {w} to {w}.";
constexpr std::string_view kTemperature = "How warm are {n} degrees Celsius in Fahrenheit?";
constexpr int64_t kAmountLimit = 1'000'000;

struct Place {
  size_t chain, rank;
};
std::optional<Place> find_unit(std::string_view name) {
  for (size_t chain = 0; chain < std::size(kChains); ++chain)
    for (size_t rank = 0; rank < kChainLength; ++rank)
      if (kChains[chain][rank].name == name) return Place{chain, rank};
  return std::nullopt;
}

std::optional<int64_t> convert(int64_t amount, Place from, Place to) {
  if (amount < 0 || amount > kAmountLimit || from.chain != to.chain || from.rank > to.rank)
    return std::nullopt;
  for (size_t rank = from.rank; rank < to.rank; ++rank)
    amount *= kChains[from.chain][rank].factor;
  return amount;
}

int simple_difficulty(size_t hops, int64_t amount) {
  return static_cast<int>(hops) + (amount > 20 ? 1 : 0);
}
// Three amounts with three different ways to the smallest unit.
int compound_difficulty(size_t hops) {
  return 4 + static_cast<int>(hops);
}
constexpr int kTemperatureDifficulty = 3;

Question make_simple(int difficulty, Random& random) {
  const size_t chain = random.below(std::size(kChains));
  const size_t hops = std::clamp<size_t>(static_cast<size_t>(difficulty), 1, 3);
  const size_t from = random.below(kChainLength - hops), to = from + hops;
  const int64_t amount = draw(random, 2, 20);
  int64_t value = amount;
  for (size_t rank = from; rank < to; ++rank)
    value *= kChains[chain][rank].factor;
  return {Family::kUnits,
          fill(kSimple, {std::string(kChains[chain][to].name), std::to_string(amount),
                         std::string(kChains[chain][from].name)}),
          std::to_string(value), simple_difficulty(hops, amount)};
}

Question make_compound(Random& random) {
  const auto& units = kChains[random.below(std::size(kChains))];
  int64_t value = 0;
  std::vector<std::string> holes;
  for (size_t rank = 0; rank < 3; ++rank) {
    const int64_t amount = draw(random, 2, 30);
    value = (value + amount) * units[rank].factor;
    holes.push_back(std::to_string(amount));
    holes.emplace_back(units[rank].name);
  }
  holes.emplace_back(units[3].name);
  return {Family::kUnits, fill(kCompound, holes), std::to_string(value), compound_difficulty(3)};
}

Solved solved_at(const Match& match, std::string_view text, int64_t value, int difficulty) {
  Solved solved;
  solved.family = Family::kUnits;
  solved.position = match.begin;
  solved.text = text.substr(match.begin, match.end - match.begin);
  solved.answer = std::to_string(value);
  solved.difficulty = difficulty;
  return solved;
}

std::optional<Solved> solve_simple(std::string_view text) {
  const auto match = find_last(kSimple, text);
  if (!match) return std::nullopt;
  const auto to = find_unit(match->values[0]), from = find_unit(match->values[2]);
  const auto amount = to_number(match->values[1]);
  if (!from || !to || !amount) return std::nullopt;
  const auto value = convert(*amount, *from, *to);
  if (!value || to->rank == from->rank) return std::nullopt;
  return solved_at(*match, text, *value, simple_difficulty(to->rank - from->rank, *amount));
}

std::optional<Solved> solve_compound(std::string_view text) {
  const auto match = find_last(kCompound, text);
  if (!match) return std::nullopt;
  const auto to = find_unit(match->values[6]);
  if (!to) return std::nullopt;
  int64_t sum = 0;
  size_t hops = 0;
  std::vector<std::string> working;
  for (size_t i = 0; i < 6; i += 2) {
    const auto amount = to_number(match->values[i]);
    const auto from = find_unit(match->values[i + 1]);
    const auto part = amount && from ? convert(*amount, *from, *to) : std::nullopt;
    if (!part) return std::nullopt;
    sum += *part;
    hops = std::max(hops, to->rank - from->rank);
    working.push_back(
        fmt::format("{} {} are {} {}.", *amount, match->values[i + 1], *part, match->values[6]));
  }
  Solved solved = solved_at(*match, text, sum, compound_difficulty(hops));
  solved.working = std::move(working);
  return solved;
}

std::optional<Solved> solve_temperature(std::string_view text) {
  const auto match = find_last(kTemperature, text);
  const auto celsius = match ? to_number(match->values[0]) : std::nullopt;
  if (!celsius || *celsius % 5 != 0 || *celsius < -273 || *celsius > kAmountLimit)
    return std::nullopt;
  return solved_at(*match, text, *celsius / 5 * 9 + 32, kTemperatureDifficulty);
}

}  // namespace

Question make_units(int difficulty, Random& random) {
  if (difficulty >= 5) return make_compound(random);
  if (difficulty >= 3 && random.below(2) == 0) {
    const int64_t celsius = draw(random, -8, 40) * 5;
    return {Family::kUnits, fill(kTemperature, {std::to_string(celsius)}),
            std::to_string(32 + celsius * 18 / 10), kTemperatureDifficulty};
  }
  return make_simple(difficulty, random);
}

std::optional<Solved> solve_units(std::string_view text) {
  std::optional<Solved> last;
  for (const auto solver : {solve_simple, solve_compound, solve_temperature}) {
    auto solved = solver(text);
    if (solved && (!last || solved->position > last->position)) last = std::move(solved);
  }
  return last;
}

}  // namespace weir::simulate
