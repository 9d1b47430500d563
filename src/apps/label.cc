// weir label: training data made by asking models.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "apps/call_options.h"
#include "apps/commands.h"
#include "apps/output.h"
#include "apps/provider_command.h"
#include "label/compare.h"
#include "label/failures.h"

namespace weir::apps {
namespace {

// What a verdict takes, for the forecast: the rubric and its reasons.
constexpr double kRubricTokens = 320;
constexpr double kVerdictTokens = 80;

struct CompareCommand {
  CallOptions call;
  std::string style = "rubric";
};

struct FailuresCommand {
  CallOptions call;
  std::string checker = "exact";
};

Forecast forecast(const CallOptions& call, const label::CompareOptions& models,
                  const std::vector<label::Query>& queries) {
  const auto n = static_cast<double>(queries.size());
  const double query = mean_query_tokens(queries);
  const bool yes_no = models.judge.form == quality::JudgeForm::kYesNo;
  Forecast result{.parts = {}, .queries = queries.size()};
  result.parts.push_back(
      {"weak answers", &models.weak, n, query, call.answer_tokens, models.max_tokens});
  result.parts.push_back(
      {"strong answers", &models.strong, n, query, call.answer_tokens, models.max_tokens});
  // Every win is asked again; how many there will be is not known, so all are counted.
  result.parts.push_back({"verdicts", &models.judge.model, yes_no ? n : 2 * n,
                          query + 2 * call.answer_tokens + (yes_no ? 30 : kRubricTokens),
                          yes_no ? 2 : kVerdictTokens, models.judge.max_tokens});
  return result;
}

std::string describe(const label::CompareSummary& sum, bool yes_no) {
  const auto share = [&](int64_t count) {
    return sum.rows > 0 ? 100.0 * static_cast<double>(count) / static_cast<double>(sum.rows) : 0;
  };
  std::string text = fmt::format(
      "strong needed {} ({:.1f} %), same {} ({} of them discordant), weak better {}, no verdict "
      "{}\n",
      sum.strong_needed, share(sum.strong_needed), sum.same, sum.discordant, sum.weak_better,
      sum.undecided);
  text += fmt::format("cost: weak ${:.6f}, strong ${:.6f}, judge ${:.6f}\n", sum.weak_usd,
                      sum.strong_usd, sum.judge_usd);
  text += fmt::format("verdicts: {}, malformed {}", sum.verdicts, sum.malformed);
  if (yes_no) return text + "; position bias is not measured in the yes/no style\n";
  if (sum.swapped_pairs == 0) return text + "; no pair was judged in both orders\n";
  text += fmt::format("; position bias {:+.3f} +- {:.3f} over {} pairs judged in both orders\n",
                      sum.position_bias, sum.position_bias_half, sum.swapped_pairs);
  if (sum.biased())
    text +=
        "weir: this judge prefers a place, not an answer; take another judge. Its wins that "
        "changed with the order count as \"same\".\n";
  return text;
}

void write(const label::CompareSummary& sum, json::Writer& out) {
  out.member("strong_needed", sum.strong_needed).member("same", sum.same);
  out.member("weak_better", sum.weak_better).member("discordant", sum.discordant);
  out.member("undecided", sum.undecided).member("verdicts", sum.verdicts);
  out.member("malformed", sum.malformed).member("swapped_pairs", sum.swapped_pairs);
  out.key("position_bias");
  sum.swapped_pairs > 0 ? out.value(sum.position_bias) : out.null();
  out.key("position_bias_half_width");
  sum.swapped_pairs > 0 ? out.value(sum.position_bias_half) : out.null();
  out.member("judge_biased", sum.biased());
  out.member("weak_usd", sum.weak_usd).member("strong_usd", sum.strong_usd);
  out.member("judge_usd", sum.judge_usd);
}

std::string next_step(const CallOptions& call) {
  return fmt::format("next: weir data check {0}, then weir train --data {0} --out my.weir\n",
                     call.out);
}

std::expected<int, Error> compare(const CompareCommand& command) {
  const CallOptions& call = command.call;
  TRY_ASSIGN(const Providers providers, Providers::open(call));
  const bool yes_no = command.style == "yesno";
  label::CompareOptions options;
  TRY_ASSIGN(options.weak, providers.weak(call));
  TRY_ASSIGN(options.strong, providers.strong(call));
  TRY_ASSIGN(options.judge, providers.judge(call, yes_no ? quality::JudgeForm::kYesNo
                                                         : quality::JudgeForm::kPairwise));
  options.max_tokens = call.max_tokens;
  options.seed = call.seed;
  TRY_ASSIGN(const std::vector<label::Query> queries, read_sample(call));
  if (call.dry_run) {
    TRY(print_forecast(forecast(call, options, queries), call));
    return 0;
  }
  TRY_ASSIGN(label::JobOptions job,
             job_options("label compare", call, providers,
                         {&options.weak, &options.strong, &options.judge.model}));
  const label::Comparison comparison(options);
  job.settings = comparison.settings();
  job.most_nanousd = [&](const label::Query& query) { return comparison.most_nanousd(query); };
  TRY_ASSIGN(label::RowLog log, label::RowLog::open(call.out));
  TRY_ASSIGN(
      const label::JobResult result,
      label::run_job(job, queries, log,
                     [&](label::Caller& caller, const label::Query& query, label::Spend& spend) {
                       return comparison.work(caller, query, spend);
                     }));
  TRY_ASSIGN(const label::CompareSummary sum, label::summarize_comparison(result.rows));
  if (call.json) {
    json::Writer out;
    out.begin_object();
    write_end(result.end, out);
    write(sum, out);
    TRY(write_output(out.end_object().take() + "\n"));
  } else {
    TRY(write_output(describe_end(result.end, call) + describe(sum, yes_no) +
                     (sum.rows > 0 ? next_step(call) : "")));
  }
  return end_status(result.end);
}

std::expected<int, Error> failures(const FailuresCommand& command) {
  const CallOptions& call = command.call;
  label::FailureOptions options;
  TRY_ASSIGN(options.checker, quality::Checker::parse(command.checker));
  TRY_ASSIGN(const Providers providers, Providers::open(call));
  TRY_ASSIGN(options.weak, providers.weak(call));
  options.max_tokens = call.max_tokens;
  TRY_ASSIGN(const std::vector<label::Query> queries, read_sample(call));
  TRY(label::verify_checkers(options.checker, queries));
  if (call.dry_run) {
    Forecast plan{.parts = {}, .queries = queries.size()};
    plan.parts.push_back({"weak answers", &options.weak, static_cast<double>(queries.size()),
                          mean_query_tokens(queries), call.answer_tokens, call.max_tokens});
    TRY(print_forecast(plan, call));
    return 0;
  }
  TRY_ASSIGN(label::JobOptions job,
             job_options("label failures", call, providers, {&options.weak}));
  const label::FailureSearch search(options);
  job.settings = search.settings();
  TRY_ASSIGN(label::RowLog log, label::RowLog::open(call.out));
  TRY_ASSIGN(
      const label::JobResult result,
      label::run_job(job, queries, log,
                     [&](label::Caller& caller, const label::Query& query, label::Spend& spend) {
                       return search.work(caller, query, spend);
                     }));
  TRY_ASSIGN(const label::FailureSummary sum, label::summarize_failures(result.rows));
  if (call.json) {
    json::Writer out;
    out.begin_object();
    write_end(result.end, out);
    out.member("strong_needed", sum.strong_needed()).member("good", sum.good);
    out.member("wrong", sum.wrong).member("wrong_format", sum.wrong_format);
    out.member("refused", sum.refused).member("empty", sum.empty);
    out.member("unknown", sum.unknown).member("weak_usd", sum.weak_usd);
    TRY(write_output(out.end_object().take() + "\n"));
  } else {
    TRY(write_output(
        describe_end(result.end, call) +
        fmt::format("strong needed {}: wrong {}, wrong format {}, refused {}, empty {}; good {}; "
                    "not checked {}\n",
                    sum.strong_needed(), sum.wrong, sum.wrong_format, sum.refused, sum.empty,
                    sum.good, sum.unknown) +
        (sum.rows > 0 ? next_step(call) : "")));
  }
  return end_status(result.end);
}

int finish(const std::expected<int, Error>& status) {
  if (!status) return exit_status(std::unexpected(status.error()));
  return *status != 0 ? *status : exit_status({});
}

int run_compare(Arguments arguments) {
  CompareCommand command;
  CLI::App app("Asks both models and a judge which answer is better: docs/labels.md",
               "weir label compare");
  add_call_options(app, command.call);
  app.add_option("--sample", command.call.sample, "queries taken at random")->capture_default_str();
  app.add_option("--strong", command.call.strong,
                 "the strong model, provider/model (default: the first route's)");
  app.add_option("--judge", command.call.judge,
                 "the judge, provider/model (default: judge.model of the settings, else strong)");
  app.add_option("--judge-style", command.style,
                 "rubric: both orders, three verdicts; yesno: YES or NO in 5 tokens")
      ->check(CLI::IsMember({"rubric", "yesno"}))
      ->capture_default_str();
  if (const auto parsed = parse_arguments(app, arguments); !parsed) return parsed.error();
  block_end_signals();
  return finish(compare(command));
}

int run_failures(Arguments arguments) {
  FailuresCommand command;
  CLI::App app("Asks the weak model and checks its answers: docs/labels.md", "weir label failures");
  add_call_options(app, command.call);
  app.add_option("--sample", command.call.sample, "queries taken at random")->capture_default_str();
  app.add_option("--checker", command.checker,
                 "exact, numeric, choice, regex PATTERN, json, json_schema FILE, command ARGV..., "
                 "http URL or any; a row's own `checker` goes before it")
      ->capture_default_str();
  if (const auto parsed = parse_arguments(app, arguments); !parsed) return parsed.error();
  block_end_signals();
  return finish(failures(command));
}

}  // namespace

int run_label(Arguments arguments) {
  constexpr std::string_view kUsage =
      "usage: weir label compare|failures [OPTIONS]\n"
      "  compare   asks weak, strong and a judge; label 1 where weak is meaningfully worse\n"
      "  failures  asks weak; label 1 where a checker finds its answer wrong\n";
  const std::string name = arguments.empty() ? "" : arguments[0];
  if (name == "compare") return run_compare(arguments.subspan(1));
  if (name == "failures") return run_failures(arguments.subspan(1));
  const bool help = name == "--help" || name == "-h";
  fmt::print(help ? stdout : stderr, "{}", kUsage);
  return help ? 0 : 2;
}

}  // namespace weir::apps
