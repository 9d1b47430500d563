// weir evaluate: quality and cost of routed answers against all-strong ones, by asking.
#include "label/evaluate.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <functional>

#include "apps/call_options.h"
#include "apps/commands.h"
#include "apps/data_options.h"
#include "apps/embed_url.h"
#include "apps/output.h"
#include "apps/provider_command.h"
#include "model/router.h"
#include "stats/quantile.h"
#include "train/examples.h"

namespace weir::apps {
namespace {

constexpr double kRubricTokens = 250;
constexpr double kGradeTokens = 80;
constexpr std::array kStrongShares{0.1, 0.3, 0.5, 0.7, 0.9};
constexpr size_t kAdvisedHuman = 50;

struct EvaluateCommand {
  CallOptions call;
  std::string router;
  std::string weir_url;
  std::string route = "auto";
  std::string checker;
  std::vector<double> thresholds;
  bool allow_leakage = false;
};

// Scores the queries with the router file; the default thresholds come from those scores.
std::expected<void, Error> score_queries(EvaluateCommand& command,
                                         const std::vector<label::Query>& queries,
                                         label::EvaluateOptions& options) {
  TRY_ASSIGN(const model::StaticEmbedder embedder, load_static_embedder());
  TRY_ASSIGN(const model::Router router, model::Router::load(command.router, embedder));
  std::vector<std::string> words;
  int64_t leaked = 0;
  for (const label::Query& query : queries) {
    words.push_back(train::scored_words(query.text));
    leaked += router.was_trained_on(words.back()) ? 1 : 0;
  }
  if (leaked > 0 && !command.allow_leakage)
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} of {} queries were in the router's training data, so figures on "
                            "them say nothing about new ones: take others, or say "
                            "--allow-leakage",
                            leaked, queries.size()));
  TRY_ASSIGN(const std::vector<model::Score> scores, score_texts(router, words));
  std::vector<double> all;
  for (size_t i = 0; i < queries.size(); ++i) {
    all.push_back(scores[i].judged ? scores[i].prob_strong_needed : 1);
    options.scores.emplace(queries[i].key(), all.back());
  }
  if (!command.thresholds.empty()) return {};
  command.thresholds.push_back(router.threshold());
  for (const double share : kStrongShares)
    command.thresholds.push_back(stats::quantile(all, 1 - share));
  return {};
}

std::expected<label::EvaluateOptions, Error> make_options(
    EvaluateCommand& command, const Providers& providers,
    const std::vector<label::Query>& queries) {
  const CallOptions& call = command.call;
  label::EvaluateOptions options;
  options.max_tokens = call.max_tokens;
  TRY_ASSIGN(options.strong, providers.strong(call));
  if (command.checker.empty()) {
    TRY_ASSIGN(options.judge.emplace(), providers.judge(call, quality::JudgeForm::kPointwise));
  } else {
    TRY_ASSIGN(options.checker, quality::Checker::parse(command.checker));
    TRY(label::verify_checkers(options.checker, queries));
  }
  options.through_weir = !command.weir_url.empty();
  if (options.through_weir == !command.router.empty())
    return fail(ErrorCode::kInvalidArgument,
                "say what routes: --router FILE, or --weir URL of a running one");
  if (!options.through_weir) {
    TRY_ASSIGN(options.first, providers.weak(call));
    TRY(score_queries(command, queries, options));
  } else {
    TRY_ASSIGN(options.first, providers.running_weir(command.weir_url, command.route));
    // What it will ask is not known before: the dearer model bounds it.
    options.first.price = options.strong.price;
    options.price_of = [&providers](const std::string& name) { return providers.price(name); };
    command.thresholds = {0};
  }
  std::ranges::sort(command.thresholds, std::greater());
  const auto repeated = std::ranges::unique(command.thresholds);
  command.thresholds.erase(repeated.begin(), repeated.end());
  return options;
}

Forecast forecast(const EvaluateCommand& command, const label::EvaluateOptions& options,
                  const std::vector<label::Query>& queries) {
  const auto n = static_cast<double>(queries.size());
  const CallOptions& call = command.call;
  const double query = mean_query_tokens(queries);
  Forecast result{.parts = {}, .queries = queries.size()};
  result.parts.push_back({options.through_weir ? "routed answers" : "weak answers", &options.first,
                          n, query, call.answer_tokens, call.max_tokens});
  result.parts.push_back(
      {"strong answers", &options.strong, n, query, call.answer_tokens, call.max_tokens});
  if (options.judge)
    result.parts.push_back({"grades", &options.judge->model, 2 * n,
                            query + call.answer_tokens + kRubricTokens, kGradeTokens,
                            options.judge->max_tokens});
  return result;
}

std::string interval(const std::optional<stats::Interval>& i, double factor, int digits) {
  if (!i) return "-";
  return fmt::format("[{:.{}f}, {:.{}f}]", factor * i->low, digits, factor * i->high, digits);
}

std::string verdict(const label::GapPoint& point) {
  if (!point.acceptable()) return "no";
  return point.shown() ? "yes" : "yes, not shown";
}

std::string to_text(const label::GradedRows& rows, const std::vector<label::GapPoint>& points,
                    bool through_weir) {
  std::string text = fmt::format(
      "{} queries graded, {} without a grade, {} malformed grades, judge ${:.6f}\n"
      "strong quality {:.2f} points\n\n",
      rows.queries.size(), rows.undecided, rows.malformed, rows.judge_usd,
      100 * points[0].strong_quality);
  text +=
      "threshold  strong %  cost     gap points  95 % interval      gap %   95 % interval"
      "      acceptable\n";
  for (const label::GapPoint& point : points) {
    text += fmt::format("{:>9}  {:>7.1f}  {:>5.2f}x  {:>10.2f}  {:<17}  {:>6.2f}  {:<17}  {}\n",
                        through_weir ? "as served" : fmt::format("{:.4f}", point.threshold),
                        100 * point.strong_share, point.cost_reduction, point.gap_points,
                        interval(point.gap_points_ci95, 1, 2), 100 * point.gap_ratio,
                        interval(point.gap_ratio_ci95, 100, 2), verdict(point));
    if (point.human_gap_points)
      text += fmt::format("           as people would score it (PPI++): gap {:.2f} points {}\n",
                          *point.human_gap_points, interval(point.human_gap_points_ci95, 1, 2));
  }
  text += fmt::format(
      "\nacceptable: gap below {:g} % of strong's quality; \"not shown\" where the interval "
      "reaches above it\n",
      100 * label::GapPoint::kAcceptableGap);
  const auto cheapest = [](const label::GapPoint& a, const label::GapPoint& b) {
    const auto worth = [](const label::GapPoint& p) {
      return p.acceptable() ? p.cost_reduction : 0;
    };
    return worth(a) < worth(b);
  };
  const auto best = std::ranges::max_element(points, cheapest);
  text +=
      best->acceptable() && best->cost_reduction > 1
          ? fmt::format("best: {:.2f}x cheaper{}\n", best->cost_reduction,
                        through_weir ? "" : fmt::format(" at threshold {:.4f}", best->threshold))
          : "no cheaper routing is acceptable on these queries\n";
  return text;
}

void write(const std::optional<stats::Interval>& i, std::string_view name, json::Writer& out) {
  out.key(name);
  if (!i) {
    out.null();
    return;
  }
  out.begin_array().value(i->low).value(i->high).end_array();
}

std::string to_json(const label::JobEnd& end, const label::GradedRows& rows,
                    const std::vector<label::GapPoint>& points) {
  json::Writer out;
  out.begin_object();
  write_end(end, out);
  out.member("queries", static_cast<int64_t>(rows.queries.size()));
  out.member("undecided", rows.undecided).member("malformed", rows.malformed);
  out.member("judge_usd", rows.judge_usd).key("points").begin_array();
  for (const label::GapPoint& point : points) {
    out.begin_object().member("threshold", point.threshold);
    out.member("strong_share", point.strong_share);
    out.member("cost_reduction", point.cost_reduction).member("quality", point.quality);
    out.member("strong_quality", point.strong_quality).member("gap_points", point.gap_points);
    write(point.gap_points_ci95, "gap_points_ci95", out);
    out.member("gap_ratio", point.gap_ratio);
    write(point.gap_ratio_ci95, "gap_ratio_ci95", out);
    out.key("human_gap_points");
    point.human_gap_points ? out.value(*point.human_gap_points) : out.null();
    write(point.human_gap_points_ci95, "human_gap_points_ci95", out);
    out.member("acceptable", point.acceptable()).member("shown", point.shown()).end_object();
  }
  return out.end_array().end_object().take() + "\n";
}

void warn_of_few_human(const label::GradedRows& rows) {
  const auto both = [](const label::GradedQuery& q) { return q.human_first && q.human_strong; };
  const auto count = static_cast<size_t>(std::ranges::count_if(rows.queries, both));
  if (count > 0 && count < kAdvisedHuman)
    fmt::print(stderr,
               "weir: {} queries have human scores of both answers; below {} the interval that "
               "uses them is too optimistic\n",
               count, kAdvisedHuman);
}

std::expected<int, Error> run(EvaluateCommand& command) {
  const CallOptions& call = command.call;
  TRY_ASSIGN(const Providers providers, Providers::open(call));
  TRY_ASSIGN(const std::vector<label::Query> queries, read_sample(call));
  TRY_ASSIGN(label::EvaluateOptions options, make_options(command, providers, queries));
  if (call.dry_run) {
    TRY(print_forecast(forecast(command, options, queries), call));
    return 0;
  }
  std::vector<const label::Model*> models{&options.first, &options.strong};
  if (options.judge) models.push_back(&options.judge->model);
  TRY_ASSIGN(label::JobOptions job, job_options("evaluate", call, providers, models));
  const label::Evaluation evaluation(options);
  job.settings = evaluation.settings();
  job.most_nanousd = [&](const label::Query& query) { return evaluation.most_nanousd(query); };
  TRY_ASSIGN(label::RowLog log, label::RowLog::open(call.out));
  TRY_ASSIGN(
      const label::JobResult result,
      label::run_job(job, queries, log,
                     [&](label::Caller& caller, const label::Query& query, label::Spend& spend) {
                       return evaluation.work(caller, query, spend);
                     }));
  TRY_ASSIGN(const label::GradedRows rows, label::read_graded(result.rows));
  warn_of_few_human(rows);
  std::vector<label::GapPoint> points;
  if (!rows.queries.empty())
    for (const double threshold : command.thresholds)
      points.push_back(label::gap_at(rows.queries, threshold, call.seed));
  if (call.json) {
    TRY(write_output(to_json(result.end, rows, points)));
  } else {
    TRY(write_output(
        describe_end(result.end, call) +
        (points.empty() ? "no query was graded\n" : to_text(rows, points, options.through_weir))));
  }
  return end_status(result.end);
}

}  // namespace

int run_evaluate(Arguments arguments) {
  EvaluateCommand command;
  command.call.sample = 1000;
  CLI::App app("Asks routed and strong for each query and measures the gap: docs/labels.md",
               "weir evaluate");
  add_call_options(app, command.call);
  app.add_option("--sample", command.call.sample, "queries taken at random; 500 to 1,000 advised")
      ->capture_default_str();
  app.add_option("--strong", command.call.strong,
                 "the strong model, provider/model (default: the first route's)");
  app.add_option("--router", command.router, "the .weir file that routes");
  app.add_option("--weir", command.weir_url,
                 "or the URL of a running weir (key in WEIR_LABEL_API_KEY)");
  app.add_option("--route", command.route, "the model name that routes there")
      ->capture_default_str();
  app.add_option("--threshold", command.thresholds,
                 "thresholds to report (default: the router's own and those at strong shares of "
                 "10 to 90 %)");
  app.add_option("--judge", command.call.judge,
                 "the judge, provider/model (default: judge.model of the settings, else strong)");
  app.add_option("--checker", command.checker,
                 "grade by a checker in place of a judge; see weir label failures --help");
  app.add_flag("--allow-leakage", command.allow_leakage,
               "also with queries that the router was trained on");
  if (const auto parsed = parse_arguments(app, arguments); !parsed) return parsed.error();
  block_end_signals();
  const auto status = run(command);
  if (!status) return exit_status(std::unexpected(status.error()));
  return *status != 0 ? *status : exit_status({});
}

}  // namespace weir::apps
