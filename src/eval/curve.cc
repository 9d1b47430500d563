#include "eval/curve.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "base/check.h"
#include "stats/quantile.h"

namespace weir::eval {
namespace {

constexpr int kBins = 10;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// Quality when the rows from `first_strong` on go to strong.
class CutQuality {
 public:
  explicit CutQuality(const Ranked& rows) : sums_(rows.size() + 1) {
    double strong = std::accumulate(rows.strong.begin(), rows.strong.end(), 0.0), weak = 0;
    for (size_t cut = 0; cut < sums_.size(); ++cut) {
      sums_[cut] = weak + strong;
      if (cut == rows.size()) break;
      weak += rows.weak[cut];
      strong -= rows.strong[cut];
    }
  }

  Point point(size_t first_strong, double threshold) const {
    const auto n = static_cast<double>(sums_.size() - 1);
    return {threshold, (n - static_cast<double>(first_strong)) / n, sums_[first_strong] / n};
  }

 private:
  std::vector<double> sums_;
};

double first_crossing(std::span<const Point> points, double target) {
  if (points.front().quality >= target) return points.front().strong_share;
  for (size_t i = 1; i < points.size(); ++i) {
    const Point &a = points[i - 1], &b = points[i];
    if (b.quality < target) continue;
    const double part = (target - a.quality) / (b.quality - a.quality);
    return a.strong_share + part * (b.strong_share - a.strong_share);
  }
  return kNan;
}

}  // namespace

std::vector<uint32_t> rank_order(std::span<const double> scores) {
  std::vector<uint32_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::sort(order, {}, [scores](uint32_t row) { return std::pair(scores[row], row); });
  return order;
}

Ranked take_ranked(std::span<const uint32_t> order, std::span<const uint32_t> counts,
                   std::span<const double> scores, std::span<const double> weak,
                   std::span<const double> strong) {
  Ranked rows;
  for (auto* column : {&rows.score, &rows.weak, &rows.strong})
    column->reserve(order.size());
  for (const uint32_t row : order) {
    for (uint32_t times = counts.empty() ? 1 : counts[row]; times > 0; --times) {
      rows.score.push_back(scores[row]);
      rows.weak.push_back(weak[row]);
      rows.strong.push_back(strong[row]);
    }
  }
  return rows;
}

std::vector<Point> edge_points(const Ranked& rows) {
  CHECK(rows.size() > 0);
  const CutQuality cuts(rows);
  std::vector<Point> points{cuts.point(rows.size(), rows.score.back())};
  for (int bin = kBins - 1; bin >= 0; --bin) {
    const double edge = stats::quantile_of_sorted(rows.score, static_cast<double>(bin) / kBins);
    const auto first = std::ranges::lower_bound(rows.score, edge) - rows.score.begin();
    const Point point = cuts.point(static_cast<size_t>(first), edge);
    if (point.strong_share > points.back().strong_share) points.push_back(point);
  }
  return points;
}

std::vector<Point> full_points(const Ranked& rows) {
  CHECK(rows.size() > 0);
  const CutQuality cuts(rows);
  std::vector<Point> points{cuts.point(rows.size(), rows.score.back())};
  for (size_t cut = rows.size(); cut-- > 0;)
    if (cut == 0 || rows.score[cut - 1] != rows.score[cut])
      points.push_back(cuts.point(cut, rows.score[cut]));
  return points;
}

std::vector<Point> even_points(const Ranked& rows) {
  const std::vector<Point> full = full_points(rows);
  std::vector<Point> points;
  for (int step = 0; step <= kBins; ++step) {
    const double share = static_cast<double>(step) / kBins;
    const auto at = std::ranges::lower_bound(full, share, {}, &Point::strong_share);
    const double threshold = at == full.end() ? full.back().threshold : at->threshold;
    points.push_back({threshold, share, quality_at(full, share)});
  }
  return points;
}

Summary summarize(std::span<const Point> points, Crossing crossing) {
  CHECK(!points.empty());
  const double weak = points.front().quality, strong = points.back().quality;
  if (!(strong > weak)) return {kNan, kNan, kNan, kNan};
  double area = 0;
  for (size_t i = 1; i < points.size(); ++i) {
    const double width = points[i].strong_share - points[i - 1].strong_share;
    area += width * (points[i].quality + points[i - 1].quality) / 2;
  }
  const double span = points.back().strong_share - points.front().strong_share;
  std::vector<double> qualities, shares;
  for (const Point& point : points) {
    qualities.push_back(point.quality);
    shares.push_back(point.strong_share);
  }
  const auto cpt = [&](double part) {
    const double target = weak + part * (strong - weak);
    return 100 * (crossing == Crossing::kFirst ? first_crossing(points, target)
                                               : interpolate(target, qualities, shares));
  };
  return {(area - span * weak) / (span * (strong - weak)), cpt(0.2), cpt(0.5), cpt(0.8)};
}

double quality_at(std::span<const Point> points, double strong_share) {
  const auto after = std::ranges::lower_bound(points, strong_share, {}, &Point::strong_share);
  if (after == points.begin()) return points.front().quality;
  if (after == points.end()) return points.back().quality;
  const Point &a = *(after - 1), &b = *after;
  const double part = (strong_share - a.strong_share) / (b.strong_share - a.strong_share);
  return a.quality + part * (b.quality - a.quality);
}

double interpolate(double x, std::span<const double> xs, std::span<const double> ys) {
  CHECK(!xs.empty() && xs.size() == ys.size());
  const size_t last = xs.size() - 1;
  if (x > xs[last]) return ys[last];
  if (x < xs[0]) return ys[0];
  // numpy's search: linear for up to 4 values, else it looks around index 1 before it bisects. On
  // ascending values both find the same; on others the order of comparisons decides.
  size_t low = 0, high = xs.size();
  if (xs.size() <= 4) {
    low = 1;
    while (low < xs.size() && x >= xs[low])
      ++low;
    high = low;
  } else if (x < xs[1]) {
    low = high = 1;
  } else if (x < xs[2]) {
    low = high = 2;
  } else if (x < xs[3]) {
    low = high = 3;
  } else {
    low = 3;
    if (1 + 8 < last && x < xs[9]) high = 9;
  }
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (x >= xs[middle])
      low = middle + 1;
    else
      high = middle;
  }
  const size_t at = low - 1;
  if (at == last || xs[at] == x) return ys[at];
  const double slope = (ys[at + 1] - ys[at]) / (xs[at + 1] - xs[at]);
  return slope * (x - xs[at]) + ys[at];
}

}  // namespace weir::eval
