// Labels by comparison: the weak and the strong model answer, a judge says whether the weak answer
// is meaningfully worse. The first order of the two answers is random by query and seed; only a win
// is asked again in the other order, and only two wins that agree count. Method and rows:
// docs/labels.md; sources: Zheng et al. 2023 (arXiv 2306.05685) on position bias.
// A Comparison is immutable; its work runs on the worker of a job and must not outlive it.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include "label/job.h"
#include "quality/judge.h"

namespace weir::label {

struct Judge {
  Model model;
  quality::JudgeForm form = quality::JudgeForm::kPairwise;
  std::string rubric = {};  // "": the one that ships
  int64_t max_tokens = 512;
  int tries = 2;  // of one verdict, when the words of the judge are no verdict
};

// The most that one verdict on `answers` answers to the query can cost, without retries.
int64_t most_verdict_nanousd(const Judge& judge, const Query& query, int answers,
                             int64_t answer_tokens);

struct CompareOptions {
  Model weak, strong;
  Judge judge;
  int64_t max_tokens = 1024;  // of an answer
  uint64_t seed = 0;
};

class Comparison {
 public:
  explicit Comparison(CompareOptions options) : options_(std::move(options)) {}

  // The most that a query can cost without retries: both answers, and a verdict in each order.
  int64_t most_nanousd(const Query& query) const;
  // The settings that all rows of one file share.
  std::vector<std::pair<std::string, std::string>> settings() const;
  http::Task<std::expected<RowMembers, CallFailure>> work(Caller& caller, const Query& query,
                                                          Spend& spend) const;

 private:
  struct Case;
  http::Task<std::expected<void, CallFailure>> judge(Caller& caller, Case& one) const;
  http::Task<std::expected<void, CallFailure>> judge_yes_no(Caller& caller, Case& one) const;
  // One order; the verdict is added to the case.
  http::Task<std::expected<void, CallFailure>> judge_order(Caller& caller, bool weak_first,
                                                           Case& one) const;

  CompareOptions options_;
};

// What the rows of a file say together.
struct CompareSummary {
  int64_t rows = 0;
  int64_t strong_needed = 0;  // weak meaningfully worse
  int64_t weak_better = 0;
  int64_t same = 0;        // discordant ones included
  int64_t discordant = 0;  // the two orders disagreed
  int64_t undecided = 0;   // no verdict: malformed, or an answer is missing
  int64_t verdicts = 0;    // read
  int64_t malformed = 0;   // answers of the judge that were none
  int64_t swapped_pairs = 0;
  double position_bias = 0;       // P(first wins) - 1/2 over swapped pairs, a tie half
  double position_bias_half = 0;  // half width of its 95 % interval
  double weak_usd = 0, strong_usd = 0, judge_usd = 0;

  bool biased() const {
    return swapped_pairs >= 10 &&
           (position_bias < 0 ? -position_bias : position_bias) - position_bias_half > 0.05;
  }
};

[[nodiscard]] std::expected<CompareSummary, Error> summarize_comparison(
    const std::vector<std::string>& rows);

}  // namespace weir::label
