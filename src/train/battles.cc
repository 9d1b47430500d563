#include "train/battles.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "base/check.h"
#include "base/random.h"
#include "model/bradley_terry.h"

namespace weir::train {

std::vector<Battle> battles_of(std::span<const LabelledRow> all, const Rows& rows, int64_t seed,
                               size_t most) {
  std::vector<Battle> battles;
  Random random(static_cast<uint64_t>(seed));
  size_t seen = 0;
  // Reservoir sampling: every battle has the same chance to stay.
  const auto take = [&](const Battle& battle) {
    if (++seen <= most)
      battles.push_back(battle);
    else if (const uint64_t at = random.below(seen); at < most)
      battles[at] = battle;
  };
  for (const uint32_t row : rows) {
    const std::vector<ModelResult>& results = all[row].results;
    for (size_t i = 0; i < results.size(); ++i) {
      for (size_t j = 0; j < i; ++j) {
        const bool first = results[i].score > results[j].score;
        const Outcome outcome =
            results[i].score == results[j].score ? Outcome::kTie : Outcome::kWin;
        take({row, results[first ? i : j].model, results[first ? j : i].model, outcome});
      }
    }
  }
  return battles;
}

std::vector<double> rate_models(const Examples& examples, std::span<const Battle> battles,
                                size_t models) {
  std::vector<double> wins(models * models), ratings(models), memory;
  for (const Battle& battle : battles) {
    const double weight = examples.rows[battle.row].weight;
    const bool tie = battle.outcome == Outcome::kTie;
    wins[battle.winner * models + battle.loser] += tie ? weight / 2 : weight;
    if (tie) wins[battle.loser * models + battle.winner] += weight / 2;
  }
  model::bradley_terry(wins, ratings, memory);
  return ratings;
}

namespace {

// Of the runs first..last, both included.
double variance(std::span<const double> sorted, size_t first, size_t last) {
  const auto run = sorted.subspan(first, last - first + 1);
  const auto count = static_cast<double>(run.size());
  const double mean = std::accumulate(run.begin(), run.end(), 0.0) / count;
  double squares = 0;
  for (const double x : run)
    squares += (x - mean) * (x - mean);
  return squares / count;
}

}  // namespace

std::vector<uint32_t> compute_tiers(std::span<const double> ratings, size_t tiers) {
  const size_t count = ratings.size();
  CHECK(tiers > 0);
  tiers = std::min(tiers, count);
  std::vector<uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::sort(order, [&](uint32_t a, uint32_t b) {
    return std::pair(-ratings[a], a) < std::pair(-ratings[b], b);
  });
  std::vector<double> sorted;
  for (const uint32_t model : order)
    sorted.push_back(ratings[model]);

  // least[t][n]: of the first n models in t + 1 runs; from[t][n]: where the last of them begins.
  constexpr double kNever = std::numeric_limits<double>::infinity();
  std::vector least(tiers, std::vector<double>(count + 1, kNever));
  std::vector from(tiers, std::vector<size_t>(count + 1, 0));
  for (size_t n = 1; n <= count; ++n)
    least[0][n] = variance(sorted, 0, n - 1);
  for (size_t tier = 1; tier < tiers; ++tier) {
    for (size_t n = tier + 1; n <= count; ++n) {
      for (size_t begin = tier; begin < n; ++begin) {
        const double sum = least[tier - 1][begin] + variance(sorted, begin, n - 1);
        if (sum < least[tier][n]) least[tier][n] = sum, from[tier][n] = begin;
      }
    }
  }
  std::vector<uint32_t> tier_of(count);
  size_t end = count;
  for (size_t tier = tiers; tier-- > 0;) {
    const size_t begin = tier == 0 ? 0 : from[tier][end];
    for (size_t i = begin; i < end; ++i)
      tier_of[order[i]] = static_cast<uint32_t>(tier);
    end = begin;
  }
  return tier_of;
}

}  // namespace weir::train
