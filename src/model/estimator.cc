#include "model/estimator.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/digest.h"

namespace weir::model {
namespace {

using Made = std::expected<std::unique_ptr<const Estimator>, Error>;
using Numbers = std::vector<double>;

std::expected<Numbers, Error> section_of(const RouterFile& file, std::string_view name,
                                         size_t count) {
  const auto found = file.weights.find(name);
  if (found == file.weights.end())
    return fail(ErrorCode::kCorrupt, fmt::format("section '{}' is missing", name));
  if (found->second.size() == count) return found->second;
  return fail(ErrorCode::kCorrupt, fmt::format("section '{}' has {} values, expected {}", name,
                                               found->second.size(), count));
}

// Logistic regression on the standardised embedding; the scaler is folded into the weights.
class LrEstimator final : public Estimator {
 public:
  static Made make(const RouterFile& file) {
    const size_t dimension = file.embed.dimension;
    TRY_ASSIGN(const Numbers mean, section_of(file, section::kMean, dimension));
    TRY_ASSIGN(const Numbers scale, section_of(file, section::kScale, dimension));
    TRY_ASSIGN(Numbers weights, section_of(file, section::kCoefficients, dimension));
    TRY_ASSIGN(const Numbers intercept, section_of(file, section::kIntercept, 1));
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

  double score(const Inputs& inputs) const noexcept override {
    CHECK(inputs.embedding.size() == weights_.size());
    double logit = bias_;
    for (size_t j = 0; j < weights_.size(); ++j)
      logit += weights_[j] * static_cast<double>(inputs.embedding[j]);
    return 1 / (1 + std::exp(-logit));
  }

 private:
  LrEstimator(Numbers weights, double bias) : weights_(std::move(weights)), bias_(bias) {}
  Numbers weights_;
  double bias_;
};

// Longer goes to strong: n / (n + median of the training queries), a rank rather than a
// probability.
class LengthEstimator final : public Estimator {
 public:
  static Made make(const RouterFile& file) {
    TRY_ASSIGN(const Numbers median, section_of(file, section::kMedianChars, 1));
    if (!(median[0] > 0))
      return fail(ErrorCode::kCorrupt,
                  fmt::format("'{}' is {}, must be above 0", section::kMedianChars, median[0]));
    return std::unique_ptr<const Estimator>(new LengthEstimator(median[0]));
  }

  double score(const Inputs& inputs) const noexcept override {
    const auto chars = static_cast<double>(inputs.features.prompt.chars);
    return chars / (chars + median_);
  }

 private:
  explicit LengthEstimator(double median) : median_(median) {}
  double median_;
};

// A number that depends on the query and the seed alone: the same query always gets the same one.
class RandomEstimator final : public Estimator {
 public:
  static Made make(const RouterFile& file) {
    TRY_ASSIGN(const Numbers seed, section_of(file, section::kSeed, 1));
    if (!(seed[0] >= 0 && seed[0] <= 0x1p53))
      return fail(ErrorCode::kCorrupt,
                  fmt::format("'{}' is {}, must be 0 to 2^53", section::kSeed, seed[0]));
    return std::unique_ptr<const Estimator>(new RandomEstimator(static_cast<uint64_t>(seed[0])));
  }

  double score(const Inputs& inputs) const noexcept override {
    return to_unit_interval(siphash({seed_, kDomain}, inputs.query));
  }

 private:
  static constexpr uint64_t kDomain = 0x72616e646f6d;
  explicit RandomEstimator(uint64_t seed) : seed_(seed) {}
  uint64_t seed_;
};

constexpr std::array kKinds{
    KindInfo{Kind::kLr, "lr", Needs::kEmbedding, "logistic regression on an embedding",
             LrEstimator::make},
    KindInfo{Kind::kLength, "length", Needs::kFeatures, "longer queries go to strong",
             LengthEstimator::make},
    KindInfo{Kind::kRandom, "random", Needs::kFeatures, "a fixed random number per query",
             RandomEstimator::make},
};

}  // namespace

const KindInfo& kind_info(Kind kind) {
  const auto found = std::ranges::find(kKinds, kind, &KindInfo::kind);
  CHECK(found != kKinds.end());
  return *found;
}

Made make_estimator(const RouterFile& file) {
  CHECK(file.trained);
  return kind_info(file.kind).make(file);
}

std::string_view to_string(Kind kind) {
  return kind_info(kind).name;
}

std::optional<Kind> parse_kind(std::string_view name) {
  const auto found = std::ranges::find(kKinds, name, &KindInfo::name);
  if (found == kKinds.end()) return std::nullopt;
  return found->kind;
}

std::string kind_names() {
  std::string names;
  for (const KindInfo& row : kKinds)
    names += fmt::format("{}{}", names.empty() ? "" : ", ", row.name);
  return names;
}

}  // namespace weir::model
