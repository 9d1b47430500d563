// weir eval: how much of the quality gap a router recovers for how many strong calls.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "apps/commands.h"
#include "apps/data_options.h"
#include "apps/eval_costs.h"
#include "apps/output.h"
#include "apps/scored_data.h"
#include "base/files.h"
#include "base/utf8.h"
#include "eval/report.h"
#include "model/router.h"

namespace weir::apps {
namespace {

struct Options {
  DataOptions data;
  std::string router;
  std::string plot;
  CostOptions costs;
  std::vector<std::filesystem::path> trained_on;
  bool allow_leakage = false;
  uint64_t seed = 0;
  bool json = false;
};

eval::Measured measure(const model::Router& router, const train::LabelledRows& rows,
                       const ScoredData& data, eval::Context& context) {
  eval::Measured measured;
  double quality = 0, strong = 0;
  for (size_t i = 0; i < data.scores.size(); ++i) {
    const train::LabelledRow& row = rows.rows[i];
    const model::Score& score = data.scores[i];
    const bool to_strong = !score.judged || score.prob_strong_needed >= router.threshold();
    measured.score.push_back(score.prob_strong_needed);
    measured.length.push_back(static_cast<double>(count_utf8(row.query)));
    measured.weak.push_back(row.weak_score);
    measured.strong.push_back(row.strong_score);
    quality += to_strong ? row.strong_score : row.weak_score;
    strong += to_strong ? 1 : 0;
    context.leaked_rows += router.was_trained_on(data.words[i]) ? 1 : 0;
    context.unjudged_rows += score.judged ? 0 : 1;
  }
  const auto count = static_cast<double>(measured.size());
  context.quality = quality / count;
  context.strong_share = strong / count;
  return measured;
}

// How many rows stand nearly the same in the files that --trained-on names.
std::expected<int64_t, Error> count_near(const Options& options, const train::LabelledRows& rows) {
  if (options.trained_on.empty()) return 0;
  TRY_ASSIGN(const train::ShingleIndex index, index_queries(options.trained_on));
  return std::ranges::count_if(
      rows.rows, [&](const train::LabelledRow& row) { return index.find(row.query).has_value(); });
}

// Figures on rows that were trained on say nothing about new queries.
std::expected<void, Error> guard_against_leakage(const Options& options,
                                                 const train::LabelledRows& rows, int64_t leaked) {
  TRY_ASSIGN(const int64_t near, count_near(options, rows));
  if (leaked + near == 0) return {};
  const std::string what = fmt::format(
      "{} of {} queries were in the router's training data{}; figures on them say nothing about "
      "new queries",
      leaked, rows.rows.size(),
      near > 0 ? fmt::format(" and {} are nearly the same as one of --trained-on", near) : "");
  if (!options.allow_leakage)
    return fail(ErrorCode::kInvalidArgument,
                what +
                    ": take other rows (weir data check finds shared ones), or say "
                    "--allow-leakage");
  fmt::print(stderr, "weir: {}\n", what);
  return {};
}

std::expected<void, Error> run(const Options& options) {
  TRY_ASSIGN(const model::StaticEmbedder embedder, load_static_embedder());
  TRY_ASSIGN(const model::Router router, model::Router::load(options.router, embedder));
  TRY_ASSIGN(const train::LabelledRows rows, read_data(options.data, train::Labels::kRequired));
  const train::RowCounts counts = rows.total();
  if (rows.rows.empty())
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("nothing to evaluate: {}", describe_counts(counts)));
  eval::Context context{.router = router.describe(),
                        .threshold = router.threshold(),
                        .dropped_rows = counts.read - counts.kept,
                        .from_label = counts.from_label};
  const Show show = options.json ? Show::kNever : Show::kOnTerminal;
  TRY_ASSIGN(const ScoredData data, score_rows(router, rows.rows, show));
  const eval::Measured measured = measure(router, rows, data, context);
  context.transfer = transfer_of(router, data);
  TRY_ASSIGN(context.costs,
             cost_figures({options.costs, options.data, options.seed}, router, rows, data));
  TRY(guard_against_leakage(options, rows, context.leaked_rows));
  const eval::Evaluation evaluation = eval::evaluate(measured, {.seed = options.seed});
  if (!options.plot.empty()) TRY(write_file(options.plot, to_svg(evaluation, context)));
  return write_output(options.json ? to_json(evaluation, context) + "\n"
                                   : to_text(evaluation, context));
}

}  // namespace

int run_eval(Arguments arguments) {
  Options options;
  CLI::App app("Evaluates a router on rows with `scores` of both models: docs/evaluation.md",
               "weir eval");
  app.add_option("--router", options.router, "the .weir file")->required();
  add_data_options(app, options.data);
  add_cost_options(app, options.costs);
  app.add_option("--seed", options.seed, "of the bootstrap and the random baseline")
      ->capture_default_str();
  app.add_option("--trained-on", options.trained_on,
                 "files that the router was trained on: rows nearly the same as theirs are found");
  app.add_flag("--allow-leakage", options.allow_leakage,
               "also on rows that the router was trained on");
  app.add_flag("--json", options.json, "print JSON");
  app.add_option("--plot", options.plot, "write the curves to this SVG file");
  if (const auto parsed = parse_arguments(app, arguments); !parsed) return parsed.error();
  return exit_status(run(options));
}

}  // namespace weir::apps
