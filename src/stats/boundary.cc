#include "stats/boundary.h"

#include <algorithm>
#include <boost/math/special_functions/beta.hpp>
#include <boost/math/special_functions/zeta.hpp>
#include <cmath>
#include <numbers>

#include "base/check.h"

namespace weir::stats {
namespace {

constexpr int kBisections = 200;  // more than a double has bits

double log_normal_cdf(double x) {
  return std::log(0.5 * std::erfc(-x / std::numbers::sqrt2));
}

double log_beta(double a, double b) {
  return std::lgamma(a) + std::lgamma(b) - std::lgamma(a + b);
}

// The point between `low`, where `below` holds, and `high`, where it does not.
template <typename Below>
double bisect(double low, double high, Below below) {
  for (int i = 0; i < kBisections; ++i) {
    const double middle = 0.5 * (low + high);
    (below(middle) ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

// Logarithm of the beta-binomial mixture against share p, for g = p and h = 1 - p.
double log_mixture(int64_t k, int64_t n, double p, double t_opt) {
  const double g = p, h = 1 - p, gh = g * h;
  const double s = static_cast<double>(k) - static_cast<double>(n) * p;
  const double v = static_cast<double>(n) * gh;
  const double r = std::max(best_rho(t_opt * gh, 0.05) - gh, 0.001 * gh);
  return -(v + h * s) / h * std::log(g) - (v - g * s) / g * std::log(h) +
         log_beta((r + v) / g - s, (r + v) / h + s) - log_beta(r / g, r / h);
}

}  // namespace

double best_rho(double v, double alpha) {
  CHECK(v > 0 && alpha > 0 && alpha < 1);
  const double log_inverse = std::log(1 / alpha);
  return v / (2 * log_inverse + std::log1p(2 * log_inverse));
}

double two_sided_normal_mixture(double v, double alpha, double v_opt) {
  CHECK(v >= 0);
  const double rho = best_rho(v_opt, alpha);
  return std::sqrt((v + rho) * std::log((v + rho) / (rho * alpha * alpha)));
}

double one_sided_normal_mixture(double v, double alpha, double v_opt) {
  CHECK(v >= 0 && alpha < 0.5);
  const double rho = best_rho(v_opt, 2 * alpha);
  const double total = v + rho;
  const double limit = std::log(1 / alpha);
  const auto below = [&](double s) {
    return 0.5 * std::log(4 * rho / total) + s * s / (2 * total) +
               log_normal_cdf(s / std::sqrt(total)) <
           limit;
  };
  double high = std::sqrt(total);
  while (below(high))
    high *= 2;
  return bisect(0, high, below);
}

double poly_stitching(double v, double alpha, double v_min, double c) {
  CHECK(v >= 0 && v_min > 0 && c >= 0 && alpha > 0 && alpha < 1);
  constexpr double kEta = 2, kS = 1.4;
  static const double kZeta = boost::math::zeta(kS);
  const double u = std::max(v, v_min);
  const double ell = kS * std::log(std::log(kEta * u / v_min)) +
                     std::log(kZeta / (alpha * std::pow(std::log(kEta), kS)));
  const double root = std::pow(kEta, 0.25);
  const double k1 = (root + 1 / root) / std::numbers::sqrt2;
  const double k2 = (std::sqrt(kEta) + 1) / 2;
  const double linear = k2 * c * ell;
  return std::sqrt(k1 * k1 * u * ell + linear * linear) + linear;
}

Interval bernoulli_interval(int64_t k, int64_t n, double alpha, double t_opt) {
  CHECK(n >= 1 && k >= 0 && k <= n && t_opt > 0);
  constexpr double kEdge = 1e-12;
  const double share = static_cast<double>(k) / static_cast<double>(n);
  const double middle = std::clamp(share, kEdge, 1 - kEdge);
  const double limit = std::log(1 / alpha);
  const auto rejected = [&](double p) { return log_mixture(k, n, p, t_opt) > limit; };
  Interval interval{0, 1};
  if (k > 0) interval.low = rejected(kEdge) ? bisect(kEdge, middle, rejected) : 0;
  if (k < n && rejected(1 - kEdge))
    interval.high = bisect(middle, 1 - kEdge, [&](double p) { return !rejected(p); });
  return interval;
}

}  // namespace weir::stats
