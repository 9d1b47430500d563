#include "train/targets.h"

#include <algorithm>
#include <cmath>

namespace weir::train {
namespace {

constexpr double kLeastSlope = 1e-3;
constexpr double kLeastShare = 1e-3;  // of a label, where hardly any or all rows have it
constexpr int kMaxSteps = 50;

}  // namespace

namespace {

// Takes off every source's mean, where there are several.
void center_sources(const Examples& examples, const Rows& rows, std::vector<double>& values) {
  if (examples.sources.size() < 2) return;
  std::vector<double> sum(examples.sources.size()), weight(examples.sources.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    const LabelledRow& row = examples.rows[rows[i]];
    sum[row.source] += row.weight * values[i];
    weight[row.source] += row.weight;
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    const uint32_t source = examples.rows[rows[i]].source;
    if (weight[source] > 0) values[i] -= sum[source] / weight[source];
  }
}

}  // namespace

std::vector<double> gap_targets(const Examples& examples, const Rows& rows) {
  std::vector<double> gaps;
  for (const uint32_t row : rows)
    gaps.push_back(examples.rows[row].strong_score - examples.rows[row].weak_score);
  center_sources(examples, rows, gaps);
  return gaps;
}

std::vector<double> ease_targets(const Examples& examples, const Rows& rows) {
  std::vector<double> eases;
  for (const uint32_t row : rows)
    eases.push_back(examples.rows[row].strong_score + examples.rows[row].weak_score);
  center_sources(examples, rows, eases);
  return eases;
}

std::vector<double> weights_of(const Examples& examples, const Rows& rows) {
  std::vector<double> weights;
  for (const uint32_t row : rows)
    weights.push_back(examples.rows[row].weight);
  return weights;
}

GapToProbability fit_probability(const Examples& examples, const Rows& rows,
                                 std::span<const double> gaps) {
  double total = 0, needed = 0, sum = 0, squares = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    const LabelledRow& row = examples.rows[rows[i]];
    total += row.weight;
    needed += row.weight * row.label;
    sum += row.weight * gaps[i];
    squares += row.weight * gaps[i] * gaps[i];
  }
  if (!(total > 0)) return {};
  const double mean = sum / total;
  const double sd = std::sqrt(std::max(squares / total - mean * mean, 1e-12));
  const double share = std::clamp(needed / total, kLeastShare, 1 - kLeastShare);
  // Newton's method in z = (gap - mean) / sd, with a weak pull of the slope to 0.
  double slope = 0, offset = std::log(share / (1 - share));
  for (int step = 0; step < kMaxSteps && share > kLeastShare && share < 1 - kLeastShare; ++step) {
    double g0 = 0, g1 = slope, h00 = 1e-9, h01 = 0, h11 = 1;
    for (size_t i = 0; i < rows.size(); ++i) {
      const LabelledRow& row = examples.rows[rows[i]];
      const double z = (gaps[i] - mean) / sd, p = 1 / (1 + std::exp(-(slope * z + offset)));
      const double residual = row.weight * (p - row.label), curve = row.weight * p * (1 - p);
      g0 += residual, g1 += residual * z;
      h00 += curve, h01 += curve * z, h11 += curve * z * z;
    }
    const double determinant = h00 * h11 - h01 * h01;
    const double d0 = (h11 * g0 - h01 * g1) / determinant;
    const double d1 = (h00 * g1 - h01 * g0) / determinant;
    // Far from the optimum a full step may overshoot; the optimum is a few units away at most.
    const double length = std::min(1.0, 2 / std::max(std::abs(d0), std::abs(d1)));
    offset -= length * d0, slope -= length * d1;
    if (std::max(std::abs(d0), std::abs(d1)) < 1e-10) break;
  }
  slope = std::max(slope, kLeastSlope);
  return {slope / sd, offset - slope * mean / sd};
}

}  // namespace weir::train
