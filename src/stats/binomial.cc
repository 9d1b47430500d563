#include "stats/binomial.h"

#include <algorithm>
#include <boost/math/special_functions/beta.hpp>
#include <cmath>
#include <numbers>

#include "base/check.h"

namespace weir::stats {
namespace {

// Kullback-Leibler divergence of two Bernoulli shares.
double divergence(double y, double mean) {
  const double left = y > 0 ? y * std::log(y / mean) : 0;
  const double right = y < 1 ? (1 - y) * std::log((1 - y) / (1 - mean)) : 0;
  return left + right;
}

// A sum of values that are counts in truth comes with rounding: 15.000000000000002 is 15.
int64_t rounded_up(double sum) {
  const double near = std::round(sum);
  return static_cast<int64_t>(std::abs(sum - near) < 1e-9 ? near : std::ceil(sum));
}

}  // namespace

double binomial_cdf(int64_t k, int64_t n, double p) {
  CHECK(n >= 0 && p >= 0 && p <= 1);
  if (k < 0) return 0;
  if (k >= n || p == 0) return 1;
  if (p == 1) return 0;
  return boost::math::ibetac(static_cast<double>(k + 1), static_cast<double>(n - k), p);
}

double clopper_pearson_lower(int64_t k, int64_t n, double delta) {
  CHECK(k >= 0 && k <= n && delta > 0 && delta < 1);
  if (k == 0) return 0;
  return boost::math::ibeta_inv(static_cast<double>(k), static_cast<double>(n - k + 1), delta);
}

double clopper_pearson_upper(int64_t k, int64_t n, double delta) {
  CHECK(k >= 0 && k <= n && delta > 0 && delta < 1);
  if (k == n) return 1;
  return boost::math::ibetac_inv(static_cast<double>(k + 1), static_cast<double>(n - k), delta);
}

Interval clopper_pearson(int64_t k, int64_t n, double confidence) {
  const double delta = (1 - confidence) / 2;
  return {clopper_pearson_lower(k, n, delta), clopper_pearson_upper(k, n, delta)};
}

int64_t least_trials_without_failure(double limit, double delta) {
  CHECK(limit > 0 && limit < 1 && delta > 0 && delta < 1);
  return static_cast<int64_t>(std::ceil(std::log(delta) / std::log1p(-limit)));
}

double hoeffding_bentkus_p_value(double sum, int64_t n, double limit) {
  const auto count = static_cast<double>(n);
  CHECK(n >= 1 && sum >= 0 && sum <= count && limit > 0 && limit < 1);
  const double mean = std::min(sum / count, limit);
  const double hoeffding = std::exp(-count * divergence(mean, limit));
  const double bentkus = std::numbers::e * binomial_cdf(rounded_up(sum), n, limit);
  return std::min({1.0, hoeffding, bentkus});
}

}  // namespace weir::stats
