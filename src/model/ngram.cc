#include "model/ngram.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <utility>
#include <vector>

#include "model/estimators.h"
#include "model/piecewise.h"
#include "model/sections.h"

namespace weir::model {

const std::array<float, TermFrequency::kMost + 1> TermFrequency::kTable = [] {
  std::array<float, kMost + 1> table{};
  for (uint32_t count = 1; count <= kMost; ++count)
    table[count] = 1 + std::log(static_cast<float>(count));
  return table;
}();

namespace {

// A linear model of the gap on hashed n-grams, plus a curve of the length, as a probability.
class NgramEstimator final : public Estimator {
 public:
  static MadeEstimator make(const RouterFile& file) {
    NgramEstimator made;
    constexpr size_t kBytes = sizeof(NgramBucket) * text::kNgramBuckets;
    TRY_ASSIGN(const std::string_view table, bytes_of(file, section::kNgramTable, kBytes));
    made.table_.resize(text::kNgramBuckets);
    std::memcpy(made.table_.data(), table.data(), kBytes);
    TRY_ASSIGN(const std::vector<double> scales, numbers_of(file, section::kNgramScales, 2));
    TRY_ASSIGN(const std::vector<double> intercept, numbers_of(file, section::kIntercept, 1));
    TRY_ASSIGN(const std::vector<double> map, numbers_of(file, section::kToProbability, 2));
    TRY_ASSIGN(made.length_,
               PiecewiseLinear::read(file, section::kLengthKnots, section::kLengthValues));
    if (!(map[0] > 0))
      return fail(ErrorCode::kCorrupt, fmt::format("'{}' has slope {}, must be above 0",
                                                   section::kToProbability, map[0]));
    made.word_scale_ = scales[0], made.char_scale_ = scales[1];
    made.intercept_ = intercept[0], made.slope_ = map[0], made.offset_ = map[1];
    return std::make_unique<const NgramEstimator>(std::move(made));
  }

  double score(const Inputs& inputs, Workspace&) const noexcept override {
    const double gap = intercept_ + word_scale_ * project(inputs.features.ngrams) +
                       char_scale_ * project(inputs.features.char_ngrams) +
                       length_(std::log1p(static_cast<double>(inputs.features.prompt.chars)));
    return 1 / (1 + std::exp(-(slope_ * gap + offset_)));
  }

 private:
  double project(const std::vector<text::Ngram>& ngrams) const {
    float along = 0, squares = 0;
    for (const text::Ngram ngram : ngrams) {
      const NgramBucket bucket = table_[ngram.bucket];
      const float x = TermFrequency::of(ngram.count) * static_cast<float>(bucket.idf);
      squares += x * x;
      along += x * static_cast<float>(bucket.weight);
    }
    return squares == 0 ? 0 : static_cast<double>(along / std::sqrt(squares));
  }

  std::vector<NgramBucket> table_;
  PiecewiseLinear length_;
  double word_scale_ = 0, char_scale_ = 0, intercept_ = 0, slope_ = 0, offset_ = 0;
};

}  // namespace

MadeEstimator make_ngram(const RouterFile& file) {
  return NgramEstimator::make(file);
}

}  // namespace weir::model
