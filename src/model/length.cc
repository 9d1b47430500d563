#include <algorithm>
#include <cmath>

#include "model/estimators.h"
#include "model/piecewise.h"
#include "model/sections.h"

namespace weir::model {
namespace {

// P(strong needed) as an increasing function of the logarithm of the length.
class LengthEstimator final : public Estimator {
 public:
  static MadeEstimator make(const RouterFile& file) {
    TRY_ASSIGN(PiecewiseLinear curve,
               PiecewiseLinear::read(file, section::kLengthKnots, section::kLengthValues));
    return std::unique_ptr<const Estimator>(new LengthEstimator(std::move(curve)));
  }

  double score(const Inputs& inputs, Workspace&) const noexcept override {
    const double chars = std::log1p(static_cast<double>(inputs.features.prompt.chars));
    return std::clamp(curve_(chars), 0.0, 1.0);
  }

 private:
  explicit LengthEstimator(PiecewiseLinear curve) : curve_(std::move(curve)) {}
  PiecewiseLinear curve_;
};

}  // namespace

MadeEstimator make_length(const RouterFile& file) {
  return LengthEstimator::make(file);
}

}  // namespace weir::model
