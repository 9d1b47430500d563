#include "model/mf.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "base/check.h"
#include "model/bradley_terry.h"
#include "model/estimators.h"
#include "model/sections.h"
#include "model/win_rates.h"
#include "simd/kernels.h"

namespace weir::model {

std::vector<float> collapse(const Factors& factors, size_t dimension) {
  const size_t width = factors.classifier.size();
  const size_t models = factors.models.size() / width;
  std::vector<float> directions;
  std::vector<double> direction(dimension);
  for (size_t model = 0; model < models; ++model) {
    std::ranges::fill(direction, 0.0);
    for (size_t k = 0; k < width; ++k) {
      const double factor = factors.classifier[k] * factors.models[model * width + k];
      for (size_t j = 0; j < dimension; ++j)
        direction[j] += factor * factors.projection[k * dimension + j];
    }
    for (const double x : direction)
      directions.push_back(static_cast<float>(x));
  }
  return directions;
}

namespace {

constexpr size_t kMaxWidth = 4096;

class MfEstimator final : public Estimator {
 public:
  static MadeEstimator make(const RouterFile& file) {
    const size_t dimension = file.embed.dimension, models = file.models.size();
    const auto found = file.weights.find(section::kMfClassifier);
    const size_t width = found == file.weights.end() ? 0 : found->second.size();
    if (width == 0 || width > kMaxWidth)
      return fail(ErrorCode::kCorrupt, fmt::format("section '{}' is missing or not of 1 to {}",
                                                   section::kMfClassifier, kMaxWidth));
    TRY_ASSIGN(const auto projection, numbers_of(file, section::kMfProjection, width * dimension));
    TRY_ASSIGN(const auto vectors, numbers_of(file, section::kMfModels, models * width));
    std::vector<float> directions = collapse({projection, vectors, found->second}, dimension);
    if (!std::ranges::all_of(directions, [](float x) { return std::isfinite(x); }))
      return fail(ErrorCode::kCorrupt, "the factors overflow when they are multiplied");
    return std::unique_ptr<const Estimator>(new MfEstimator(std::move(directions), dimension));
  }

  double score(const Inputs& inputs, Workspace& workspace) const noexcept override {
    CHECK(inputs.embedding.size() == dimension_);
    std::vector<double>& strengths = workspace.doubles;
    strengths.clear();
    for (size_t at = 0; at < directions_.size(); at += dimension_)
      strengths.push_back(
          double{simd::dot(inputs.embedding, std::span(directions_).subspan(at, dimension_))});
    leave_win_rates(strengths, workspace.estimates);
    return win_probability(strengths.back(), strengths.front());
  }

 private:
  MfEstimator(std::vector<float> directions, size_t dimension)
      : directions_(std::move(directions)), dimension_(dimension) {}

  std::vector<float> directions_;  // [models, dimension]
  size_t dimension_;
};

}  // namespace

MadeEstimator make_mf(const RouterFile& file) {
  return MfEstimator::make(file);
}

}  // namespace weir::model
