#include "label/job.h"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/clock.h"
#include "base/digest.h"

namespace weir::label {
namespace {

constexpr int64_t kPollMs = 50;
constexpr int64_t kAdmitPollMs = 5;
constexpr int64_t kProgressMs = 200;
constexpr int kFailuresInARow = 5;
constexpr std::string_view kUnfinished = "unfinished";

// What the rows of earlier runs say.
struct Earlier {
  std::unordered_set<uint64_t> finished;
  std::vector<std::string> rows;
  int64_t spent_nanousd = 0;
  int64_t uncertain_nanousd = 0;
};

int64_t nanousd(json::Value usd) {
  return static_cast<int64_t>(std::llround(usd.as_double().value_or(0) * 1e9));
}

std::expected<Earlier, Error> read_earlier(const JobOptions& options, const RowLog& log) {
  Earlier earlier;
  for (const std::string& line : log.earlier()) {
    TRY_ASSIGN(const json::Document document, json::Document::parse(line));
    const json::Value row = document.root();
    for (const auto& [name, value] : options.settings) {
      const std::string has = row[name].string_or("");
      if (has != value)
        return fail(ErrorCode::kInvalidArgument,
                    fmt::format("the output file holds rows with {} '{}', this run has '{}'; name "
                                "another file with --out, or repeat the run as it was",
                                name, has, value));
    }
    earlier.spent_nanousd += nanousd(row["cost_usd"]) + nanousd(row["uncertain_usd"]);
    earlier.uncertain_nanousd += nanousd(row["uncertain_usd"]);
    if (row[kUnfinished].exists()) continue;
    const Query query{.text = row["query"].string_or(""),
                      .reference = row["reference"].string_or("")};
    if (earlier.finished.insert(query.key()).second) earlier.rows.push_back(line);
  }
  return earlier;
}

class Job {
 public:
  Job(const JobOptions& options, RowLog& log, const Work& work, Earlier earlier)
      : options_(options),
        log_(log),
        work_(work),
        budget_(options.budget_nanousd, earlier.spent_nanousd) {
    result_.rows = std::move(earlier.rows);
    result_.end.uncertain_nanousd = earlier.uncertain_nanousd;
  }

  void run(const std::vector<const Query*>& todo) {
    todo_ = &todo;
    http::run_on_worker(options_.client,
                        [this](http::Worker& worker) { return supervise(worker); });
  }

  std::optional<Error> broken;

  JobResult take() {
    result_.end.spent_nanousd = budget_.spent_nanousd();
    return std::move(result_);
  }

 private:
  http::Task<void> supervise(http::Worker& worker) {
    Caller caller(worker, budget_, cancelled_, options_.caller);
    const int64_t begin_us = worker.clock().steady_us();
    const auto most = static_cast<size_t>(options_.concurrency);
    for (size_t i = 0; i < std::min(most, todo_->size()); ++i) {
      ++running_;
      worker.spawn([this, &caller] { return drain(caller); });
    }
    http::Cancellation never;
    int64_t shown_ms = -kProgressMs;
    while (running_ > 0) {
      take_signal();
      const int64_t now_ms = (worker.clock().steady_us() - begin_us) / 1000;
      if (options_.show_progress && now_ms - shown_ms >= kProgressMs) {
        show(now_ms);
        shown_ms = now_ms;
      }
      // Short jobs end without waiting for a whole step.
      (void)co_await worker.sleep(std::min<int64_t>(kPollMs, 1 + now_ms / 10), never);
    }
    if (options_.show_progress) fmt::print(stderr, "\r\033[K");
    JobEnd& end = result_.end;
    end.seconds = static_cast<double>(worker.clock().steady_us() - begin_us) / 1e6;
    end.priced = options_.priced;
    end.calls = caller.calls();
    end.retried = caller.retried();
    end.left = static_cast<int64_t>(todo_->size()) - end.done_now;
  }

  // One of the parallel strands: takes queries until there are none or the job stops.
  http::Task<void> drain(Caller& caller) {
    while (!stopping_ && next_ < todo_->size()) {
      const Query& query = *(*todo_)[next_++];
      const int64_t most = options_.most_nanousd ? options_.most_nanousd(query) : 0;
      const bool admitted = co_await admit(caller, most);
      if (!admitted) break;
      Spend spend;
      auto members = co_await work_(caller, query, spend);
      under_way_nanousd_ -= most;
      finish(query, spend, members);
    }
    --running_;
  }

  // Waits until the whole query fits into the budget beside those under way; false: it never will.
  http::Task<bool> admit(Caller& caller, int64_t most_nanousd) {
    while (!budget_.may_fit(under_way_nanousd_ + most_nanousd)) {
      if (under_way_nanousd_ == 0) {
        CallFailure failure{CallFailure::Kind::kBudget, ""};
        note(failure);
        co_return false;
      }
      const bool waited = co_await caller.worker().sleep(kAdmitPollMs, cancelled_);
      if (!waited || stopping_) co_return false;
    }
    under_way_nanousd_ += most_nanousd;
    co_return true;
  }

  void finish(const Query& query, const Spend& spend,
              const std::expected<RowMembers, CallFailure>& members) {
    result_.end.uncertain_nanousd += spend.uncertain_nanousd;
    json::Writer row;
    row.begin_object().member("query", query.text);
    if (!query.id.empty()) row.member("id", query.id);
    if (!query.reference.empty()) row.member("reference", query.reference);
    if (members) {
      (*members)(row);
      in_a_row_ = 0;
    } else {
      note(members.error());
      if (spend.nanousd + spend.uncertain_nanousd == 0) return;
      row.key("label").null();
      row.member(kUnfinished,
                 members.error().message.empty() ? "stopped" : members.error().message);
    }
    for (const auto& [name, value] : options_.settings)
      row.member(name, value);
    row.raw_member("cost_usd", options_.priced ? catalog::format_usd(spend.nanousd) : "null");
    if (spend.uncertain_nanousd > 0)
      row.raw_member("uncertain_usd", catalog::format_usd(spend.uncertain_nanousd));
    row.end_object();
    if (auto written = log_.append(row.text()); !written) {
      broken = std::move(written).error();
      stop("rows cannot be written");
      return;
    }
    if (!members) return;
    ++result_.end.done_now;
    result_.rows.push_back(row.take());
  }

  void note(const CallFailure& failure) {
    using Kind = CallFailure::Kind;
    switch (failure.kind) {
      case Kind::kCancelled:
        return;
      case Kind::kBudget:
        return stop("the next query might exceed --max-cost-usd");
      case Kind::kFatal:
      case Kind::kFailed:
        break;
    }
    ++result_.end.failed;
    if (failure.kind != Kind::kFatal && ++in_a_row_ < kFailuresInARow) return;
    result_.end.provider_died = true;
    stop(failure.message);
  }

  void stop(std::string why) {
    stopping_ = true;
    if (result_.end.stopped.empty()) result_.end.stopped = std::move(why);
  }

  void take_signal() {
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, SIGINT);
    ::sigaddset(&set, SIGTERM);
    const timespec none = {.tv_sec = 0, .tv_nsec = 0};
    if (::sigtimedwait(&set, nullptr, &none) <= 0) return;
    if (stopping_) return cancelled_.cancel();
    stop("interrupted");
    if (options_.show_progress)
      fmt::print(stderr, "\r\033[Kfinishing what is under way; again to end at once\n");
  }

  void show(int64_t now_ms) const {
    const auto done = static_cast<double>(result_.end.done_now);
    const auto all = static_cast<double>(todo_->size());
    const double rate = now_ms > 0 ? done * 1000 / static_cast<double>(now_ms) : 0;
    const std::string left = rate > 0 ? fmt::format("{:.0f} s left", (all - done) / rate) : "";
    const std::string limit =
        options_.budget_nanousd
            ? fmt::format(" of ${:.2f}", static_cast<double>(*options_.budget_nanousd) / 1e9)
            : "";
    constexpr int kBarWidth = 24;
    const int filled = all > 0 ? static_cast<int>(kBarWidth * done / all) : 0;
    fmt::print(stderr, "\r\033[K{} [{:=<{}}{: <{}}] {}/{}  ${:.4f}{}  {:.1f}/s  {}", options_.name,
               "", filled, "", kBarWidth - filled, result_.end.done_now, todo_->size(),
               static_cast<double>(budget_.spent_nanousd()) / 1e9, limit, rate, left);
    std::fflush(stderr);
  }

  const JobOptions& options_;
  RowLog& log_;
  const Work& work_;
  Budget budget_;
  http::Cancellation cancelled_;
  const std::vector<const Query*>* todo_ = nullptr;
  size_t next_ = 0;
  int running_ = 0;
  int in_a_row_ = 0;
  int64_t under_way_nanousd_ = 0;
  bool stopping_ = false;
  JobResult result_;
};

}  // namespace

std::expected<JobResult, Error> run_job(const JobOptions& options,
                                        const std::vector<Query>& queries, RowLog& log,
                                        const Work& work) {
  TRY_ASSIGN(Earlier earlier, read_earlier(options, log));
  std::vector<const Query*> todo;
  for (const Query& query : queries)
    if (!earlier.finished.contains(query.key())) todo.push_back(&query);
  const auto before = static_cast<int64_t>(queries.size() - todo.size());
  Job job(options, log, work, std::move(earlier));
  job.run(todo);
  if (job.broken) return std::unexpected(*std::move(job.broken));
  JobResult result = job.take();
  result.end.done_before = before;
  return result;
}

}  // namespace weir::label
