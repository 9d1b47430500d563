// A router against the baselines that need no training, with bootstrap intervals.
// Pure for a given seed, thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "eval/curve.h"
#include "stats/interval.h"

namespace weir::eval {

// One value a query.
struct Measured {
  std::vector<double> score;   // the router's
  std::vector<double> length;  // characters of the query
  std::vector<double> weak;    // quality of the weak answer, in [0, 1]
  std::vector<double> strong;

  size_t size() const { return score.size(); }
};

struct Result {
  Summary edges;             // the 11-edge rule, comparable with RouteLLM's published rows
  Summary first_crossing;    // the 11 points, but CPT as the first crossing
  Summary full;              // every cut, CPT as the first crossing
  std::vector<Point> curve;  // the 11 points
  std::vector<Point> full_curve;
  // 95 % percentile bootstrap intervals of `edges`; nullopt where most resamples have no gap.
  std::optional<stats::Interval> apgr, cpt50, cpt80;
};

struct Evaluation {
  int64_t queries = 0;
  double weak_quality = 0, strong_quality = 0;
  Result router;
  Result random;  // mean of 10 runs; its intervals are those of a single run
  Result length;
  Result oracle;  // sorted by strong - weak, ties spread evenly
  // Router's APGR minus length's on the same resamples.
  std::optional<stats::Interval> apgr_over_length;
};

struct EvaluateOptions {
  uint64_t seed = 0;
  int resamples = 1000;
  int random_runs = 10;
};

// Requires at least one query and equal sizes.
Evaluation evaluate(const Measured& measured, const EvaluateOptions& options);

}  // namespace weir::eval
