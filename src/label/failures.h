// Labels by failure: the weak model answers, a checker says whether strong was needed. No strong
// model and no judge is asked. A checker that itself fails gives no label.
// A FailureSearch is immutable; its work runs on the worker of a job and must not outlive it.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include "label/job.h"
#include "quality/checkers.h"

namespace weir::label {

// Checks one answer, also by the kinds that ask a command or a URL. (those are the
// user's own and cost nothing here). `query.checker`, where given, replaces `checker`.
http::Task<quality::Checked> check_answer(Caller& caller, const quality::Checker& checker,
                                          const Query& query, const std::string& answer);

// Whether every query has what its checker needs. Fails: kInvalidArgument naming the query.
[[nodiscard]] std::expected<void, Error> verify_checkers(const quality::Checker& checker,
                                                         const std::vector<Query>& queries);

struct FailureOptions {
  Model weak;
  quality::Checker checker;
  int64_t max_tokens = 1024;
};

class FailureSearch {
 public:
  explicit FailureSearch(FailureOptions options) : options_(std::move(options)) {}

  std::vector<std::pair<std::string, std::string>> settings() const;
  http::Task<std::expected<RowMembers, CallFailure>> work(Caller& caller, const Query& query,
                                                          Spend& spend) const;

 private:
  FailureOptions options_;
};

struct FailureSummary {
  int64_t rows = 0;
  int64_t good = 0, wrong = 0, wrong_format = 0, refused = 0, empty = 0, unknown = 0;
  double weak_usd = 0;

  int64_t strong_needed() const { return wrong + wrong_format + refused + empty; }
};

[[nodiscard]] std::expected<FailureSummary, Error> summarize_failures(
    const std::vector<std::string>& rows);

}  // namespace weir::label
