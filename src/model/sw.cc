#include "model/sw.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <memory>
#include <utility>

#include "base/check.h"
#include "model/bradley_terry.h"
#include "model/estimators.h"
#include "model/sections.h"
#include "model/win_rates.h"
#include "simd/cosine_rows.h"
#include "simd/cosine_weights.h"

namespace weir::model {
namespace {

std::unexpected<Error> corrupt(std::string what) {
  return fail(ErrorCode::kCorrupt, std::move(what));
}

struct TierBattles {
  size_t tiers = 0;
  std::vector<uint32_t> ends;  // [tiers, tiers]: where each cell's wins end
  std::vector<TierWin> wins;

  // Writes the weighted wins [tiers, tiers].
  void weigh(std::span<const float> weights, std::span<double> out) const {
    size_t at = 0;
    for (size_t cell = 0; cell < ends.size(); ++cell) {
      double sum = 0;
      for (; at < ends[cell]; ++at)
        sum += double{weights[wins[at].query]} * double{wins[at].weight};
      out[cell] = sum;
    }
  }
};

std::expected<TierBattles, Error> read_battles(const RouterFile& file, size_t queries) {
  TierBattles battles;
  const auto cells = file.weights.find(section::kSwCells);
  while (cells != file.weights.end() && battles.tiers <= kMaxTiers &&
         battles.tiers * battles.tiers < cells->second.size())
    ++battles.tiers;
  if (battles.tiers < 2 || battles.tiers > kMaxTiers ||
      battles.tiers * battles.tiers != cells->second.size())
    return corrupt(fmt::format("section '{}' is missing or no square of 2 to {} tiers",
                               section::kSwCells, kMaxTiers));
  double end = 0;
  for (const double count : cells->second) {
    if (!(count >= 0 && count == std::floor(count) && (end += count) <= UINT32_MAX))
      return corrupt(
          fmt::format("section '{}' holds a number that is no count", section::kSwCells));
    battles.ends.push_back(static_cast<uint32_t>(end));
  }
  TRY_ASSIGN(const std::string_view bytes,
             bytes_of(file, section::kSwWins, battles.ends.back() * sizeof(TierWin)));
  battles.wins.resize(battles.ends.back());
  if (!bytes.empty()) std::memcpy(battles.wins.data(), bytes.data(), bytes.size());
  const auto wrong = [&](const TierWin& win) {
    return win.query >= queries || !(win.weight >= 0) || !std::isfinite(win.weight);
  };
  if (std::ranges::any_of(battles.wins, wrong))
    return corrupt(fmt::format("section '{}' holds a win out of range", section::kSwWins));
  return battles;
}

class SwEstimator final : public Estimator {
 public:
  static MadeEstimator make(const RouterFile& file) {
    const size_t dimension = file.embed.dimension;
    const auto vectors = file.blobs.find(section::kSwVectors);
    if (vectors == file.blobs.end() || vectors->second.empty() ||
        vectors->second.size() % dimension != 0)
      return corrupt(fmt::format("section '{}' is missing or holds no whole number of vectors",
                                 section::kSwVectors));
    TRY_ASSIGN(TierBattles battles, read_battles(file, vectors->second.size() / dimension));
    TRY_ASSIGN(const std::vector<double> tiers,
               numbers_of(file, section::kSwTiers, file.models.size()));
    std::vector<uint32_t> tier_of;
    for (const double tier : tiers) {
      if (!(tier >= 0 && tier < static_cast<double>(battles.tiers) && tier == std::floor(tier)))
        return corrupt(
            fmt::format("section '{}' holds a number that is no tier", section::kSwTiers));
      tier_of.push_back(static_cast<uint32_t>(tier));
    }
    const auto* bytes = reinterpret_cast<const int8_t*>(vectors->second.data());
    return std::unique_ptr<const Estimator>(
        new SwEstimator(simd::CosineRows({bytes, vectors->second.size()}, dimension),
                        std::move(battles), std::move(tier_of)));
  }

  double score(const Inputs& inputs, Workspace& workspace) const noexcept override {
    CHECK(inputs.embedding.size() == rows_.columns());
    workspace.bytes.resize(rows_.columns());
    simd::quantize(inputs.embedding, workspace.bytes);
    workspace.floats.resize(rows_.size());
    rows_.similarities(workspace.bytes, workspace.floats);
    simd::cosine_weights(workspace.floats);
    std::array<double, kMaxTiers * kMaxTiers> wins{};
    std::array<double, kMaxTiers> of_tiers{};
    const size_t tiers = battles_.tiers;
    battles_.weigh(workspace.floats, wins);
    bradley_terry(std::span(wins).first(tiers * tiers), std::span(of_tiers).first(tiers),
                  workspace.doubles);
    workspace.doubles.resize(tier_of_.size());
    for (size_t model = 0; model < tier_of_.size(); ++model)
      workspace.doubles[model] = of_tiers[tier_of_[model]];
    leave_win_rates(workspace.doubles, workspace.estimates);
    return win_probability(workspace.doubles.back(), workspace.doubles.front());
  }

 private:
  SwEstimator(simd::CosineRows rows, TierBattles battles, std::vector<uint32_t> tier_of)
      : rows_(std::move(rows)), battles_(std::move(battles)), tier_of_(std::move(tier_of)) {}

  simd::CosineRows rows_;
  TierBattles battles_;
  std::vector<uint32_t> tier_of_;  // [models]
};

}  // namespace

MadeEstimator make_sw(const RouterFile& file) {
  return SwEstimator::make(file);
}

}  // namespace weir::model
