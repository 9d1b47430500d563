// Routers on RouteLLM's benchmarks, trained on some of their rows and measured on the others, many
// times: the study behind `weir bench routellm`. How to read it: docs/evaluation.md.
// Pure for a given seed. Uses all cores; the callback may come from any thread, one at a time.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "eval/chart.h"
#include "eval/cost_multiplier.h"
#include "eval/curve.h"
#include "model/kind.h"
#include "stats/interval.h"
#include "train/examples.h"

namespace weir::eval {

// How rows are divided into those trained on and those measured on.
enum class Split {
  kRows,   // any rows
  kTasks,  // whole tasks: a fifth of them is measured on, the labels come from the others
};

struct BenchSetting {
  Split split = Split::kRows;
  size_t labels = 0;  // 0: nothing is trained, all rows are measured, once
};

// A router that exists already, such as the one that ships.
struct FixedRouter {
  std::string name;
  std::vector<double> scores;  // of all rows
};

// One benchmark with all its rows; the tasks come from the rows' ids ("set:TASK/7").
struct Benchmark {
  std::string name;
  train::Examples examples;
  std::vector<BenchSetting> settings;
  std::vector<FixedRouter> fixed = {};
};

struct BenchOptions {
  uint64_t seed = 0;
  size_t repeats = 10;
  int resamples = 100;  // of the measured rows, in every repeat
  std::vector<model::Kind> kinds;
  CallCosts costs;
  std::function<void()> on_step = {};  // after each fit
};

// The kinds that learn from labelled rows and call no model, in the order of the tables.
std::span<const model::Kind> benchable_kinds();

// Mean over the repeats; the interval is that of resampled rows of all repeats together, so it
// holds the choice of rows on both sides.
struct Figure {
  double mean = 0;
  std::optional<stats::Interval> ci95;
};

struct BenchRow {
  std::string name;                  // "auto", "length", "oracle" ...
  Figure apgr, cpt50, cpt80;         // 11 edges, RouteLLM's rule
  Figure full_apgr;                  // every cut, ties spread evenly
  Figure keep_multiplier;            // x cheaper than all-strong at 95 % of its quality
  Figure keep_and_worse_multiplier;  // at most 5 % of the answers worse, too
  double bound_by_worse_share = 0;   // of the repeats: which limit binds when both are set
  double fit_seconds = 0;
  std::vector<std::pair<double, double>> curve;  // mean: strong share, quality
};

struct BenchTable {
  std::string benchmark;
  BenchSetting setting;
  size_t repeats = 0;
  double measured_rows = 0;  // mean
  double weak_quality = 0, strong_quality = 0;
  std::vector<BenchRow> rows = {};  // baselines, then kinds
};

// A table a setting. Fails: kInvalidArgument when a setting asks for more labels than leaves 100
// rows to measure; as train_router does.
[[nodiscard]] std::expected<std::vector<BenchTable>, Error> run_bench(const Benchmark& benchmark,
                                                                      const BenchOptions& options);

// What RouteLLM published for a benchmark ("mmlu", "gsm8k", "mtbench"): Ong et al., arXiv
// 2406.18665 v4, the rows with the most training data. Other rows of the same benchmark and other
// training data, so a reading aid rather than a contest.
struct Published {
  std::string_view router;
  double apgr, cpt50, cpt80;
};
std::span<const Published> published_rows(std::string_view benchmark);

}  // namespace weir::eval
