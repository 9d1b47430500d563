#include "eval/statistics_study.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <iterator>

#include "base/check.h"
#include "base/json.h"
#include "base/random.h"
#include "stats/betting.h"
#include "stats/interval.h"
#include "stats/quantile.h"
#include "stats/running.h"

namespace weir::eval {
namespace {

constexpr double kLimit = 0.05;
constexpr int kTurns = 8;  // of the longest conversation

struct Draw {
  double x = 0;     // in [0, 1]
  double mean = 0;  // of x, given the past
};
using Stream = std::function<Draw(int t, Random& random)>;

double bernoulli(double p, Random& random) {
  return random.uniform() < p ? 1 : 0;
}

Draw stationary(int, Random& random) {
  return {bernoulli(0.1, random), 0.1};
}

// Good for a third, bad for a third, then back: the case that empties claims about one mean.
Draw drifting(int t, Random& random) {
  const double mean = t % 3000 < 1000 ? 0.02 : t % 3000 < 2000 ? 0.4 : 0.1;
  return {bernoulli(mean, random), mean};
}

// One value a conversation: the share of its bad turns, which are bad together.
Draw conversation(int, Random& random) {
  const auto turns = 1 + random.below(kTurns);
  const double p = random.uniform() < 0.2 ? 0.45 : 0.0125;  // 0.1 on average
  double bad = 0;
  for (uint64_t i = 0; i < turns; ++i)
    bad += bernoulli(p, random);
  return {bad / static_cast<double>(turns), 0.1};
}

template <typename Bound>
bool ever_misses(const StudyOptions& options, const Stream& stream, Random& random, Bound bound) {
  double means = 0;
  for (int t = 0; t < options.length; ++t) {
    const Draw draw = stream(t, random);
    means += draw.mean;
    const stats::Interval interval = bound(draw.x);
    const double truth = means / (t + 1);
    if (truth < interval.low || truth > interval.high) return true;
  }
  return false;
}

CoverageCell coverage_of_running(const StudyOptions& options, std::string name,
                                 const Stream& stream) {
  CoverageCell cell{std::move(name), "running interval"};
  Random random(options.seed);
  for (int i = 0; i < options.streams; ++i) {
    stats::RunningInterval running(options.alpha);
    cell.missed += ever_misses(options, stream, random, [&](double x) {
      running.add(x);
      return running.interval();
    });
  }
  return cell;
}

// Two plug-in bounds, at alpha / 2 each.
CoverageCell coverage_of_plug_in(const StudyOptions& options, std::string name,
                                 const Stream& stream) {
  CoverageCell cell{std::move(name), "plug-in bounds"};
  Random random(options.seed);
  for (int i = 0; i < options.streams; ++i) {
    stats::PlugInBound low(options.alpha / 2), high(options.alpha / 2);
    cell.missed += ever_misses(options, stream, random, [&](double x) {
      low.add(x);
      high.add(1 - x);
      return stats::Interval{low.lower(), 1 - high.lower()};
    });
  }
  return cell;
}

int64_t peeking_misses(const StudyOptions& options) {
  constexpr int kLeast = 30;
  Random random(options.seed);
  int64_t missed = 0;
  for (int i = 0; i < options.streams; ++i) {
    uint64_t bad = 0, count = 0;
    missed += ever_misses(options, stationary, random, [&](double x) {
      bad += x > 0 ? 1 : 0;
      ++count;
      return count < kLeast ? stats::Interval{0, 1} : stats::wilson(bad, count, 1 - options.alpha);
    });
  }
  return missed;
}

// Streams of y = x - limit (or w (x - limit)) with conditional mean 0.
CoverageCell false_alarms(const StudyOptions& options, std::string name,
                          const std::function<double(Random&)>& draw) {
  CoverageCell cell{std::move(name), "betting test"};
  Random random(options.seed);
  for (int i = 0; i < options.streams; ++i) {
    stats::BettingTest test(kLimit);
    bool rejected = false;
    for (int t = 0; t < options.length && !rejected; ++t) {
      test.add(draw(random));
      rejected = test.rejects(options.alpha);
    }
    cell.missed += rejected ? 1 : 0;
  }
  return cell;
}

double at_the_limit(Random& random) {
  return bernoulli(kLimit, random) - kLimit;
}

// Dear prompts are seldom drawn and worse than cheap ones; weights undo it. A pair is drawn with
// probability f, so its weight is f_min / f.
double weighted_at_the_limit(Random& random) {
  constexpr double kCheap = 1.0, kDear = 0.1;
  constexpr double kDearShare = 0.3, kDearMean = 0.12;
  constexpr double kCheapMean = (kLimit - kDearShare * kDearMean) / (1 - kDearShare);
  for (;;) {
    const bool dear = random.uniform() < kDearShare;
    const double drawn = dear ? kDear : kCheap;
    if (random.uniform() >= drawn) continue;
    const double x = bernoulli(dear ? kDearMean : kCheapMean, random);
    return kDear / drawn * (x - kLimit);
  }
}

DetectionCell detect(const StudyOptions& options, double before, double after, int64_t history) {
  DetectionCell cell{before, after, kLimit, history};
  Random random(options.seed);
  std::vector<double> delays;
  for (int i = 0; i < options.streams; ++i) {
    stats::ChangeDetector detector(kLimit, options.alarm_threshold);
    for (int64_t t = 0; t < history; ++t)
      detector.add(bernoulli(before, random));
    if (detector.alarm()) {
      ++cell.early_alarms;
      continue;
    }
    while (!detector.add(bernoulli(after, random))) {
    }
    delays.push_back(static_cast<double>(detector.alarm_at() - history));
  }
  cell.median_pairs = delays.empty() ? NAN : stats::quantile(delays, 0.5);
  cell.p90_pairs = delays.empty() ? NAN : stats::quantile(delays, 0.9);
  return cell;
}

void measure_run_length(const StudyOptions& options, Study& study) {
  study.run_streams = std::min(options.streams, 200);
  study.run_cut = static_cast<int64_t>(10 * options.alarm_threshold);
  Random random(options.seed);
  double total = 0;
  for (int64_t i = 0; i < study.run_streams; ++i) {
    stats::ChangeDetector detector(kLimit, options.alarm_threshold);
    while (detector.count() < study.run_cut && !detector.add(bernoulli(kLimit, random))) {
    }
    total += static_cast<double>(detector.count());
  }
  study.average_run_length = total / static_cast<double>(study.run_streams);
}

std::vector<WidthCell> measure_widths(const StudyOptions& options) {
  std::vector<WidthCell> cells;
  for (const int64_t count : {100, 400, 1'600, 5'000})
    if (count <= options.length) cells.push_back({count});
  const int streams = std::min(options.streams, 50);
  Random random(options.seed);
  for (int i = 0; i < streams; ++i) {
    stats::RunningInterval running(options.alpha);
    stats::BettingInterval betting(options.alpha);
    uint64_t bad = 0;
    size_t next = 0;
    for (int64_t t = 1; next < cells.size(); ++t) {
      const double x = stationary(0, random).x;
      running.add(x);
      betting.add(x);
      bad += x > 0 ? 1 : 0;
      if (t != cells[next].count) continue;
      WidthCell& cell = cells[next++];
      const auto add = [&](stats::Interval interval, double& to) {
        to += (interval.high - interval.low) / streams;
      };
      add(running.interval(), cell.running);
      add(betting.interval(), cell.betting);
      add(stats::wilson(bad, static_cast<uint64_t>(t), 1 - options.alpha), cell.fixed);
    }
  }
  return cells;
}

int64_t worst(const std::vector<CoverageCell>& cells) {
  return std::ranges::max_element(cells, {}, &CoverageCell::missed)->missed;
}

double share(int64_t part, const Study& study) {
  return static_cast<double>(part) / study.options.streams;
}

}  // namespace

Study study_statistics(const StudyOptions& options) {
  CHECK(options.streams >= 1 && options.length >= 100);
  Study study;
  study.options = options;
  const std::array<std::pair<const char*, Stream>, 3> streams{
      {{"stationary", stationary}, {"drifting mean", drifting}, {"conversations", conversation}}};
  for (const auto& [name, stream] : streams)
    study.coverage.push_back(coverage_of_running(options, name, stream));
  study.coverage.push_back(coverage_of_plug_in(options, "stationary", stationary));
  study.false_alarms = {false_alarms(options, "at the limit", at_the_limit),
                        false_alarms(options, "weighted", weighted_at_the_limit)};
  for (const int64_t history : {0, 2'000, 20'000})
    for (const double after : {0.08, 0.13})
      study.detection.push_back(detect(options, 0.03, after, history));
  study.widths = measure_widths(options);
  study.peeking_misses = peeking_misses(options);
  measure_run_length(options, study);
  return study;
}

std::string to_text(const Study& study) {
  std::string out;
  const auto put = std::back_inserter(out);
  const StudyOptions& o = study.options;
  fmt::format_to(put, "{} streams of {} values, alpha {}, seed {}\n\n", o.streams, o.length,
                 o.alpha, o.seed);
  fmt::format_to(put, "truth ever outside the interval, looked at after every value\n");
  for (const CoverageCell& cell : study.coverage)
    fmt::format_to(put, "  {:<14} {:<18} {:6.2f} %\n", cell.stream, cell.method,
                   share(cell.missed, study) * 100);
  fmt::format_to(put, "  {:<14} {:<18} {:6.2f} %   (what anytime statistics are for)\n",
                 "stationary", "fixed-n, peeking", share(study.peeking_misses, study) * 100);
  fmt::format_to(put, "\nfalse alarms of the level-{} test at the edge of its hypothesis\n",
                 o.alpha);
  for (const CoverageCell& cell : study.false_alarms)
    fmt::format_to(put, "  {:<33} {:6.2f} %\n", cell.stream, share(cell.missed, study) * 100);
  fmt::format_to(put, "\nchange detector, limit {}, threshold {}\n", kLimit, o.alarm_threshold);
  fmt::format_to(
      put, "  average run length at the limit: at least {:.0f} values ({} streams, cut at {})\n",
      study.average_run_length, study.run_streams, study.run_cut);
  fmt::format_to(put, "  {:>10} {:>14} {:>14} {:>10} {:>12}\n", "history", "rate before",
                 "rate after", "median", "90 % found");
  for (const DetectionCell& cell : study.detection)
    fmt::format_to(put, "  {:>10} {:>14} {:>14} {:>10.0f} {:>12.0f}\n", cell.history, cell.before,
                   cell.after, cell.median_pairs, cell.p90_pairs);
  fmt::format_to(put, "\nmean width of the interval of a rate of 0.1\n");
  fmt::format_to(put, "  {:>8} {:>10} {:>10} {:>10}\n", "values", "running", "betting", "fixed-n");
  for (const WidthCell& cell : study.widths)
    fmt::format_to(put, "  {:>8} {:>10.4f} {:>10.4f} {:>10.4f}\n", cell.count, cell.running,
                   cell.betting, cell.fixed);
  return out;
}

std::string to_json(const Study& study) {
  json::Writer out;
  out.begin_object().member("alpha", study.options.alpha).member("streams", study.options.streams);
  out.member("length", study.options.length).member("seed", study.options.seed);
  out.member("coverage", 1 - share(worst(study.coverage), study));
  out.member("false_alarm_rate", share(worst(study.false_alarms), study));
  out.member("average_run_length", study.average_run_length);
  out.key("detection").begin_array();
  for (const DetectionCell& cell : study.detection) {
    out.begin_object().member("effect", cell.after - cell.before).member("before", cell.before);
    out.member("after", cell.after).member("limit", cell.limit).member("history", cell.history);
    out.member("median_pairs", cell.median_pairs).member("p90_pairs", cell.p90_pairs);
    out.member("early_alarms", cell.early_alarms).end_object();
  }
  out.end_array().member("peeking_false_alarm_rate", share(study.peeking_misses, study));
  const auto cells = [&](std::string_view key, const std::vector<CoverageCell>& list) {
    out.key(key).begin_array();
    for (const CoverageCell& cell : list)
      out.begin_object()
          .member("stream", cell.stream)
          .member("method", cell.method)
          .member("miss_rate", share(cell.missed, study))
          .end_object();
    out.end_array();
  };
  cells("coverage_cells", study.coverage);
  cells("false_alarm_cells", study.false_alarms);
  out.key("widths").begin_array();
  for (const WidthCell& cell : study.widths)
    out.begin_object()
        .member("values", cell.count)
        .member("running", cell.running)
        .member("betting", cell.betting)
        .member("fixed", cell.fixed)
        .end_object();
  out.end_array().end_object();
  return out.take();
}

}  // namespace weir::eval
