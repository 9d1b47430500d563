// Kind knn: the k labelled queries (anchors) that are nearest by cosine say what to expect of each
// model. The search is exact over int8 vectors. A query that is like no anchor is not judged.
// What the estimator in knn.cc and the fit share. Pure functions, thread-safe.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "model/router_file.h"
#include "model/workspace.h"

namespace weir::model {

// Sections of a router file. Scores are bytes: 0 to 254 for 0 to 1, 255 when unknown. Output tokens
// are u16, little-endian, 65535 when unknown; the section is absent when none is known.
namespace section {
inline constexpr std::string_view kKnnVectors = "knn_vectors";  // int8 [anchors, dimension]
inline constexpr std::string_view kKnnIds = "knn_ids";          // bytes: a line each
inline constexpr std::string_view kKnnScores = "knn_scores";    // bytes [anchors, models]
inline constexpr std::string_view kKnnTokens = "knn_tokens";    // bytes [anchors, models, 2]
inline constexpr std::string_view kKnnWeights = "knn_weights";  // [anchors], absent: all 1
inline constexpr std::string_view kKnnPrior = "knn_prior";      // [models]: mean scores
inline constexpr std::string_view kKnnPriorTokens = "knn_prior_tokens";  // [models], -1 unknown
inline constexpr std::string_view kKnnPriorWeight = "knn_prior_weight";  // [1], in anchors
inline constexpr std::string_view kKnnNeighbours = "knn_neighbours";     // [1]: k
inline constexpr std::string_view kKnnFloor = "knn_floor";               // [1]: least similarity
inline constexpr std::string_view kKnnProbability = "knn_probability";   // [2]: slope, offset
}  // namespace section

inline constexpr uint8_t kScoreUnknown = 255;
inline constexpr double kScoreSteps = 254;
inline constexpr uint16_t kAnchorTokensUnknown = 65535;

// How much a neighbour counts: the fourth power of its similarity. On half of MMLU with 5,000
// labels it gives APGR 0.657, the first power 0.652 and the eighth 0.651; with fewer labels the
// order is the same.
inline double neighbour_weight(float similarity) {
  if (!(similarity > 0)) return 0;
  const double square = double{similarity} * double{similarity};
  return square * square;
}

// The id of an anchor of a knn router, or of an ensemble that holds one; empty when there is none.
std::string_view anchor_id(const RouterFile& file, uint32_t anchor);

// The `count` anchors that are most similar, nearest first, the earlier one first where two are
// equally near; without those for which skip(anchor). Requires count > 0.
template <typename Skip>
void nearest_anchors(std::span<const float> similarities, size_t count, Skip&& skip,
                     std::vector<Neighbour>& found) {
  const auto nearer = [](const Neighbour& a, const Neighbour& b) {
    return a.similarity != b.similarity ? a.similarity > b.similarity : a.anchor < b.anchor;
  };
  found.clear();
  float least = -2;  // below it an anchor is not among the nearest
  for (uint32_t anchor = 0; anchor < similarities.size(); ++anchor) {
    if (similarities[anchor] <= least || skip(anchor)) continue;
    if (found.size() == count) {
      std::pop_heap(found.begin(), found.end(), nearer);
      found.pop_back();
    }
    found.push_back({.anchor = anchor, .similarity = similarities[anchor]});
    std::push_heap(found.begin(), found.end(), nearer);
    if (found.size() == count) least = found.front().similarity;
  }
  std::sort_heap(found.begin(), found.end(), nearer);
}

}  // namespace weir::model
