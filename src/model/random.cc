#include <fmt/format.h>

#include "base/digest.h"
#include "model/estimators.h"
#include "model/sections.h"

namespace weir::model {
namespace {

// A number that depends on the query and the seed alone: the same query always gets the same one.
class RandomEstimator final : public Estimator {
 public:
  static MadeEstimator make(const RouterFile& file) {
    TRY_ASSIGN(const std::vector<double> seed, numbers_of(file, section::kSeed, 1));
    if (!(seed[0] >= 0 && seed[0] <= 0x1p53))
      return fail(ErrorCode::kCorrupt,
                  fmt::format("'{}' is {}, must be 0 to 2^53", section::kSeed, seed[0]));
    return std::unique_ptr<const Estimator>(new RandomEstimator(static_cast<uint64_t>(seed[0])));
  }

  double score(const Inputs& inputs, Workspace&) const noexcept override {
    return to_unit_interval(siphash({seed_, kDomain}, inputs.query));
  }

 private:
  static constexpr uint64_t kDomain = 0x72616e646f6d;
  explicit RandomEstimator(uint64_t seed) : seed_(seed) {}
  uint64_t seed_;
};

}  // namespace

MadeEstimator make_random(const RouterFile& file) {
  return RandomEstimator::make(file);
}

}  // namespace weir::model
