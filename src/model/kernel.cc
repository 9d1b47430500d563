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

std::array<double, 4> GapShape::terms(double gap, double ease) const noexcept {
  const double g = std::clamp((gap - gap_mean) / gap_sd, -3.0, 3.0);
  const double e = std::clamp((ease - ease_mean) / ease_sd, -3.0, 3.0);
  return {e, g * e, e * e, g * g};
}

double GapShape::operator()(double gap, double ease) const noexcept {
  const std::array<double, 4> values = terms(gap, ease);
  double sum = offset + linear * gap;
  for (size_t i = 0; i < values.size(); ++i)
    sum += weights[i] * values[i];
  return sum;
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
    TRY_ASSIGN(const std::vector<double> ease, numbers_of(file, section::kKernelEase, count));
    TRY_ASSIGN(const std::vector<double> shape,
               numbers_of(file, section::kGapShape, GapShape::kSize));
    TRY_ASSIGN(const std::string_view anchors,
               bytes_of(file, section::kKernelAnchors, count * made.dimension_));
    TRY_ASSIGN(const std::vector<double> intercept, numbers_of(file, section::kIntercept, 2));
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
      made.ease_.push_back(static_cast<float>(ease[i]));
    }
    made.shape_ = {shape[0],
                   shape[1],
                   shape[2],
                   shape[3],
                   shape[4],
                   shape[5],
                   {shape[6], shape[7], shape[8], shape[9]}};
    if (!(made.shape_.gap_sd > 0 && made.shape_.ease_sd > 0))
      return fail(ErrorCode::kCorrupt,
                  fmt::format("a deviation in '{}' is not above 0", section::kGapShape));
    made.gap_intercept_ = intercept[0], made.ease_intercept_ = intercept[1], made.slope_ = map[0],
    made.offset_ = map[1];
    return std::make_unique<const KernelEstimator>(std::move(made));
  }

  double score(const Inputs& inputs, Workspace& workspace) const noexcept override {
    CHECK(inputs.embedding.size() == dimension_);
    workspace.bytes.resize(dimension_);
    const float step = quantize(inputs.embedding, workspace.bytes);
    const std::span<const int8_t> query(workspace.bytes);
    const std::span<const int8_t> anchors(anchors_);
    float gap_sum = 0, ease_sum = 0;
    for (size_t i = 0; i < weights_.size(); ++i) {
      const int32_t along = simd::dot(query, anchors.subspan(i * dimension_, dimension_));
      const float likeness = std::exp(scales_[i] * step * static_cast<float>(along) - kWidth);
      gap_sum += weights_[i] * likeness;
      ease_sum += ease_[i] * likeness;
    }
    const double gap =
        shape_(gap_intercept_ + double{gap_sum}, ease_intercept_ + double{ease_sum}) +
        length_(std::log1p(static_cast<double>(inputs.features.prompt.chars)));
    return 1 / (1 + std::exp(-(slope_ * gap + offset_)));
  }

 private:
  static constexpr auto kWidth = static_cast<float>(kKernelWidth);

  size_t dimension_ = 0;
  std::vector<int8_t> anchors_;
  std::vector<float> scales_, weights_, ease_;  // of each anchor; the scales times kKernelWidth
  GapShape shape_;
  PiecewiseLinear length_;
  double gap_intercept_ = 0, ease_intercept_ = 0, slope_ = 0, offset_ = 0;
};

}  // namespace

MadeEstimator make_kernel(const RouterFile& file) {
  return KernelEstimator::make(file);
}

}  // namespace weir::model
