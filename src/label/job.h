// Runs one piece of work a query, several at a time, and keeps every finished row at once: what
// compare, failures and evaluate have in common. A job stops early when the budget is spent, when
// the user says so, or when a provider is dead; what is finished stays, and the same command goes
// on from there. run_job() blocks the calling thread, which becomes the worker; SIGINT and SIGTERM
// must be blocked in the process before (it takes them itself: one ends cleanly, a second at once).
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "label/caller.h"
#include "label/query_file.h"
#include "label/row_log.h"

namespace weir::label {

struct JobOptions {
  std::string name;  // "label compare", of the progress line
  http::ClientOptions client;
  CallerOptions caller;
  int concurrency = 8;
  std::optional<int64_t> budget_nanousd;
  // The most that one query may cost, all its calls together. A query is begun only when this fits
  // beside those under way, so that money is not spent on queries that cannot be finished.
  std::function<int64_t(const Query&)> most_nanousd;
  bool priced = true;  // false: a price is unknown, so rows have no cost
  bool show_progress = false;
  // What a finished row of this job begins with; earlier rows that have other values were made by
  // another job.
  std::vector<std::pair<std::string, std::string>> settings;
};

// The members of a row, to be written by the job, which adds settings, query and cost.
using RowMembers = std::function<void(json::Writer&)>;
// Works on one query. Called on the worker; `query` and `spend` live until it is over.
using Work = std::function<http::Task<std::expected<RowMembers, CallFailure>>(
    Caller& caller, const Query& query, Spend& spend)>;

struct JobEnd {
  int64_t done_before = 0;  // of this sample, by earlier runs
  int64_t done_now = 0;
  int64_t left = 0;    // not finished
  int64_t failed = 0;  // of those left: tried, and the provider failed
  int64_t calls = 0;
  int64_t retried = 0;
  int64_t spent_nanousd = 0;      // by all runs, uncertain amounts included
  int64_t uncertain_nanousd = 0;  // of those: by tries without an answer
  bool priced = true;
  double seconds = 0;
  std::string stopped;  // why before the end, "" when all is done
  bool provider_died = false;
};

// Rows of `log` that were finished, in their order, those of this run behind those of earlier ones.
struct JobResult {
  JobEnd end;
  std::vector<std::string> rows;
};

// Fails: kInvalidArgument when the log's rows are another job's; kIo when rows cannot be written.
[[nodiscard]] std::expected<JobResult, Error> run_job(const JobOptions& options,
                                                      const std::vector<Query>& queries,
                                                      RowLog& log, const Work& work);

}  // namespace weir::label
