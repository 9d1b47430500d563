#include <fmt/format.h>

#include "model/estimators.h"
#include "model/sections.h"

namespace weir::model {
namespace {

// Longer goes to strong: n / (n + median of the training queries), a rank rather than a
// probability.
class LengthEstimator final : public Estimator {
 public:
  static MadeEstimator make(const RouterFile& file) {
    TRY_ASSIGN(const std::vector<double> median, numbers_of(file, section::kMedianChars, 1));
    if (!(median[0] > 0))
      return fail(ErrorCode::kCorrupt,
                  fmt::format("'{}' is {}, must be above 0", section::kMedianChars, median[0]));
    return std::unique_ptr<const Estimator>(new LengthEstimator(median[0]));
  }

  double score(const Inputs& inputs, Workspace&) const noexcept override {
    const auto chars = static_cast<double>(inputs.features.prompt.chars);
    return chars / (chars + median_);
  }

 private:
  explicit LengthEstimator(double median) : median_(median) {}
  double median_;
};

}  // namespace

MadeEstimator make_length(const RouterFile& file) {
  return LengthEstimator::make(file);
}

}  // namespace weir::model
