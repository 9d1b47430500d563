#include "model/kernel.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "base/check.h"
#include "model/estimators.h"
#include "model/ngram.h"
#include "model/piecewise.h"
#include "model/sections.h"
#include "simd/kernels.h"

namespace weir::model {

float quantize(std::span<const float> vector, std::span<int8_t> out) noexcept {
  CHECK(vector.size() == out.size());
  float most = 0;
  for (const float x : vector)
    most = std::max(most, std::abs(x));
  const float step = most > 0 ? most / 127 : 1;
  for (size_t i = 0; i < vector.size(); ++i)
    out[i] = static_cast<int8_t>(std::lround(vector[i] / step));
  return step;
}

namespace {

// Kernel ridge regression of the gap, plus a curve of the length, as a probability.
class KernelEstimator final : public Estimator {
 public:
  static MadeEstimator make(const RouterFile& file) {
    KernelEstimator made;
    const auto found = file.weights.find(section::kKernelWeights);
    const size_t count = found == file.weights.end() ? 1 : found->second.size();
    made.dimension_ = file.embed.dimension;
    TRY_ASSIGN(const std::vector<double> weights, numbers_of(file, section::kKernelWeights, count));
    TRY_ASSIGN(const std::vector<double> scales, numbers_of(file, section::kKernelScales, count));
    TRY_ASSIGN(const std::string_view anchors,
               bytes_of(file, section::kKernelAnchors, count * made.dimension_));
    TRY_ASSIGN(const std::vector<double> intercept, numbers_of(file, section::kIntercept, 1));
    TRY_ASSIGN(const std::vector<double> map, numbers_of(file, section::kToProbability, 2));
    TRY_ASSIGN(made.length_,
               PiecewiseLinear::read(file, section::kLengthKnots, section::kLengthValues));
    if (count > kMostKernelAnchors)
      return fail(ErrorCode::kCorrupt,
                  fmt::format("{} anchors, at most {} are allowed", count, kMostKernelAnchors));
    if (!(map[0] > 0))
      return fail(ErrorCode::kCorrupt, fmt::format("'{}' has slope {}, must be above 0",
                                                   section::kToProbability, map[0]));
    made.anchors_.resize(anchors.size());
    std::memcpy(made.anchors_.data(), anchors.data(), anchors.size());
    for (size_t i = 0; i < count; ++i) {
      made.scales_.push_back(static_cast<float>(kKernelWidth * scales[i]));
      made.weights_.push_back(static_cast<float>(weights[i]));
    }
    made.intercept_ = intercept[0], made.slope_ = map[0], made.offset_ = map[1];
    return std::make_unique<const KernelEstimator>(std::move(made));
  }

  double score(const Inputs& inputs, Workspace& workspace) const noexcept override {
    CHECK(inputs.embedding.size() == dimension_);
    workspace.bytes.resize(dimension_);
    const float step = quantize(inputs.embedding, workspace.bytes);
    const std::span<const int8_t> query(workspace.bytes);
    const std::span<const int8_t> anchors(anchors_);
    float sum = 0;
    for (size_t i = 0; i < weights_.size(); ++i) {
      const int32_t along = simd::dot(query, anchors.subspan(i * dimension_, dimension_));
      const float likeness = scales_[i] * step * static_cast<float>(along) - kWidth;
      sum += weights_[i] * std::exp(likeness);
    }
    const double gap = intercept_ + static_cast<double>(sum) +
                       length_(std::log1p(static_cast<double>(inputs.features.prompt.chars)));
    return 1 / (1 + std::exp(-(slope_ * gap + offset_)));
  }

 private:
  static constexpr auto kWidth = static_cast<float>(kKernelWidth);

  size_t dimension_ = 0;
  std::vector<int8_t> anchors_;
  std::vector<float> scales_, weights_;  // of each anchor; the scales times kKernelWidth
  PiecewiseLinear length_;
  double intercept_ = 0, slope_ = 0, offset_ = 0;
};

}  // namespace

MadeEstimator make_kernel(const RouterFile& file) {
  return KernelEstimator::make(file);
}

}  // namespace weir::model
