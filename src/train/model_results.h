// What rows say of several models, as fits of routers for N models need it. Pure, thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "train/examples.h"
#include "train/fit.h"

namespace weir::train {

// Weighted means over rows, one a model.
struct ModelMeans {
  std::vector<double> score;   // 0.5 for a model without a score
  std::vector<double> tokens;  // model::kTokensUnknown where no row knows
};
ModelMeans model_means(const Examples& examples, const Rows& rows, size_t models);

// By how much `predicted` scores miss the row's, apart from what is common to all models: the
// squared differences of the deviations from their mean. With two models it is half the squared
// error of the gap. Models without a score do not count, fewer than two say nothing: 0.
double routing_error(std::span<const double> predicted, const LabelledRow& row);

// A seeded sample of at most `count` of `rows`, in their order.
Rows sample_rows(const Rows& rows, size_t count, int64_t seed);

// Those with a label, for maps from a gap to P(strong needed).
bool has_label(const Examples& examples, uint32_t row);

// Equal queries have equal hashes.
std::vector<uint64_t> hashes_of(const Examples& examples, const Rows& rows);

}  // namespace weir::train
