#include "model/cawr.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "base/check.h"
#include "model/calibration.h"
#include "model/estimators.h"
#include "model/sections.h"
#include "simd/kernels.h"

namespace weir::model {
namespace {

class CawrEstimator final : public Estimator {
 public:
  static MadeEstimator make(const RouterFile& file) {
    auto made = std::make_unique<CawrEstimator>();
    const size_t dimension = file.embed.dimension;
    const auto labels = file.weights.find(section::kAnchorLabels);
    const size_t count = labels == file.weights.end() ? 0 : labels->second.size();
    if (count == 0)
      return fail(ErrorCode::kCorrupt, fmt::format("'{}' is empty", section::kAnchorLabels));
    TRY_ASSIGN(const std::string_view bytes,
               bytes_of(file, section::kAnchorVectors, count * dimension));
    made->vectors_.assign(bytes.begin(), bytes.end());
    made->labels_ = labels->second;
    TRY_ASSIGN(made->weights_, numbers_of(file, section::kAnchorWeights, count));
    TRY_ASSIGN(const std::vector<double> kernel, numbers_of(file, section::kKernel, 3));
    made->width_ = kernel[0], made->prior_ = kernel[1], made->prior_mass_ = kernel[2];
    TRY_ASSIGN(const std::vector<double> platt, numbers_of(file, section::kPlatt, 2));
    made->map_ = {.form = MapForm::kPlatt, .slope = platt[0], .offset = platt[1]};
    TRY_ASSIGN(const std::vector<double> draw, numbers_of(file, section::kDraw, 2));
    made->even_ = draw[0], made->explore_ = draw[1];
    TRY(made->check());
    return made;
  }

  double score(const Inputs& inputs, Workspace& workspace) const noexcept override {
    const size_t dimension = inputs.embedding.size();
    workspace.bytes.resize(dimension);
    quantize_unit(inputs.embedding, workspace.bytes);
    double mass = prior_mass_, sum = prior_mass_ * prior_;
    for (size_t i = 0; i < labels_.size(); ++i) {
      const auto anchor = std::span(vectors_).subspan(i * dimension, dimension);
      const double w =
          weights_[i] * std::exp((anchor_cosine(workspace.bytes, anchor) - 1) / width_);
      mass += w;
      sum += w * labels_[i];
    }
    return drawn_probability(map_.apply(sum / mass), even_, explore_);
  }

 private:
  std::expected<void, Error> check() const {
    const auto share = [](double x) { return x >= 0 && x <= 1; };
    const bool sound = width_ > 0 && share(prior_) && prior_mass_ > 0 && map_.slope > 0 &&
                       even_ > 0 && even_ < 1 && explore_ > 0 && explore_ < 0.5 &&
                       std::ranges::all_of(labels_, share) &&
                       std::ranges::all_of(weights_, [](double w) { return w >= 0; });
    if (sound) return {};
    return fail(ErrorCode::kCorrupt, "a number of its kernel, anchors or draw is out of range");
  }

  std::vector<int8_t> vectors_;           // [anchors, dimension]
  std::vector<double> labels_, weights_;  // [anchors]
  double width_ = 0, prior_ = 0, prior_mass_ = 0, even_ = 0, explore_ = 0;
  CalibrationMap map_;
};

}  // namespace

MadeEstimator make_cawr(const RouterFile& file) {
  return CawrEstimator::make(file);
}

std::optional<double> explore_of(const RouterFile& file) {
  if (file.kind != Kind::kCawr || !file.trained) return std::nullopt;
  const auto draw = numbers_of(file, section::kDraw, 2);
  CHECK(draw.has_value());
  return (*draw)[1];
}

double drawn_probability(double p, double even, double explore) {
  // o / (1 + o) with the fractions cleared, so that p = 0 and p = 1 need no case of their own.
  const double above = p * (1 - even), below = (1 - p) * even;
  return explore + (1 - 2 * explore) * (above / (above + below));
}

double anchor_cosine(std::span<const int8_t> left, std::span<const int8_t> right) {
  return static_cast<double>(simd::dot(left, right)) / (127.0 * 127.0);
}

void quantize_unit(std::span<const float> vector, std::span<int8_t> out) {
  CHECK(vector.size() == out.size());
  for (size_t i = 0; i < vector.size(); ++i)
    out[i] = static_cast<int8_t>(std::lrint(std::clamp(vector[i], -1.0F, 1.0F) * 127.0F));
}

}  // namespace weir::model
