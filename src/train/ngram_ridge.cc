#include "train/ngram_ridge.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.h"
#include "text/features.h"
#include "train/krylov.h"
#include "train/parallel.h"

namespace weir::train {
namespace {

constexpr uint32_t kLeastRows = 2;        // in which a bucket must stand
constexpr size_t kRowsPerChunk = 20'000;  // of a matrix product: fixed, so that sums are too

size_t chunk_count(size_t rows) {
  return std::clamp<size_t>(rows / kRowsPerChunk, 1, 4);
}

template <typename Visit>
void for_each_chunk(size_t rows, Visit&& visit) {
  const size_t chunks = chunk_count(rows);
  parallel_for(chunks, [&](size_t chunk) {
    visit(chunk, chunk * rows / chunks, (chunk + 1) * rows / chunks);
  });
}

}  // namespace

NgramRidge::NgramRidge(const NgramRows& ngrams, std::span<const uint32_t> rows, double char_share)
    : ngrams_(ngrams), rows_(rows), char_share_(char_share), idf_(text::kNgramBuckets) {
  std::vector<uint32_t> in_rows(text::kNgramBuckets);
  for (const uint32_t row : rows)
    for (const auto block : {ngrams.words(row), ngrams.chars(row)})
      for (const PackedNgram ngram : block)
        ++in_rows[ngram.bucket()];
  const double count = 1 + static_cast<double>(rows.size());
  for (size_t bucket = 0; bucket < idf_.size(); ++bucket) {
    if (in_rows[bucket] < kLeastRows) continue;
    const double idf = 1 + std::max(0.0, std::log(count / (1.0 + in_rows[bucket])));
    idf_[bucket] = static_cast<uint8_t>(std::min(255.0, std::round(idf * model::kIdfSteps)));
  }
  scales_.resize(rows.size());
  for_each_chunk(rows.size(), [&](size_t, size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      const auto [words, chars] = block_scales(rows_[i]);
      scales_[i] = {static_cast<float>(words), static_cast<float>(chars)};
    }
  });
}

std::array<double, 2> NgramRidge::block_scales(uint32_t row) const {
  std::array<double, 2> scales{};
  const std::array blocks{ngrams_.words(row), ngrams_.chars(row)};
  for (size_t b = 0; b < blocks.size(); ++b) {
    double squares = 0;
    for (const PackedNgram ngram : blocks[b]) {
      const float x = model::TermFrequency::of(ngram.count()) * idf_[ngram.bucket()];
      squares += double{x} * x;
    }
    scales[b] = squares == 0 ? 0 : (b == 0 ? 1 : char_share_) / std::sqrt(squares);
  }
  return scales;
}

double NgramRidge::predict(const NgramWeights& weights, uint32_t row) const {
  const auto scales = block_scales(row);
  const std::array blocks{ngrams_.words(row), ngrams_.chars(row)};
  double sum = weights.intercept;
  for (size_t b = 0; b < blocks.size(); ++b) {
    double along = 0;
    for (const PackedNgram ngram : blocks[b])
      along += double{model::TermFrequency::of(ngram.count())} * idf_[ngram.bucket()] *
               weights.of_bucket[ngram.bucket()];
    sum += scales[b] * along;
  }
  return sum;
}

void NgramRidge::multiply(std::span<const float> weights, std::span<double> out) const {
  // The idf goes into the weights, so that a term is one look-up.
  std::vector<float> scaled(weights.begin(), weights.end());
  for (size_t bucket = 0; bucket < scaled.size(); ++bucket)
    scaled[bucket] *= idf_[bucket];
  for_each_chunk(rows_.size(), [&](size_t, size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      const std::array blocks{ngrams_.words(rows_[i]), ngrams_.chars(rows_[i])};
      double sum = 0;
      for (size_t b = 0; b < blocks.size(); ++b) {
        float along = 0;
        for (const PackedNgram ngram : blocks[b])
          along += model::TermFrequency::of(ngram.count()) * scaled[ngram.bucket()];
        sum += double{scales_[i][b]} * along;
      }
      out[i] = sum;
    }
  });
}

std::vector<float> NgramRidge::combine(std::span<const double> factors) const {
  std::vector<std::vector<float>> sums(chunk_count(rows_.size()));
  for_each_chunk(rows_.size(), [&](size_t chunk, size_t begin, size_t end) {
    std::vector<float>& sum = sums[chunk];
    sum.assign(text::kNgramBuckets, 0);
    for (size_t i = begin; i < end; ++i) {
      const std::array blocks{ngrams_.words(rows_[i]), ngrams_.chars(rows_[i])};
      for (size_t b = 0; b < blocks.size(); ++b) {
        const auto factor = static_cast<float>(factors[i] * double{scales_[i][b]});
        for (const PackedNgram ngram : blocks[b])
          sum[ngram.bucket()] += factor * model::TermFrequency::of(ngram.count());
      }
    }
  });
  std::vector<float> total = std::move(sums[0]);
  for (size_t chunk = 1; chunk < sums.size(); ++chunk)
    for (size_t bucket = 0; bucket < total.size(); ++bucket)
      total[bucket] += sums[chunk][bucket];
  for (size_t bucket = 0; bucket < total.size(); ++bucket)
    total[bucket] *= idf_[bucket];
  return total;
}

// With D = diag(sqrt(s)) and P the projection that takes off the direction d = (sqrt(s_i)), the
// dual is (P D X X' D P + lambda I) a = P D y; then w = X' D a, and the intercept is the weighted
// mean of y - X w.
std::vector<NgramWeights> NgramRidge::fit(std::span<const double> targets,
                                          std::span<const double> weights,
                                          std::span<const double> lambdas, double tolerance) const {
  const size_t n = rows_.size();
  CHECK(targets.size() == n && weights.size() == n);
  std::vector<double> root(n);
  double total = 0;
  for (size_t i = 0; i < n; ++i) {
    root[i] = std::sqrt(weights[i]);
    total += weights[i];
  }
  const auto center = [&](std::span<double> values) {
    double along = 0;
    for (size_t i = 0; i < n; ++i)
      along += root[i] * values[i];
    for (size_t i = 0; i < n; ++i)
      values[i] -= total > 0 ? along / total * root[i] : 0;
  };
  const auto back = [&](std::span<const double> dual) {  // X' D a
    std::vector<double> factors(n);
    for (size_t i = 0; i < n; ++i)
      factors[i] = root[i] * dual[i];
    return combine(factors);
  };
  std::vector<double> right(n);
  for (size_t i = 0; i < n; ++i)
    right[i] = root[i] * targets[i];
  center(right);
  const auto apply = [&](std::span<const double> in, std::span<double> out) {
    multiply(back(in), out);
    for (size_t i = 0; i < n; ++i)
      out[i] *= root[i];
    center(out);
  };
  const auto duals = solve_shifted(apply, right, lambdas, {.tolerance = tolerance});
  std::vector<NgramWeights> fits;
  std::vector<double> predicted(n);
  for (const std::vector<double>& dual : duals) {
    NgramWeights fit{.of_bucket = back(dual)};
    multiply(fit.of_bucket, predicted);
    double rest = 0;
    for (size_t i = 0; i < n; ++i)
      rest += weights[i] * (targets[i] - predicted[i]);
    fit.intercept = total > 0 ? rest / total : 0;
    fits.push_back(std::move(fit));
  }
  return fits;
}

}  // namespace weir::train
