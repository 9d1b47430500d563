#include "model/piecewise.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "model/sections.h"

namespace weir::model {

constexpr size_t kMostKnots = 256;

PiecewiseLinear::PiecewiseLinear(std::vector<double> knots, std::vector<double> values)
    : knots_(std::move(knots)), values_(std::move(values)) {
  CHECK(knots_.size() == values_.size());
  CHECK(std::ranges::adjacent_find(knots_, std::greater_equal{}) == knots_.end());
}

std::expected<PiecewiseLinear, Error> PiecewiseLinear::read(const RouterFile& file,
                                                            std::string_view knots,
                                                            std::string_view values) {
  const auto found = file.weights.find(knots);
  const size_t count = found == file.weights.end() ? 1 : found->second.size();
  TRY_ASSIGN(std::vector<double> x, numbers_of(file, knots, count));
  TRY_ASSIGN(std::vector<double> y, numbers_of(file, values, count));
  if (count > kMostKnots || std::ranges::adjacent_find(x, std::greater_equal{}) != x.end())
    return fail(
        ErrorCode::kCorrupt,
        fmt::format("section '{}' must hold up to {} ascending numbers", knots, kMostKnots));
  return PiecewiseLinear(std::move(x), std::move(y));
}

double PiecewiseLinear::operator()(double x) const noexcept {
  if (knots_.empty()) return 0;
  const auto after = std::ranges::lower_bound(knots_, x) - knots_.begin();
  const auto i = static_cast<size_t>(after);
  if (i == 0) return values_.front() + kTailSlope * (x - knots_.front());
  if (i == knots_.size()) return values_.back() + kTailSlope * (x - knots_.back());
  const double part = (x - knots_[i - 1]) / (knots_[i] - knots_[i - 1]);
  return values_[i - 1] + part * (values_[i] - values_[i - 1]);
}

}  // namespace weir::model
