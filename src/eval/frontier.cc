#include "eval/frontier.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace weir::eval {
namespace {

// Above 0 when `b` lies above the line from `a` to `c`.
double bulge(const CostQuality& a, const CostQuality& b, const CostQuality& c) {
  return (b.quality - a.quality) * (c.cost - a.cost) - (c.quality - a.quality) * (b.cost - a.cost);
}

// Area under the hull between the cheapest and the dearest point.
double area(std::span<const CostQuality> points, double* width) {
  const std::vector<CostQuality> corners = hull(points);
  const double dearest = std::ranges::max(points, {}, &CostQuality::cost).cost;
  double sum = 0;
  for (size_t i = 1; i < corners.size(); ++i)
    sum +=
        (corners[i].cost - corners[i - 1].cost) * (corners[i].quality + corners[i - 1].quality) / 2;
  sum += (dearest - corners.back().cost) * corners.back().quality;
  *width = dearest - corners.front().cost;
  return sum;
}

}  // namespace

std::vector<CostQuality> hull(std::span<const CostQuality> points) {
  CHECK(!points.empty());
  std::vector<CostQuality> sorted(points.begin(), points.end());
  std::ranges::sort(sorted, [](const CostQuality& a, const CostQuality& b) {
    return a.cost != b.cost ? a.cost < b.cost : a.quality > b.quality;
  });
  std::vector<CostQuality> corners;
  for (const CostQuality& point : sorted) {
    if (!corners.empty() && point.quality <= corners.back().quality) continue;
    while (corners.size() > 1 && bulge(corners[corners.size() - 2], corners.back(), point) <= 0)
      corners.pop_back();
    corners.push_back(point);
  }
  return corners;
}

double mix_quality(std::span<const CostQuality> points, double cost) {
  const std::vector<CostQuality> corners = hull(points);
  const auto after = std::ranges::upper_bound(corners, cost, {}, &CostQuality::cost);
  if (after == corners.begin()) return corners.front().quality;
  if (after == corners.end()) return corners.back().quality;
  const CostQuality &a = *(after - 1), &b = *after;
  return a.quality + (cost - a.cost) / (b.cost - a.cost) * (b.quality - a.quality);
}

double aiq(std::span<const CostQuality> points) {
  double width = 0;
  const double sum = area(points, &width);
  return width > 0 ? sum / width : std::ranges::max(points, {}, &CostQuality::quality).quality;
}

double routerbench_aiq(std::span<const CostQuality> points) {
  double width = 0;
  const double sum = area(points, &width);
  const double dearest = std::ranges::max(points, {}, &CostQuality::cost).cost;
  return dearest > 0 ? sum / dearest : 0;
}

double router_arena_score(double usd_per_1k, double accuracy) {
  constexpr double kWeight = 0.1, kCheapest = 0.0044, kDearest = 200;
  const double usd = std::clamp(usd_per_1k, kCheapest, kDearest);
  const double cost =
      (std::log2(kDearest) - std::log2(usd)) / (std::log2(kDearest) - std::log2(kCheapest));
  const double below = kWeight * accuracy + cost;
  return below > 0 ? (1 + kWeight) * accuracy * cost / below : 0;
}

}  // namespace weir::eval
