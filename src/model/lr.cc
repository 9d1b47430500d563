#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "base/check.h"
#include "model/estimators.h"
#include "model/sections.h"

namespace weir::model {
namespace {

// Logistic regression on the standardised embedding; the scaler is folded into the weights.
class LrEstimator final : public Estimator {
 public:
  static MadeEstimator make(const RouterFile& file) {
    const size_t dimension = file.embed.dimension;
    TRY_ASSIGN(const std::vector<double> mean, numbers_of(file, section::kMean, dimension));
    TRY_ASSIGN(const std::vector<double> scale, numbers_of(file, section::kScale, dimension));
    TRY_ASSIGN(std::vector<double> weights, numbers_of(file, section::kCoefficients, dimension));
    TRY_ASSIGN(const std::vector<double> intercept, numbers_of(file, section::kIntercept, 1));
    double bias = intercept[0];
    for (size_t j = 0; j < dimension; ++j) {
      if (!(scale[j] > 0))
        return fail(ErrorCode::kCorrupt, fmt::format("'{}' {} is not above 0", section::kScale, j));
      weights[j] /= scale[j];
      bias -= weights[j] * mean[j];
    }
    const auto finite = [](double x) { return std::isfinite(x); };
    if (!std::ranges::all_of(weights, finite) || !finite(bias))
      return fail(ErrorCode::kCorrupt, "the weights overflow when the scaler is folded in");
    return std::unique_ptr<const Estimator>(new LrEstimator(std::move(weights), bias));
  }

  double score(const Inputs& inputs, Workspace&) const noexcept override {
    CHECK(inputs.embedding.size() == weights_.size());
    double logit = bias_;
    for (size_t j = 0; j < weights_.size(); ++j)
      logit += weights_[j] * static_cast<double>(inputs.embedding[j]);
    return 1 / (1 + std::exp(-logit));
  }

 private:
  LrEstimator(std::vector<double> weights, double bias)
      : weights_(std::move(weights)), bias_(bias) {}
  std::vector<double> weights_;
  double bias_;
};

}  // namespace

MadeEstimator make_lr(const RouterFile& file) {
  return LrEstimator::make(file);
}

}  // namespace weir::model
