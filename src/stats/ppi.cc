#include "stats/ppi.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/check.h"

namespace weir::stats {
namespace {

double mean_of(std::span<const double> values) {
  double sum = 0;
  for (const double value : values)
    sum += value;
  return sum / static_cast<double>(values.size());
}

// Sum of products of the deviations from the means.
double comoment(std::span<const double> a, std::span<const double> b) {
  const double mean_a = mean_of(a), mean_b = mean_of(b);
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i)
    sum += (a[i] - mean_a) * (b[i] - mean_b);
  return sum;
}

// The weight of the judge with the smallest variance.
double best_weight(std::span<const double> human, std::span<const double> judge,
                   std::span<const double> judge_only) {
  const auto n = static_cast<double>(human.size()), m = static_cast<double>(judge_only.size());
  std::vector<double> all(judge.begin(), judge.end());
  all.insert(all.end(), judge_only.begin(), judge_only.end());
  const double variance = comoment(all, all) / (n + m - 1);
  if (variance <= 0) return 0;
  return std::clamp(comoment(human, judge) / n / ((1 + n / m) * variance), 0.0, 1.0);
}

}  // namespace

PpiMean ppi_mean(std::span<const double> human, std::span<const double> judge,
                 std::span<const double> judge_only, double confidence,
                 std::optional<double> weight) {
  CHECK(human.size() == judge.size() && human.size() >= 2 && judge_only.size() >= 2);
  PpiMean result;
  result.weight = weight ? *weight : best_weight(human, judge, judge_only);
  std::vector<double> rest(human.size());
  for (size_t i = 0; i < rest.size(); ++i)
    rest[i] = human[i] - result.weight * judge[i];
  const auto n = static_cast<double>(human.size()), m = static_cast<double>(judge_only.size());
  result.mean = result.weight * mean_of(judge_only) + mean_of(rest);
  const double variance = result.weight * result.weight * comoment(judge_only, judge_only) / m / m +
                          comoment(rest, rest) / n / n;
  const double half = normal_quantile((1 + confidence) / 2) * std::sqrt(variance);
  result.interval = {result.mean - half, result.mean + half};
  return result;
}

}  // namespace weir::stats
