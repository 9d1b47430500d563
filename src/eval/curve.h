// Quality against strong share: the curve that a score draws when its threshold moves, and the
// figures that summarise it. Definitions: Ong et al., RouteLLM (arXiv 2406.18665); the 11-edge rule
// is that of its code. Which figure follows which rule: docs/evaluation.md.
// Pure functions, thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace weir::eval {

struct Point {
  double threshold = 0;     // strong where score >= threshold
  double strong_share = 0;  // in [0, 1]
  double quality = 0;       // mean score of the routed answers
};

// Rows in ascending order of their score.
struct Ranked {
  std::vector<double> score;  // what the router says, larger = strong
  std::vector<double> weak;   // quality of the weak answer
  std::vector<double> strong;

  size_t size() const { return score.size(); }
};

// The order that sorts `scores`, smallest first; equal scores keep their order.
std::vector<uint32_t> rank_order(std::span<const double> scores);

// Each row `order[i]` taken counts[order[i]] times; an empty `counts` means once.
Ranked take_ranked(std::span<const uint32_t> order, std::span<const uint32_t> counts,
                   std::span<const double> scores, std::span<const double> weak,
                   std::span<const double> strong);

// All three: points by rising strong share, from 0 to 1. Require at least one row.
// The edges of ten equal-sized bins of the scores (percentiles 0, 10, ..., 100, interpolated);
// strong where score >= edge, at the last edge where score > edge. Equal edges (many equal scores)
// give equal points, which stand there once.
std::vector<Point> edge_points(const Ranked& rows);
// Every cut between different scores: rows of equal score stand on one straight segment, which is
// what breaking their tie at random gives on average.
std::vector<Point> full_points(const Ranked& rows);
// full_points read off at the strong shares 0, 0.1, ..., 1.
std::vector<Point> even_points(const Ranked& rows);

struct Summary {
  double apgr = 0;  // average performance gap recovered: area between curve and weak, over the gap
  // Strong share in percent at which 20, 50, 80 % of the gap are recovered.
  double cpt20 = 0, cpt50 = 0, cpt80 = 0;
};

// How the strong share that reaches a quality is read off the curve.
enum class Crossing {
  kInterpolated,  // numpy.interp over quality as RouteLLM does, arbitrary where the curve turns
                  // back
  kFirst,         // the least share at which the curve reaches it
};

// The ends of the curve are weak and strong. All NaN when strong is not better than weak.
Summary summarize(std::span<const Point> points, Crossing crossing);

// The curve at one strong share, linear between points. Requires points by rising share.
double quality_at(std::span<const Point> points, double strong_share);

// numpy.interp(x, xs, ys), including what it does when xs is not ascending. Requires equal sizes of
// at least 1.
double interpolate(double x, std::span<const double> xs, std::span<const double> ys);

}  // namespace weir::eval
