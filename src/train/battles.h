// Battles between models: what a row that knows two or more models says of each pair; ratings from
// them; and tiers of like models. Pure, thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "train/examples.h"
#include "train/fit.h"

namespace weir::train {

enum class Outcome : uint8_t { kWin, kTie };

struct Battle {
  uint32_t row = 0;
  uint32_t winner = 0, loser = 0;  // models; of a tie in any order
  Outcome outcome = Outcome::kWin;
};

inline constexpr size_t kMaxBattles = 2'000'000;  // that a fit takes; of more a sample by seed

// One a pair of models that a row knows, a tie where their scores are equal; `most` of them.
std::vector<Battle> battles_of(std::span<const LabelledRow> all, const Rows& rows, int64_t seed,
                               size_t most = kMaxBattles);

// Bradley-Terry ratings of all models from all battles, weighted as their rows: natural units,
// mean 0 (model/bradley_terry.h).
std::vector<double> rate_models(const Examples& examples, std::span<const Battle> battles,
                                size_t models);

// The tier of each model, 0 for the best: a partition of the models in the order of their ratings
// into `tiers` runs (fewer where there are fewer models), the sum of whose variances is least,
// found by dynamic programming. So RouteLLM groups the models of its battles.
std::vector<uint32_t> compute_tiers(std::span<const double> ratings, size_t tiers);

}  // namespace weir::train
