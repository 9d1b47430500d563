// Thresholds by meaning: which cut of a router's scores sends a share, reaches a recall, keeps a
// quality or pays for itself; and what every cut would do (the sweep). docs/calibration.md defines
// the words. Pure for a given seed, thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "eval/cost_multiplier.h"
#include "stats/interval.h"

namespace weir::eval {

// Rows of queries that the router was not fitted on, in any order, equal sizes.
struct JudgedRows {
  std::vector<double> score;  // calibrated, in [0, 1]
  std::vector<double> weak;   // quality of the weak answer, in [0, 1]
  std::vector<double> strong;
  std::vector<int> label;  // 1: strong needed

  size_t size() const { return score.size(); }
};

// What a threshold does on rows.
struct Effect {
  double strong_share = 0;
  double recall = 1;         // of strong-needed queries; 1 when there are none
  double quality = 0;        // mean of the routed answers
  double quality_ratio = 1;  // over all-strong's
  double gap = 0;            // all-strong's quality minus this one's, in points of [0, 1]
  double gap_recovered = 0;  // (quality - weak) / (strong - weak); NaN when strong is not better
};

Effect effect_of(const JudgedRows& rows, double threshold);

enum class Aim {
  kStrongShare,    // this share of queries goes to strong
  kRecall,         // at least this share of strong-needed queries goes to strong
  kQuality,        // quality at least this share of all-strong's
  kGap,            // at least this share of the gap between weak and strong is recovered
  kAcceptableGap,  // quality at most this far below all-strong's, in points of [0, 1]
  kValueUsd,       // strong where value x (p_s - p_w) > c_s - c_w; value: dollars of one answer
};

struct ThresholdAim {
  Aim aim = Aim::kStrongShare;
  double value = 0.5;
};

std::string to_string(const ThresholdAim& aim);  // "recall 0.8"

struct FoundThreshold {
  ThresholdAim aim;
  double threshold = 0.5;
  Effect effect;
  // Percentile bootstrap over the rows at this fixed threshold.
  std::optional<stats::Interval> strong_share_ci95, recall_ci95, quality_ratio_ci95, gap_ci95;
  // Share of the resamples in which the aim is met: near one half where the aim is met just so, as
  // a cut that is chosen on the rows does. Nothing for kStrongShare and kValueUsd.
  std::optional<double> met_in_resamples;
};

// The highest threshold (fewest strong calls) that meets the aim on the rows; all-strong, threshold
// 0, always meets a quality. kStrongShare: the linear quantile 1 - share, as RouteLLM has it.
// kValueUsd needs `costs` and takes the cut of the largest value x quality - cost, which is where
// the isotonic fit of p_s - p_w crosses (c_s - c_w) / value. Requires at least one row.
double find_threshold(const JudgedRows& rows, const ThresholdAim& aim, const CallCosts& costs = {});

FoundThreshold measure_threshold(const JudgedRows& rows, const ThresholdAim& aim,
                                 const CallCosts& costs, uint64_t seed, int resamples = 1000);

struct SweepRow {
  double threshold = 0;
  Effect effect;
  stats::Interval gap_ci95;          // mean of the rows' losses +- 1.96 standard errors
  bool acceptable = false;           // gap <= limit
  std::optional<double> multiplier;  // of cost, when costs are known
};

// At weak shares 0, 0.1, ..., 1 (linear quantiles of the scores; equal scores make the real share
// another, which is the one in `effect`).
std::vector<SweepRow> sweep(const JudgedRows& rows, double acceptable_gap,
                            const std::optional<CallCosts>& costs);

}  // namespace weir::eval
