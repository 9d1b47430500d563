// Ridge regression on hashed n-grams:
//   minimise sum_i s_i (y_i - b0 - x_i.w)^2 + lambda |w|^2, intercept b0 not penalised,
// where x_i joins two vectors of length 1, the row's words and pairs and, shorter by `char_share`,
// its characters (model/ngram.h). Solved in the space of the rows by Lanczos' method, one
// factorisation for all lambdas; nothing is ever as large as buckets times rows.
// tests/python/oracle_ngram.py compares with scikit-learn's Ridge. Pure, thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "model/ngram.h"
#include "train/ngram_rows.h"

namespace weir::train {

struct NgramWeights {
  std::vector<float> of_bucket;
  double intercept = 0;
};

class NgramRidge {
 public:
  // Counts in how many of `rows` a bucket stands; buckets of a single row are left out, as what
  // stands in one row alone says nothing of another. `ngrams` and `rows` must outlive it.
  NgramRidge(const NgramRows& ngrams, std::span<const uint32_t> rows, double char_share);

  // One result a lambda. `targets` and `weights`: one a row. Lambdas above 0.
  std::vector<NgramWeights> fit(std::span<const double> targets, std::span<const double> weights,
                                std::span<const double> lambdas, double tolerance) const;
  double predict(const NgramWeights& weights, uint32_t row) const;

  // As stored: idf * kIdfSteps of each bucket, 0 where it is left out.
  const std::vector<uint8_t>& idf() const { return idf_; }

 private:
  std::array<double, 2> block_scales(uint32_t row) const;

  // out_i = x_i.w for all rows; and the sum of factor_i x_i.
  void multiply(std::span<const float> weights, std::span<double> out) const;
  std::vector<float> combine(std::span<const double> factors) const;

  const NgramRows& ngrams_;
  std::span<const uint32_t> rows_;
  double char_share_;
  std::vector<uint8_t> idf_;
  std::vector<std::array<float, 2>> scales_;  // of each row's two blocks
};

}  // namespace weir::train
