// Kind sw: similarity-weighted ranking as RouteLLM's code defines it (arXiv 2406.18665,
// SWRankingRouter). Every battle counts, the more the more similar its query is to the one to be
// decided: weight 10 * 10^(similarity / largest similarity). Models are grouped into tiers; the
// weighted battles between tiers give Bradley-Terry ratings, and those of the tiers of two models
// the probability that one beats the other. Exact: the weighted likelihood depends on the battles
// only through the weighted wins of tier over tier.
// What the estimator in sw.cc and the fit share.
#pragma once

#include <cstdint>
#include <string_view>

namespace weir::model {

// Sections of a router file.
namespace section {
inline constexpr std::string_view kSwVectors = "sw_vectors";  // int8 [queries, dimension]
inline constexpr std::string_view kSwWins = "sw_wins";        // bytes: TierWin, cell by cell
inline constexpr std::string_view kSwCells = "sw_cells";      // [tiers, tiers]: wins in every cell
inline constexpr std::string_view kSwTiers = "sw_tiers";      // [models]: 0 is the best
inline constexpr std::string_view kSwElo = "sw_elo";  // [models]: from all battles, for people
}  // namespace section

inline constexpr uint32_t kMaxTiers = 10;

// A win in a battle about a query; the cell that it stands in says which tier beat which.
struct TierWin {
  uint32_t query = 0;
  float weight = 1;  // of the row; a tie is half of it for each side
};
static_assert(sizeof(TierWin) == 8);

}  // namespace weir::model
