#include "model/bert.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "base/check.h"
#include "model/estimators.h"
#include "model/ngram.h"
#include "model/piecewise.h"
#include "model/sections.h"
#include "simd/kernels.h"

namespace weir::model {
namespace {

std::vector<float> floats(const std::vector<double>& numbers) {
  return {numbers.begin(), numbers.end()};
}

// The softmax of the encoder's own labels, of which the first means that strong is needed.
class LabelsEstimator final : public Estimator {
 public:
  explicit LabelsEstimator(size_t labels) : labels_(labels) {}

  double score(const Inputs& inputs, Workspace&) const noexcept override {
    CHECK(inputs.embedding.size() == labels_);
    const double highest = double{*std::ranges::max_element(inputs.embedding)};
    double sum = 0;
    for (const float logit : inputs.embedding)
      sum += std::exp(double{logit} - highest);
    return std::exp(double{inputs.embedding[0]} - highest) / sum;
  }

 private:
  size_t labels_;
};

class GapEstimator final : public Estimator {
 public:
  static MadeEstimator make(const RouterFile& file, std::string_view head) {
    GapEstimator made;
    made.dimension_ = file.embed.dimension;
    if (head == kMlpHead) TRY(made.read_hidden(file));
    const size_t inputs = made.hidden_bias_.empty() ? made.dimension_ : made.hidden_bias_.size();
    TRY_ASSIGN(const auto weights, numbers_of(file, section::kHeadWeights, inputs));
    made.weights_ = floats(weights);
    TRY_ASSIGN(const auto intercept, numbers_of(file, section::kIntercept, 1));
    TRY_ASSIGN(const auto map, numbers_of(file, section::kToProbability, 2));
    TRY_ASSIGN(made.length_,
               PiecewiseLinear::read(file, section::kLengthKnots, section::kLengthValues));
    if (!(map[0] > 0))
      return fail(ErrorCode::kCorrupt, fmt::format("'{}' has slope {}, must be above 0",
                                                   section::kToProbability, map[0]));
    made.intercept_ = intercept[0], made.slope_ = map[0], made.offset_ = map[1];
    return std::make_unique<const GapEstimator>(std::move(made));
  }

  double score(const Inputs& inputs, Workspace& workspace) const noexcept override {
    CHECK(inputs.embedding.size() == dimension_);
    std::span<const float> values = inputs.embedding;
    if (!hidden_bias_.empty()) {
      workspace.floats.resize(hidden_bias_.size());
      const std::span<const float> all(hidden_weights_);
      for (size_t i = 0; i < hidden_bias_.size(); ++i)
        workspace.floats[i] = std::max(
            0.0F, hidden_bias_[i] + simd::dot(all.subspan(i * dimension_, dimension_), values));
      values = workspace.floats;
    }
    const double gap = intercept_ + double{simd::dot(weights_, values)} +
                       length_(std::log1p(static_cast<double>(inputs.features.prompt.chars)));
    const double prob = 1 / (1 + std::exp(-(slope_ * gap + offset_)));
    return std::isfinite(prob) ? prob : 1;
  }

 private:
  std::expected<void, Error> read_hidden(const RouterFile& file) {
    const auto found = file.weights.find(section::kHiddenBias);
    const size_t count = found == file.weights.end() ? 1 : found->second.size();
    if (count == 0 || count > kMostHidden)
      return fail(ErrorCode::kCorrupt,
                  fmt::format("{} hidden units, allowed are 1 to {}", count, kMostHidden));
    TRY_ASSIGN(const auto bias, numbers_of(file, section::kHiddenBias, count));
    TRY_ASSIGN(const auto weights, numbers_of(file, section::kHiddenWeights, count * dimension_));
    hidden_bias_ = floats(bias);
    hidden_weights_ = floats(weights);
    return {};
  }

  size_t dimension_ = 0;
  std::vector<float> hidden_weights_, hidden_bias_;  // empty: linear
  std::vector<float> weights_;
  PiecewiseLinear length_;
  double intercept_ = 0, slope_ = 0, offset_ = 0;
};

}  // namespace

MadeEstimator make_bert(const RouterFile& file) {
  TRY_ASSIGN(const std::string_view head, setting_of(file, section::kHead));
  if (head == kLabelsHead) {
    if (file.embed.dimension >= 2) return std::make_unique<LabelsEstimator>(file.embed.dimension);
    return fail(ErrorCode::kCorrupt, "head 'labels' needs an encoder with two labels or more");
  }
  if (head == kLinearHead || head == kMlpHead) return GapEstimator::make(file, head);
  return fail(ErrorCode::kCorrupt, fmt::format("its head is '{}', which this program does not know",
                                               head.substr(0, 64)));
}

}  // namespace weir::model
