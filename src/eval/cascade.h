// Cascades on recorded answers: how well a confidence of the weak model says whether to ask the
// strong one, and how a cascade's thresholds are found. docs/cascades.md explains the figures.
// Pure for a given seed, thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "eval/curve.h"
#include "model/calibration.h"
#include "stats/interval.h"
#include "stats/reliability.h"

namespace weir::eval {

// One value a query: both models' quality in [0, 1], the weak one's raw confidence.
struct CascadeRows {
  std::vector<double> confidence, weak, strong;

  size_t size() const { return confidence.size(); }
};

// Probability that a row with `outcome` 1 has a higher score than one with 0, ties one half;
// nullopt when one of the two kinds is missing.
std::optional<double> auroc(const std::vector<double>& scores, const std::vector<int>& outcomes);

struct CascadeFigures {
  int64_t rows = 0;
  double weak_quality = 0, strong_quality = 0;
  // Of the confidence for "weak is right", and of its opposite for "strong is better".
  std::optional<double> auroc_weak_right, auroc_strong_better;
  Summary summary;                      // of the curve; shares are escalation rates
  std::optional<stats::Interval> apgr;  // 95 % bootstrap over queries
  std::vector<Point> curve;             // quality against escalation rate, every cut
  // Least escalation rate at which 95 % of the strong model's quality is kept, and there the cost
  // reduction against all strong, 1 / (1 / price_ratio + rate).
  double rate_at_95 = 1, multiplier_at_95 = 0;
  // Calibration fitted on one half and measured on the other: means over the repeats.
  double ece_before = 0, ece_after = 0, log_loss_before = 0, log_loss_after = 0;
  std::string map_form;  // the one chosen most often
  std::vector<stats::ReliabilityBin> reliability_before, reliability_after;  // of the last repeat
};

struct CascadeStudyOptions {
  uint64_t seed = 0;
  int repeats = 20;
  int resamples = 1000;
  double price_ratio = 18.75;  // strong / weak
};

// Requires at least 20 rows of equal sizes.
CascadeFigures study_cascade(const CascadeRows& rows, const CascadeStudyOptions& options);

// Accuracy at one level of confidence. Levels with fewer than the least number of queries are
// merged with the next higher ones.
struct ConfidenceLevel {
  double low = 0, high = 0;  // confidences of the level
  int64_t queries = 0, right = 0;
  double lower_bound = 0;  // of the accuracy, one-sided Clopper-Pearson
};

struct CascadeFit {
  model::CalibrationMap map;  // none, temperature, Platt or isotonic, by held-out log loss
  std::string map_form;
  std::vector<ConfidenceLevel> levels;  // rising
  // On the scale of the map: accepted from here on, because every level from it upwards has an
  // accuracy whose lower bound is at least the target. 1 when no level has.
  double escalate_below = 1;
  bool reached = false;      // some level reaches the target
  double give_up_below = 0;  // double threshold: below it strong is right in less than `unsolvable`
  int64_t queries = 0;
};

struct CascadeFitOptions {
  double target = 0.9;  // accuracy of what is accepted
  double delta = 0.05;  // of the lower bounds
  int64_t least_queries = 30;
  // Where strong answers are known: give up where even the upper bound of the share that strong
  // would repair (strong right, weak wrong) is below this; 0: single threshold.
  double unsolvable = 0;
  uint64_t seed = 0;
};

// `strong` may be empty. Requires at least 30 rows, both kinds of outcome.
CascadeFit fit_cascade(const CascadeRows& rows, const CascadeFitOptions& options);

}  // namespace weir::eval
