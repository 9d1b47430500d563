#include "stats/interval.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <numbers>

#include "base/check.h"
#include "stats/quantile.h"

namespace weir::stats {
namespace {

template <size_t kCount>
double polynomial(const std::array<double, kCount>& coefficients, double x) {
  double value = 0;
  for (const double c : coefficients)
    value = value * x + c;
  return value;
}

constexpr std::array kCentralTop{-3.969683028665376e+01, 2.209460984245205e+02,
                                 -2.759285104469687e+02, 1.383577518672690e+02,
                                 -3.066479806614716e+01, 2.506628277459239e+00};
constexpr std::array kCentralBottom{-5.447609879822406e+01, 1.615858368580409e+02,
                                    -1.556989798598866e+02, 6.680131188771972e+01,
                                    -1.328068155288572e+01, 1.0};
constexpr std::array kTailTop{-7.784894002430293e-03, -3.223964580411365e-01,
                              -2.400758277161838e+00, -2.549732539343734e+00,
                              4.374664141464968e+00,  2.938163982698783e+00};
constexpr std::array kTailBottom{7.784695709041462e-03, 3.224671290700398e-01,
                                 2.445134137142996e+00, 3.754408661907416e+00, 1.0};
constexpr double kTail = 0.02425;

double tail_estimate(double p) {
  const double q = std::sqrt(-2 * std::log(p));
  return polynomial(kTailTop, q) / polynomial(kTailBottom, q);
}

double first_estimate(double p) {
  if (p < kTail) return tail_estimate(p);
  const double q = p - 0.5;
  return q * polynomial(kCentralTop, q * q) / polynomial(kCentralBottom, q * q);
}

}  // namespace

double normal_quantile(double p) {
  CHECK(p > 0 && p < 1);
  if (p > 0.5) return -normal_quantile(1 - p);  // small tails keep their digits
  const double x = first_estimate(p);
  const double error = 0.5 * std::erfc(-x / std::numbers::sqrt2) - p;
  const double step = error * std::sqrt(2 * std::numbers::pi) * std::exp(x * x / 2);
  return x - step / (1 + x * step / 2);
}

Interval wilson(uint64_t successes, uint64_t trials, double confidence) {
  CHECK(successes <= trials && confidence > 0 && confidence < 1);
  if (trials == 0) return {0, 1};
  const double z = normal_quantile(0.5 + confidence / 2);
  const auto n = static_cast<double>(trials);
  const double share = static_cast<double>(successes) / n;
  const double middle = (share + z * z / (2 * n)) / (1 + z * z / n);
  const double half =
      z / (1 + z * z / n) * std::sqrt(share * (1 - share) / n + z * z / (4 * n * n));
  return {successes == 0 ? 0 : std::max(0.0, middle - half),
          successes == trials ? 1 : std::min(1.0, middle + half)};
}

void draw_bootstrap_counts(size_t rows, Random& random, std::vector<uint32_t>& counts) {
  counts.assign(rows, 0);
  for (size_t i = 0; i < rows; ++i)
    ++counts[random.below(rows)];
}

std::optional<Interval> percentile_interval(std::span<const double> values, double confidence) {
  std::vector<double> finite;
  std::ranges::copy_if(values, std::back_inserter(finite),
                       [](double x) { return std::isfinite(x); });
  if (finite.empty() || finite.size() * 2 < values.size()) return std::nullopt;
  std::ranges::sort(finite);
  const double tail = (1 - confidence) / 2;
  return Interval{quantile_of_sorted(finite, tail), quantile_of_sorted(finite, 1 - tail)};
}

}  // namespace weir::stats
