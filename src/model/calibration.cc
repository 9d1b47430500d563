#include "model/calibration.h"

#include <algorithm>
#include <cmath>

namespace weir::model {
namespace {

double interpolate(const std::vector<double>& xs, const std::vector<double>& ys,
                   double x) noexcept {
  if (x <= xs.front()) return ys.front();
  if (x >= xs.back()) return ys.back();
  const auto above = std::ranges::upper_bound(xs, x) - xs.begin();
  const auto i = static_cast<size_t>(above);
  const double part = (x - xs[i - 1]) / (xs[i] - xs[i - 1]);
  return ys[i - 1] + part * (ys[i] - ys[i - 1]);
}

}  // namespace

std::string_view to_string(MapForm form) {
  switch (form) {
    case MapForm::kNone:
      return "none";
    case MapForm::kTemperature:
      return "temperature";
    case MapForm::kPlatt:
      return "platt";
    case MapForm::kIsotonic:
      return "isotonic";
  }
  return "none";
}

double clamped_logit(double score) noexcept {
  constexpr double kLeast = 1e-9;
  const double p = std::clamp(score, kLeast, 1 - kLeast);
  return std::log(p / (1 - p));
}

double CalibrationMap::apply(double score) const noexcept {
  switch (form) {
    case MapForm::kNone:
      return score;
    case MapForm::kTemperature:
    case MapForm::kPlatt:
      return 1 / (1 + std::exp(-(slope * clamped_logit(score) + offset)));
    case MapForm::kIsotonic:
      return (1 - kOrderShare) * interpolate(scores, probs, score) + kOrderShare * score;
  }
  return score;
}

}  // namespace weir::model
