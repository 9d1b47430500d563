#include "train/stack.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace weir::train {
namespace {

constexpr double kLeastScale = 1e-12;  // of a column that is not constant
constexpr int kMaxSweeps = 10'000;
constexpr double kTolerance = 1e-12;

// Second moments about the weighted means, of the columns and, last, of the targets.
struct Moments {
  std::vector<double> mean;
  std::vector<std::vector<double>> product;
};

Moments moments_of(std::span<const std::span<const double>> series,
                   std::span<const double> weights) {
  const size_t k = series.size();
  Moments m{std::vector<double>(k), std::vector(k, std::vector<double>(k))};
  double total = 0;
  for (const double weight : weights)
    total += weight;
  if (!(total > 0)) return m;
  for (size_t a = 0; a < k; ++a) {
    for (size_t i = 0; i < weights.size(); ++i)
      m.mean[a] += weights[i] * series[a][i] / total;
  }
  for (size_t a = 0; a < k; ++a) {
    for (size_t b = 0; b <= a; ++b) {
      for (size_t i = 0; i < weights.size(); ++i)
        m.product[a][b] +=
            weights[i] * (series[a][i] - m.mean[a]) * (series[b][i] - m.mean[b]) / total;
      m.product[b][a] = m.product[a][b];
    }
  }
  return m;
}

}  // namespace

double Stack::operator()(std::span<const double> values) const {
  double sum = intercept;
  for (size_t i = 0; i < weights.size(); ++i)
    sum += weights[i] * values[i];
  return sum;
}

Stack fit_stack(std::span<const StackColumn> columns, std::span<const double> targets,
                std::span<const double> weights) {
  const size_t k = columns.size();
  std::vector<std::span<const double>> series;
  for (const StackColumn& column : columns)
    series.push_back(column.values);
  series.push_back(targets);
  for (const auto& one : series)
    CHECK(one.size() == weights.size());
  const Moments m = moments_of(series, weights);
  // On columns of variance 1, so that the penalty treats them alike.
  std::vector<double> scale(k), standard(k);
  for (size_t a = 0; a < k; ++a)
    scale[a] = std::sqrt(m.product[a][a]);
  for (int sweep = 0; sweep < kMaxSweeps; ++sweep) {
    double moved = 0;
    for (size_t a = 0; a < k; ++a) {
      if (!(scale[a] > kLeastScale)) continue;
      double rest = m.product[a][k] / scale[a];
      for (size_t b = 0; b < k; ++b)
        if (b != a && scale[b] > kLeastScale)
          rest -= standard[b] * m.product[a][b] / (scale[a] * scale[b]);
      double value = rest / (1 + columns[a].pull);
      if (columns[a].sign == Sign::kNotNegative) value = std::max(0.0, value);
      moved = std::max(moved, std::abs(value - standard[a]));
      standard[a] = value;
    }
    if (moved < kTolerance) break;
  }
  Stack stack{std::vector<double>(k), m.mean[k]};
  for (size_t a = 0; a < k; ++a) {
    stack.weights[a] = scale[a] > kLeastScale ? standard[a] / scale[a] : 0;
    stack.intercept -= stack.weights[a] * m.mean[a];
  }
  return stack;
}

}  // namespace weir::train
