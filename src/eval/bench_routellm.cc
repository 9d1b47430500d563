#include "eval/bench_routellm.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <map>
#include <mutex>
#include <numeric>
#include <utility>

#include "base/random.h"
#include "base/utf8.h"
#include "model/estimator.h"
#include "model/query_hash.h"
#include "train/fit.h"
#include "train/parallel.h"

namespace weir::eval {
namespace {

using model::Kind;
using train::Rows;

constexpr std::array kBenchable{Kind::kLr, Kind::kNgram, Kind::kKnn,    Kind::kCluster,
                                Kind::kMf, Kind::kSw,    Kind::kKernel, Kind::kAuto};
constexpr size_t kLeastMeasured = 100;
constexpr size_t kTasksHeldOut = 5;  // one in so many
constexpr double kPriorLabels = 20;  // of the task-type table's mean
constexpr size_t kCurvePoints = 51;

constexpr std::array kMmlu{
    Published{"BERT", .572, 41.30, 72.20}, Published{"Causal LLM", .600, 35.49, 70.31},
    Published{"MF", .597, 35.46, 71.40}, Published{"SW", .603, 35.40, 71.55}};
constexpr std::array kGsm8k{
    Published{"BERT", .531, 44.76, 79.09}, Published{"Causal LLM", .622, 33.64, 63.26},
    Published{"MF", .565, 38.82, 72.62}, Published{"SW", .568, 41.21, 72.20}};
constexpr std::array kMtBench{
    Published{"BERT", .751, 19.58, 34.02}, Published{"Causal LLM", .679, 31.50, 48.75},
    Published{"MF", .802, 13.40, 31.31}, Published{"SW", .759, 23.21, 36.04}};

struct Task {
  std::vector<std::string> of_row;
  std::vector<std::string> all;  // sorted
};

Task tasks_of(const train::Examples& examples) {
  Task tasks;
  for (const train::LabelledRow& row : examples.rows) {
    const size_t begin = row.id.find(':') + 1, end = row.id.rfind('/');
    tasks.of_row.push_back(
        end == std::string::npos || end < begin ? "" : row.id.substr(begin, end - begin));
  }
  tasks.all = tasks.of_row;
  std::ranges::sort(tasks.all);
  tasks.all.erase(std::unique(tasks.all.begin(), tasks.all.end()), tasks.all.end());
  return tasks;
}

template <typename T>
void shuffle(std::vector<T>& values, Random& random) {
  for (size_t i = values.size(); i > 1; --i)
    std::swap(values[i - 1], values[random.below(i)]);
}

struct Sides {
  Rows train, test;
};

// Rows that ask what a training row asks are not measured on.
Sides divide(const train::Examples& examples, const Task& tasks, const BenchSetting& setting,
             Random& random) {
  Rows all(examples.rows.size());
  std::iota(all.begin(), all.end(), 0U);
  shuffle(all, random);
  std::vector<std::string> held_out = tasks.all;
  shuffle(held_out, random);
  held_out.resize(held_out.size() / kTasksHeldOut);
  std::ranges::sort(held_out);
  const auto is_held_out = [&](uint32_t row) {
    return std::ranges::binary_search(held_out, tasks.of_row[row]);
  };
  Sides sides;
  std::vector<uint64_t> seen;
  for (const uint32_t row : all) {
    const bool for_test =
        setting.split == Split::kTasks ? is_held_out(row) : sides.train.size() == setting.labels;
    if (!for_test && sides.train.size() == setting.labels) continue;
    (for_test ? sides.test : sides.train).push_back(row);
    if (!for_test) seen.push_back(model::query_hash(examples.words[row]));
  }
  std::ranges::sort(seen);
  std::erase_if(sides.test, [&](uint32_t row) {
    return std::ranges::binary_search(seen, model::query_hash(examples.words[row]));
  });
  std::ranges::sort(sides.train);
  std::ranges::sort(sides.test);
  return sides;
}

struct Scored {
  std::string name;
  std::vector<double> scores = {};  // of the test rows
  bool even_shares = false;         // few different scores: read at even shares (the oracle)
  double fit_seconds = 0;
};

// The shrunken mean gap of each task in the training rows.
std::vector<double> task_table(const train::Examples& examples, const Task& tasks,
                               const Sides& sides) {
  std::map<std::string, std::pair<double, double>> sums;  // of gaps and of labels
  double sum = 0;
  const auto gap = [&](uint32_t row) {
    return examples.rows[row].strong_score - examples.rows[row].weak_score;
  };
  for (const uint32_t row : sides.train) {
    auto& [task_sum, count] = sums[tasks.of_row[row]];
    task_sum += gap(row), count += 1, sum += gap(row);
  }
  const double prior = sum / static_cast<double>(sides.train.size());
  std::vector<double> scores;
  for (const uint32_t row : sides.test) {
    const auto& [task_sum, count] = sums[tasks.of_row[row]];
    scores.push_back((prior * kPriorLabels + task_sum) / (kPriorLabels + count));
  }
  return scores;
}

std::vector<Scored> baselines(const train::Examples& examples, const Task& tasks,
                              const Sides& sides, Random& random) {
  Scored chance{.name = "random"}, length{.name = "length"}, oracle{.name = "oracle"};
  oracle.even_shares = true;
  for (const uint32_t row : sides.test) {
    chance.scores.push_back(random.uniform());
    length.scores.push_back(static_cast<double>(count_utf8(examples.rows[row].query)));
    oracle.scores.push_back(examples.rows[row].strong_score - examples.rows[row].weak_score);
  }
  std::vector<Scored> result{std::move(chance), std::move(length)};
  if (tasks.all.size() > 1 && !sides.train.empty())
    result.push_back(
        {.name = "task table", .scores = task_table(examples, tasks, sides), .even_shares = true});
  result.push_back(std::move(oracle));
  return result;
}

std::expected<Scored, Error> fit_and_score(const train::Examples& examples, const Sides& sides,
                                           Kind kind, int64_t seed) {
  train::TrainOptions options;
  options.kind = kind;
  options.models = {"weak", "strong"};
  options.seed = seed;
  const auto start = std::chrono::steady_clock::now();
  TRY_ASSIGN(const train::Fit fit, fit_kind(examples, sides.train, options));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  std::vector<double> all(examples.rows.size());
  TRY(score_rows(examples, sides.test, options, fit, all));
  Scored scored{.name = std::string(model::to_string(kind)), .fit_seconds = took.count()};
  for (const uint32_t row : sides.test)
    scored.scores.push_back(all[row]);
  return scored;
}

// What the repeats of one row of a table add up to.
struct Gathered {
  std::vector<double> apgr, cpt50, cpt80, full, keep, both;  // one a repeat
  std::vector<double> apgr_samples, cpt50_samples, cpt80_samples, full_samples, keep_samples,
      both_samples;
  std::vector<double> curve = std::vector<double>(kCurvePoints);
  double bound_by_worse = 0, seconds = 0;
};

struct Truth {
  std::vector<double> weak, strong;
};

void gather(const Scored& scored, const Truth& truth, const BenchOptions& options, uint64_t seed,
            Gathered& to) {
  const auto order = rank_order(scored.scores);
  const auto rows = [&](std::span<const uint32_t> counts) {
    return take_ranked(order, counts, scored.scores, truth.weak, truth.strong);
  };
  const auto edges = [&](const Ranked& ranked) {
    return summarize(scored.even_shares ? even_points(ranked) : edge_points(ranked),
                     Crossing::kInterpolated);
  };
  const Ranked all = rows({});
  const Summary summary = edges(all);
  to.apgr.push_back(summary.apgr);
  to.cpt50.push_back(summary.cpt50);
  to.cpt80.push_back(summary.cpt80);
  const std::vector<Point> full = full_points(all);
  to.full.push_back(summarize(full, Crossing::kFirst).apgr);
  for (size_t i = 0; i < kCurvePoints; ++i)
    to.curve[i] += quality_at(full, static_cast<double>(i) / (kCurvePoints - 1));
  const MultiplierLimits keep{.keep = 0.95, .max_worse = {}}, both{.keep = 0.95, .max_worse = 0.05};
  const auto multipliers = [&](const Ranked& r, std::vector<double>& k, std::vector<double>& b) {
    const MultiplierRows view{r.score, r.weak, r.strong};
    k.push_back(best_multiplier(view, options.costs, keep).multiplier);
    const MultiplierPoint point = best_multiplier(view, options.costs, both);
    b.push_back(point.multiplier);
    return point.binding;
  };
  to.bound_by_worse += multipliers(all, to.keep, to.both) == Binding::kMaxWorse ? 1 : 0;
  Random random(seed);
  std::vector<uint32_t> counts;
  for (int i = 0; i < options.resamples; ++i) {
    stats::draw_bootstrap_counts(scored.scores.size(), random, counts);
    const Ranked resampled = rows(counts);
    const Summary s = edges(resampled);
    to.apgr_samples.push_back(s.apgr);
    to.cpt50_samples.push_back(s.cpt50);
    to.cpt80_samples.push_back(s.cpt80);
    to.full_samples.push_back(summarize(full_points(resampled), Crossing::kFirst).apgr);
    multipliers(resampled, to.keep_samples, to.both_samples);
  }
  to.seconds += scored.fit_seconds;
}

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

BenchRow finish(std::string name, const Gathered& gathered) {
  const auto figure = [](std::span<const double> values, std::span<const double> samples) {
    return Figure{mean_of(values), stats::percentile_interval(samples)};
  };
  const auto repeats = static_cast<double>(gathered.apgr.size());
  BenchRow row{.name = std::move(name),
               .apgr = figure(gathered.apgr, gathered.apgr_samples),
               .cpt50 = figure(gathered.cpt50, gathered.cpt50_samples),
               .cpt80 = figure(gathered.cpt80, gathered.cpt80_samples),
               .full_apgr = figure(gathered.full, gathered.full_samples),
               .keep_multiplier = figure(gathered.keep, gathered.keep_samples),
               .keep_and_worse_multiplier = figure(gathered.both, gathered.both_samples),
               .bound_by_worse_share = gathered.bound_by_worse / repeats,
               .fit_seconds = gathered.seconds / repeats,
               .curve = {}};
  for (size_t i = 0; i < kCurvePoints; ++i)
    row.curve.emplace_back(static_cast<double>(i) / (kCurvePoints - 1),
                           gathered.curve[i] / repeats);
  return row;
}

// One repeat of one setting: every baseline and kind on the same rows.
struct Repeat {
  std::vector<Scored> scored;
  Truth truth;
};

std::expected<Repeat, Error> run_repeat(const Benchmark& benchmark, const Task& tasks,
                                        const BenchSetting& setting, const BenchOptions& options,
                                        size_t number) {
  Random random(options.seed * 1'000'003 + number);
  const train::Examples& examples = benchmark.examples;
  const Sides sides = divide(examples, tasks, setting, random);
  const size_t least = setting.labels == 0 ? 1 : kLeastMeasured;
  if (sides.train.size() < setting.labels || sides.test.size() < least)
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: {} rows are too few for {} labels and {} rows to measure on",
                            benchmark.name, examples.rows.size(), setting.labels, least));
  Repeat repeat{.scored = baselines(examples, tasks, sides, random), .truth = {}};
  for (const uint32_t row : sides.test) {
    repeat.truth.weak.push_back(examples.rows[row].weak_score);
    repeat.truth.strong.push_back(examples.rows[row].strong_score);
  }
  for (const FixedRouter& router : benchmark.fixed) {
    Scored& scored = repeat.scored.emplace_back(Scored{.name = router.name});
    for (const uint32_t row : sides.test)
      scored.scores.push_back(router.scores[row]);
  }
  if (setting.labels == 0) return repeat;
  for (const Kind kind : options.kinds) {
    TRY_ASSIGN(Scored scored, fit_and_score(examples, sides, kind, static_cast<int64_t>(number)));
    repeat.scored.push_back(std::move(scored));
    if (options.on_step) options.on_step();
  }
  return repeat;
}

}  // namespace

std::span<const model::Kind> benchable_kinds() {
  return kBenchable;
}

std::expected<std::vector<BenchTable>, Error> run_bench(const Benchmark& benchmark,
                                                        const BenchOptions& options) {
  const Task tasks = tasks_of(benchmark.examples);
  std::vector<BenchTable> tables;
  for (const BenchSetting& setting : benchmark.settings) {
    const size_t repeats = setting.labels == 0 ? 1 : options.repeats;
    BenchTable table{.benchmark = benchmark.name, .setting = setting, .repeats = repeats};
    std::vector<std::string> names;
    std::vector<Gathered> gathered;
    for (size_t number = 0; number < repeats; ++number) {
      TRY_ASSIGN(const Repeat repeat, run_repeat(benchmark, tasks, setting, options, number));
      gathered.resize(repeat.scored.size());
      train::parallel_for(repeat.scored.size(), [&](size_t i) {
        gather(repeat.scored[i], repeat.truth, options, options.seed + number, gathered[i]);
      });
      names.clear();
      for (const Scored& scored : repeat.scored)
        names.push_back(scored.name);
      const auto part = 1 / static_cast<double>(repeats);
      table.measured_rows += part * static_cast<double>(repeat.truth.weak.size());
      table.weak_quality += part * mean_of(repeat.truth.weak);
      table.strong_quality += part * mean_of(repeat.truth.strong);
    }
    for (size_t i = 0; i < names.size(); ++i)
      table.rows.push_back(finish(names[i], gathered[i]));
    tables.push_back(std::move(table));
  }
  return tables;
}

std::span<const Published> published_rows(std::string_view benchmark) {
  if (benchmark == "mmlu") return kMmlu;
  if (benchmark == "gsm8k") return kGsm8k;
  if (benchmark == "mtbench") return kMtBench;
  return {};
}

}  // namespace weir::eval
