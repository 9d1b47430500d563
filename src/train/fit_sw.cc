#include <fmt/format.h>

#include <algorithm>

#include "model/bradley_terry.h"
#include "model/sw.h"
#include "simd/cosine_rows.h"
#include "train/battles.h"
#include "train/fit.h"

namespace weir::train {
namespace {

namespace section = model::section;
using model::TierWin;

// Cells [winner's tier, loser's tier]. Battles within a tier say nothing of tiers.
using Cells = std::vector<std::vector<TierWin>>;

struct SwData {
  std::string vectors;  // of the queries that have a battle between tiers
  Cells cells;
};

SwData collect(const Examples& examples, std::span<const Battle> battles,
               std::span<const uint32_t> tier_of, size_t tiers) {
  SwData data{.vectors = {}, .cells = Cells(tiers * tiers)};
  std::vector<int8_t> vector(examples.dimension());
  std::vector<uint32_t> query_of(examples.rows.size(), UINT32_MAX);
  uint32_t queries = 0;
  const auto query_index = [&](uint32_t row) {
    if (query_of[row] != UINT32_MAX) return query_of[row];
    simd::quantize(examples.embedding(row), vector);
    data.vectors.append(vector.begin(), vector.end());
    return query_of[row] = queries++;
  };
  for (const Battle& battle : battles) {
    const uint32_t winner = tier_of[battle.winner], loser = tier_of[battle.loser];
    if (winner == loser) continue;
    const bool tie = battle.outcome == Outcome::kTie;
    const auto weight = static_cast<float>(examples.rows[battle.row].weight * (tie ? 0.5 : 1));
    const TierWin win{query_index(battle.row), weight};
    data.cells[winner * tiers + loser].push_back(win);
    if (tie) data.cells[loser * tiers + winner].push_back(win);
  }
  return data;
}

std::string packed(const Cells& cells) {
  std::string bytes;
  for (const auto& cell : cells)
    bytes.append(reinterpret_cast<const char*>(cell.data()), cell.size() * sizeof(TierWin));
  return bytes;
}

}  // namespace

std::expected<Fit, Error> fit_sw(const Examples& examples, const Rows& rows,
                                 const TrainOptions& options) {
  const std::vector<Battle> battles = battles_of(examples.rows, rows, options.seed);
  const size_t served = options.models.size(), models = std::max(served, examples.models.size());
  const std::vector<double> ratings = rate_models(examples, battles, models);
  const std::vector<uint32_t> tier_of = compute_tiers(ratings, model::kMaxTiers);
  if (tier_of[0] == tier_of[served - 1]) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} and {} are so alike in these battles that both are in tier {}: "
                            "kind sw cannot tell them apart",
                            options.models.front(), options.models.back(), tier_of[0]));
  }
  const size_t tiers = size_t{*std::ranges::max_element(tier_of)} + 1;
  SwData data = collect(examples, battles, tier_of, tiers);
  if (data.vectors.empty())
    return fail(ErrorCode::kInvalidArgument, "no row knows two models, so there are no battles");

  Fit fit;
  std::vector<double> counts, of_models, elo;
  for (const auto& cell : data.cells)
    counts.push_back(static_cast<double>(cell.size()));
  for (size_t model = 0; model < served; ++model) {
    of_models.push_back(tier_of[model]);
    elo.push_back(model::elo_of(ratings[model]));
  }
  fit.summary = fmt::format("{} battles of {} models in {} tiers, {} queries; Elo {:.0f} to {:.0f}",
                            battles.size(), models, tiers,
                            data.vectors.size() / examples.dimension(), elo.front(), elo.back());
  fit.blobs[std::string(section::kSwVectors)] = std::move(data.vectors);
  fit.blobs[std::string(section::kSwWins)] = packed(data.cells);
  fit.weights[std::string(section::kSwCells)] = std::move(counts);
  fit.weights[std::string(section::kSwTiers)] = std::move(of_models);
  fit.weights[std::string(section::kSwElo)] = std::move(elo);
  return fit;
}

}  // namespace weir::train
