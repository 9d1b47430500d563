// Quality of routed answers against all-strong ones, measured on queries: both answers of each are
// graded by a judge (two scores from 0 to 1 and their mean) or by a checker, and the gap is given
// at several thresholds. docs/labels.md. Routed answers are either the weak or the strong model's,
// as a router file's score says at each threshold, or what a running weir answered, at the
// threshold that it has. An Evaluation is immutable; its work runs on the worker of a job and must
// not outlive it.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "label/compare.h"
#include "label/failures.h"
#include "label/job.h"
#include "stats/interval.h"

namespace weir::label {

struct EvaluateOptions {
  Model first;  // the weak model, or a running weir
  bool through_weir = false;
  Model strong;
  std::optional<Judge> judge;  // without one: `checker`
  quality::Checker checker;
  int64_t max_tokens = 1024;
  // P(strong needed) of each query by its key; for !through_weir.
  std::unordered_map<uint64_t, double> scores;
  // What a model costs that a running weir says it has asked.
  std::function<catalog::Price(const std::string& model)> price_of;
};

class Evaluation {
 public:
  explicit Evaluation(EvaluateOptions options) : options_(std::move(options)) {}

  int64_t most_nanousd(const Query& query) const;  // as Comparison's
  std::vector<std::pair<std::string, std::string>> settings() const;
  http::Task<std::expected<RowMembers, CallFailure>> work(Caller& caller, const Query& query,
                                                          Spend& spend) const;

 private:
  struct Case;
  struct Graded;
  http::Task<std::expected<void, CallFailure>> grade(Caller& caller, const Reply& reply,
                                                     Graded& graded, Case& one) const;
  EvaluateOptions options_;
};

// One query as the figures need it.
struct GradedQuery {
  double first = 0, strong = 0;  // scores of the two answers
  double first_usd = 0, strong_usd = 0;
  double prob_strong_needed = 1;
  bool went_strong = false;  // a running weir asked strong: the first answer is a strong one
  std::optional<double> human_first = {}, human_strong = {};
};

struct GradedRows {
  std::vector<GradedQuery> queries;
  int64_t undecided = 0;  // rows without both scores: left out
  int64_t malformed = 0;  // grades of the judge that were none
  double judge_usd = 0;
};

[[nodiscard]] std::expected<GradedRows, Error> read_graded(const std::vector<std::string>& rows);

// The figures at one threshold. Gaps are strong - routed: in points (0 to 100) and as a share of
// strong's quality.
struct GapPoint {
  double threshold = 0;
  double strong_share = 0;
  double cost_reduction = 1;  // all-strong cost / routed cost
  double quality = 0, strong_quality = 0;
  double gap_points = 0, gap_ratio = 0;
  std::optional<stats::Interval> gap_points_ci95 = {}, gap_ratio_ci95 = {};
  // With human scores of some queries: the gap in points as people would see it (PPI++).
  std::optional<double> human_gap_points = {};
  std::optional<stats::Interval> human_gap_points_ci95 = {};

  bool acceptable() const { return gap_ratio < kAcceptableGap; }
  // The whole interval is below the limit.
  bool shown() const { return gap_ratio_ci95 && gap_ratio_ci95->high < kAcceptableGap; }
  static constexpr double kAcceptableGap = 0.05;
};

// Strong at prob >= threshold. Requires at least one query. `seed`: of the bootstrap (1,000
// resamples of the queries).
GapPoint gap_at(const std::vector<GradedQuery>& queries, double threshold, uint64_t seed);

}  // namespace weir::label
