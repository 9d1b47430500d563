// weir cascade: queries answered weak first, and the thresholds of a cascade found from queries
// with known answers.
#include "eval/cascade.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "apps/call_options.h"
#include "apps/commands.h"
#include "apps/output.h"
#include "apps/provider_command.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/files.h"
#include "base/json.h"
#include "gateway/cascade.h"
#include "label/failures.h"
#include "quality/stated_confidence.h"
#include "text/features.h"

namespace weir::apps {
namespace {

using quality::Signal;

struct CascadeCommand {
  CallOptions call;
  gateway::CascadeOptions cascade;
  std::string router, fit_out, right_by = "exact";
  eval::CascadeFitOptions fit;
};

struct Models {
  label::Model weak, strong;
};

// One query's way through the cascade.
class Work {
 public:
  Work(const CascadeCommand& command, Models models, gateway::Cascade cascade,
       quality::Checker right_by)
      : fits_(!command.fit_out.empty()),
        max_tokens_(command.call.max_tokens),
        models_(std::move(models)),
        cascade_(std::move(cascade)),
        right_by_(std::move(right_by)) {}

  std::vector<std::pair<std::string, std::string>> settings() const {
    std::string signals;
    for (const Signal signal : cascade_.signals)
      signals += fmt::format("{}{}", signals.empty() ? "" : " ", signal_info(signal).name);
    return {{"weak_model", models_.weak.text()},
            {"strong_model", fits_ ? "" : models_.strong.text()},
            {"signals", signals},
            {"escalate_below", fmt::format("{}", cascade_.rule.escalate_below)}};
  }

  http::Task<std::expected<label::RowMembers, label::CallFailure>> answer(
      label::Caller& caller, const label::Query& query, label::Spend& spend) const {
    std::string prompt = query.text;
    if (cascade_.reads(Signal::kStated)) prompt += quality::confidence_request();
    auto weak = co_await caller.ask(models_.weak, prompt, max_tokens_, spend);
    if (!weak) co_return std::unexpected(std::move(weak).error());
    Row row;
    row.weak_nanousd = weak->cost_nanousd;
    row.all_strong_nanousd = catalog::cost_nanousd(models_.strong.price, weak->usage).value_or(0);
    const quality::StatedConfidence stated = quality::find_confidence(weak->text);
    row.response = weak->text;
    quality::JudgedAnswer judged;
    if (cascade_.reads(Signal::kStated)) {
      row.response.erase(stated.cut_begin, stated.cut_end - stated.cut_begin);
      judged.stated = stated.value;
    }
    judged.text = row.response;
    judged.uncertainty_phrases = cascade_.uncertainty_phrases;
    if (cascade_.checker) {
      const quality::Checked checked =
          co_await label::check_answer(caller, *cascade_.checker, query, row.response);
      judged.checker_says_good = checked.good();
    }
    const quality::Reading reading = read_signals(cascade_.signals, judged);
    row.confidence = reading.confidence;
    policy::WeakAnswer answer{.prob_right = std::nullopt, .alarm = !reading.alarm.empty()};
    if (reading.confidence) answer.prob_right = cascade_.map.apply(*reading.confidence);
    row.verdict = judge_weak_answer(cascade_.rule, answer);
    row.model = models_.weak.name;
    if (fits_ && !query.reference.empty()) {
      const quality::Checked checked =
          co_await label::check_answer(caller, right_by_, query, row.response);
      if (checked.outcome != quality::Outcome::kUnknown) row.weak_correct = checked.good();
    }
    if (!fits_ && row.verdict == policy::CascadeVerdict::kEscalated) {
      auto strong = co_await caller.ask(models_.strong, query.text, max_tokens_, spend);
      if (!strong) co_return std::unexpected(std::move(strong).error());
      row.strong_nanousd = row.all_strong_nanousd = strong->cost_nanousd;
      row.response = std::move(strong->text);
      row.model = models_.strong.name;
    }
    co_return label::RowMembers([row](json::Writer& out) { row.write(out); });
  }

  int64_t most_nanousd(const label::Query& query) const {
    const size_t bytes = query.text.size() + quality::confidence_request().size();
    return label::worst_case_nanousd(models_.weak, bytes, max_tokens_) +
           (fits_ ? 0 : label::worst_case_nanousd(models_.strong, bytes, max_tokens_));
  }

 private:
  struct Row {
    std::string response, model;
    std::optional<double> confidence;
    std::optional<bool> weak_correct;
    policy::CascadeVerdict verdict = policy::CascadeVerdict::kAccepted;
    int64_t weak_nanousd = 0, strong_nanousd = 0, all_strong_nanousd = 0;

    void write(json::Writer& out) const {
      out.member("response", response).member("model_used", model);
      out.member("escalated", verdict == policy::CascadeVerdict::kEscalated);
      out.member("verdict", policy::to_string(verdict)).key("weak_confidence");
      confidence ? out.value(*confidence) : out.null();
      if (weak_correct) out.member("weak_correct", *weak_correct);
      out.key("weak_usd").raw(catalog::format_usd(weak_nanousd));
      out.key("strong_usd").raw(catalog::format_usd(strong_nanousd));
      out.key("all_strong_usd").raw(catalog::format_usd(all_strong_nanousd));
    }
  };

  bool fits_;
  int64_t max_tokens_;
  Models models_;
  gateway::Cascade cascade_;
  quality::Checker right_by_;
};

struct Totals {
  int64_t rows = 0, escalated = 0;
  double weak_usd = 0, strong_usd = 0, all_strong_usd = 0, discarded_usd = 0;
  eval::CascadeRows known;  // rows whose answer was checked

  double cost() const { return weak_usd + strong_usd; }
  double rate() const {
    return rows > 0 ? static_cast<double>(escalated) / static_cast<double>(rows) : 0;
  }
  double savings() const { return all_strong_usd > 0 ? 100 * (1 - cost() / all_strong_usd) : 0; }
};

std::expected<Totals, Error> count(const std::vector<std::string>& rows) {
  Totals sum;
  for (const std::string& line : rows) {
    TRY_ASSIGN(const json::Document document, json::Document::parse(line));
    const json::Value row = document.root();
    const double weak = row["weak_usd"].as_double().value_or(0);
    ++sum.rows;
    sum.weak_usd += weak;
    sum.strong_usd += row["strong_usd"].as_double().value_or(0);
    sum.all_strong_usd += row["all_strong_usd"].as_double().value_or(0);
    if (row["escalated"].as_bool().value_or(false)) {
      ++sum.escalated;
      sum.discarded_usd += weak;
    }
    const auto confidence = row["weak_confidence"].as_double();
    const auto right = row["weak_correct"].as_bool();
    if (!confidence || !right) continue;
    sum.known.confidence.push_back(*confidence);
    sum.known.weak.push_back(*right ? 1 : 0);
  }
  return sum;
}

std::string levels_text(const eval::CascadeFit& fit) {
  std::string out = "confidence      queries  right   accuracy  at least (one-sided)\n";
  for (const eval::ConfidenceLevel& level : fit.levels)
    out += fmt::format("{:.3f} to {:.3f}  {:>7}  {:>5}  {:>8.3f}  {:>8.3f}\n", level.low,
                       level.high, level.queries, level.right,
                       static_cast<double>(level.right) / static_cast<double>(level.queries),
                       level.lower_bound);
  return out;
}

std::expected<void, Error> write_router(const CascadeCommand& command,
                                        const gateway::Cascade& cascade,
                                        const eval::CascadeFit& fit,
                                        const std::vector<std::string>& rows) {
  model::RouterFile file;
  file.kind = model::Kind::kCascade;
  file.trained = true;
  file.feature_spec = text::kFeatureSpec;
  file.models = {"weak", "strong"};
  file.threshold = fit.escalate_below;
  file.threshold_origin = fmt::format("accuracy {} at 95 % confidence", command.fit.target);
  file.cut_time = format_rfc3339(SystemClock::instance().unix_us());
  std::string data, signals;
  for (const std::string& row : rows)
    data += row;
  model::Calibration calibration;
  calibration.map = fit.map;
  calibration.fit_rows = fit.queries;  // all of them: nothing was held out
  calibration.time = file.cut_time;
  calibration.data_hash = to_hex(sha256(data));
  file.calibration = std::move(calibration);
  for (const Signal signal : cascade.signals)
    signals += fmt::format("{}{}", signals.empty() ? "" : " ", signal_info(signal).name);
  file.settings[std::string(gateway::cascade_section::kSignals)] = signals;
  if (!command.cascade.checker.empty())
    file.settings[std::string(gateway::cascade_section::kChecker)] = command.cascade.checker;
  TRY_ASSIGN(const std::string bytes, model::encode_router_file(file));
  return write_file(command.fit_out, bytes);
}

std::expected<void, Error> fit_and_write(const CascadeCommand& command,
                                         const gateway::Cascade& cascade, const Totals& sum,
                                         const std::vector<std::string>& rows) {
  const auto right = std::ranges::count(sum.known.weak, 1.0);
  if (sum.known.size() < 30 || right == 0 || right == std::ssize(sum.known.weak))
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} answers could be checked, {} of them right: a fit needs 30 (better "
                            "200) with `reference`, right and wrong ones",
                            sum.known.size(), right));
  const eval::CascadeFit fit = eval::fit_cascade(sum.known, command.fit);
  TRY(write_output(levels_text(fit)));
  if (!fit.reached)
    return fail(ErrorCode::kUnsupported,
                fmt::format("no level of confidence is right in {} of its answers for sure, so "
                            "everything would escalate: nothing is written. Lower --target, bring "
                            "more queries, or do not use a cascade here",
                            command.fit.target));
  TRY(write_router(command, cascade, fit, rows));
  return write_output(fmt::format("accepted from {:.4f} on (map: {}), written to {}\n",
                                  fit.escalate_below, fit.map_form, command.fit_out));
}

std::expected<gateway::Cascade, Error> cascade_of(const CascadeCommand& command) {
  std::optional<model::RouterFile> file;
  if (!command.router.empty()) {
    TRY_ASSIGN(const std::string bytes, read_file(command.router, model::kRouterFileLimit));
    TRY_ASSIGN(file, model::parse_router_file(bytes));
    if (file->kind != model::Kind::kCascade)
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("{} is no router of kind cascade", command.router));
  }
  TRY_ASSIGN(gateway::Cascade cascade,
             gateway::make_cascade(command.cascade, file ? &*file : nullptr));
  if (cascade.needs(quality::SignalNeeds::kLogprobs) ||
      cascade.needs(quality::SignalNeeds::kSamples))
    return fail(ErrorCode::kUnsupported,
                "offline only the signals stated, refusal, empty, format, uncertainty and checker "
                "are read; token probabilities and samples are read by weir serve");
  return cascade;
}

std::string summary_json(const Totals& sum, const label::JobEnd& end) {
  json::Writer out;
  out.begin_object();
  write_end(end, out);
  out.member("queries", sum.rows).member("escalation_rate", sum.rate());
  out.member("expected_cost_usd", sum.cost()).member("all_strong_cost_usd", sum.all_strong_usd);
  out.member("savings_percent", sum.savings()).member("discarded_usd", sum.discarded_usd);
  return out.end_object().take() + "\n";
}

// As if everything escalated: the rate is what the run is to find.
Forecast forecast(const CascadeCommand& command, const Models& models,
                  const std::vector<label::Query>& queries) {
  const CallOptions& call = command.call;
  const auto n = static_cast<double>(queries.size());
  const double query = mean_query_tokens(queries);
  Forecast result{.parts = {}, .queries = queries.size()};
  result.parts.push_back(
      {"weak answers", &models.weak, n, query, call.answer_tokens, call.max_tokens});
  if (command.fit_out.empty())
    result.parts.push_back(
        {"strong answers", &models.strong, n, query, call.answer_tokens, call.max_tokens});
  return result;
}

std::expected<int, Error> cascade(const CascadeCommand& command) {
  const CallOptions& call = command.call;
  TRY_ASSIGN(const gateway::Cascade made, cascade_of(command));
  TRY_ASSIGN(quality::Checker right_by, quality::Checker::parse(command.right_by));
  TRY_ASSIGN(const Providers providers, Providers::open(call));
  Models models;
  TRY_ASSIGN(models.weak, providers.weak(call));
  TRY_ASSIGN(models.strong, providers.strong(call));
  TRY_ASSIGN(const std::vector<label::Query> queries, read_sample(call));
  if (call.dry_run) {
    TRY(print_forecast(forecast(command, models, queries), call));
    return 0;
  }
  TRY_ASSIGN(label::JobOptions job,
             job_options("cascade", call, providers, {&models.weak, &models.strong}));
  const Work work(command, models, made, std::move(right_by));
  job.settings = work.settings();
  job.most_nanousd = [&](const label::Query& query) { return work.most_nanousd(query); };
  TRY_ASSIGN(label::RowLog log, label::RowLog::open(call.out));
  TRY_ASSIGN(
      const label::JobResult result,
      label::run_job(job, queries, log,
                     [&](label::Caller& caller, const label::Query& query, label::Spend& spend) {
                       return work.answer(caller, query, spend);
                     }));
  TRY_ASSIGN(const Totals sum, count(result.rows));
  if (!command.fit_out.empty()) {
    TRY(fit_and_write(command, made, sum, result.rows));
    return end_status(result.end);
  }
  TRY(write_output(
      call.json ? summary_json(sum, result.end)
                : describe_end(result.end, call) +
                      fmt::format("{} queries, escalated {:.1f} %: cost ${:.6f} (of it discarded "
                                  "${:.6f}), all strong ${:.6f} (modelled), saved {:.1f} %\n",
                                  sum.rows, 100 * sum.rate(), sum.cost(), sum.discarded_usd,
                                  sum.all_strong_usd, sum.savings())));
  return end_status(result.end);
}

}  // namespace

int run_cascade(Arguments arguments) {
  CascadeCommand command;
  CLI::App app("Answers queries weak first, or finds a cascade's thresholds: docs/cascades.md",
               "weir cascade");
  add_call_options(app, command.call);
  app.add_option("--sample", command.call.sample, "queries taken at random")->capture_default_str();
  app.add_option("--strong", command.call.strong,
                 "the strong model, provider/model (default: the first route's)");
  app.add_option("--router", command.router, "file of kind cascade");
  app.add_option("--signals", command.cascade.signals,
                 "instead of stated,refusal,empty,uncertainty")
      ->delimiter(',');
  app.add_option("--escalate-below", command.cascade.escalate_below, "confidence (default 0.7)")
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--give-up-below", command.cascade.give_up_below, "confidence (default 0)")
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--checker", command.cascade.checker, "of the signal checker");
  app.add_option("--fit", command.fit_out,
                 "ask weak only, compare with `reference`, and write a router file");
  app.add_option("--target", command.fit.target, "of --fit: accuracy of what is accepted")
      ->check(CLI::Range(0.01, 0.999))
      ->capture_default_str();
  app.add_option("--right-by", command.right_by, "of --fit: checker against `reference`")
      ->capture_default_str();
  if (const auto parsed = parse_arguments(app, arguments); !parsed) return parsed.error();
  block_end_signals();
  const auto status = cascade(command);
  if (!status) return exit_status(std::unexpected(status.error()));
  return *status != 0 ? *status : exit_status({});
}

}  // namespace weir::apps
