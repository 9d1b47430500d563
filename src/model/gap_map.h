// From expected qualities of models to a score: what kinds have in common that estimate every
// model. Pure functions, thread-safe.
#pragma once

#include <cmath>
#include <cstdint>
#include <expected>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "model/router_file.h"
#include "model/workspace.h"

namespace weir::model {

// P(strong needed) = 1 / (1 + exp(-(slope gap + offset))) of the expected gap between the last
// model and the first.
struct GapMap {
  double slope = 1, offset = 0;

  double operator()(double gap) const { return 1 / (1 + std::exp(-(slope * gap + offset))); }
  double operator()(std::span<const ModelEstimate> estimates) const {
    return (*this)(estimates.back().quality - estimates.front().quality);
  }
};

// Reads [slope, offset] and refuses a negative slope. Fails: kCorrupt.
[[nodiscard]] std::expected<GapMap, Error> gap_map_of(const RouterFile& file,
                                                      std::string_view section);

// Sums of evidence for one number, shrunk to a prior: (prior weight * prior + sum w y) / (weight).
struct Evidence {
  double weight = 0, sum = 0;

  void add(double w, double y) { weight += w, sum += w * y; }
  double mean(double prior, double prior_weight) const {
    return (prior_weight * prior + sum) / (prior_weight + weight);
  }
};

// Output tokens in a section of a router file, where NaN cannot stand.
inline constexpr double kTokensUnknown = -1;
inline double tokens_or_nan(double stored) {
  return stored < 0 ? std::numeric_limits<double>::quiet_NaN() : stored;
}

}  // namespace weir::model
