// Cost and quality in one figure. Pure functions, thread-safe.
//   AIQ          average improvement in quality (RouterBench, arXiv 2403.12031): area under the
//                non-decreasing convex hull of (cost, quality)
//   RouterArena  the score of its board (RouteWorks/RouterArena, compute_scores.py)
#pragma once

#include <span>
#include <vector>

namespace weir::eval {

struct CostQuality {
  double cost = 0;     // dollars, all points per the same number of queries
  double quality = 0;  // in [0, 1]
};

// The corners of the upper convex hull by rising cost, up to the best quality: what mixing the
// points at random can reach. Requires at least one point.
std::vector<CostQuality> hull(std::span<const CostQuality> points);

// Quality of the best random mix of the points at no more than `cost`; that of the cheapest point
// when even that costs more. Requires at least one point.
double mix_quality(std::span<const CostQuality> points, double cost);

// weir's AIQ: mean height of the hull over [cheapest, dearest point]. In [0, 1]; the best quality
// when all points cost the same. This is what is printed.
double aiq(std::span<const CostQuality> points);

// As RouterBench's code computes it: the same area divided by the dearest cost, so that a frontier
// that starts late counts nothing before. For comparison with its published rows only.
double routerbench_aiq(std::span<const CostQuality> points);

// (1 + b) A C / (b A + C) with b = 0.1, A accuracy in [0, 1] and
// C = (log2 200 - log2 c) / (log2 200 - log2 0.0044), c dollars per 1,000 queries. Costs are kept
// within [0.0044, 200], where C is in [0, 1].
double router_arena_score(double usd_per_1k, double accuracy);

}  // namespace weir::eval
