// Cross-validation inside a fit. Pure, thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "train/examples.h"
#include "train/fit.h"

namespace weir::train {

// Strengths of penalties are found on at most so many rows; the fit itself takes all.
inline constexpr size_t kCrossValidationRows = 10'000;

struct Fold {
  Rows inside, outside;                    // of the examples
  std::vector<uint32_t> inside_positions;  // of the inside rows in Folds::rows
};

struct Folds {
  Rows rows;  // those that take part: all, or a sample by seed
  std::vector<Fold> folds;
};

// Equal queries share a fold. Fails: kInvalidArgument when all rows ask the same.
[[nodiscard]] std::expected<Folds, Error> make_folds(const Examples& examples, const Rows& rows,
                                                     const TrainOptions& options);

// Weighted correlation; 0 where one of the two is constant.
double correlation(std::span<const double> a, std::span<const double> b,
                   std::span<const double> weights);

}  // namespace weir::train
