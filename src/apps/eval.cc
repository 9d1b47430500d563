// weir eval: how much of the quality gap a router recovers for how many strong calls.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "apps/commands.h"
#include "apps/data_options.h"
#include "apps/embed_url.h"
#include "apps/output.h"
#include "base/files.h"
#include "base/utf8.h"
#include "eval/report.h"
#include "model/router.h"
#include "train/examples.h"

namespace weir::apps {
namespace {

struct Options {
  DataOptions data;
  std::string router;
  std::string plot;
  uint64_t seed = 0;
  bool json = false;
};

std::expected<eval::Measured, Error> measure(const model::Router& router,
                                             const train::LabelledRows& rows,
                                             eval::Context& context) {
  eval::Measured measured;
  std::vector<std::string> words;
  for (const train::LabelledRow& row : rows.rows)
    words.push_back(train::scored_words(row.query));
  TRY_ASSIGN(const std::vector<model::Score> scores, score_texts(router, words));
  double quality = 0, strong = 0;
  for (size_t i = 0; i < scores.size(); ++i) {
    const train::LabelledRow& row = rows.rows[i];
    const model::Score& score = scores[i];
    const bool to_strong = !score.judged || score.prob_strong_needed >= router.threshold();
    measured.score.push_back(score.prob_strong_needed);
    measured.length.push_back(static_cast<double>(count_utf8(row.query)));
    measured.weak.push_back(row.weak_score);
    measured.strong.push_back(row.strong_score);
    quality += to_strong ? row.strong_score : row.weak_score;
    strong += to_strong ? 1 : 0;
    context.leaked_rows += router.was_trained_on(words[i]) ? 1 : 0;
    context.unjudged_rows += score.judged ? 0 : 1;
  }
  const auto count = static_cast<double>(measured.size());
  context.quality = quality / count;
  context.strong_share = strong / count;
  return measured;
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
  TRY_ASSIGN(const eval::Measured measured, measure(router, rows, context));
  const eval::Evaluation evaluation = eval::evaluate(measured, {.seed = options.seed});
  if (context.leaked_rows > 0) {
    fmt::print(stderr,
               "weir: {} of {} queries were in the router's training data; figures on them say "
               "nothing about new queries\n",
               context.leaked_rows, evaluation.queries);
  }
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
  app.add_option("--seed", options.seed, "of the bootstrap and the random baseline")
      ->capture_default_str();
  app.add_flag("--json", options.json, "print JSON");
  app.add_option("--plot", options.plot, "write the curves to this SVG file");
  if (const auto parsed = parse_arguments(app, arguments); !parsed) return parsed.error();
  return exit_status(run(options));
}

}  // namespace weir::apps
