// Calibration of routers that give one score: split, map, thresholds, report, file.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "apps/calibrate_handlers.h"
#include "apps/output.h"
#include "apps/scored_data.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/files.h"
#include "base/json.h"
#include "eval/calibration_report.h"
#include "model/query_hash.h"
#include "train/calibration.h"
#include "train/trainer.h"

namespace weir::apps {
namespace {

constexpr size_t kFewestRows = 40;
constexpr size_t kBins = 10;
// Ten folds by query: the first five fit and choose the map, the others measure it and set
// thresholds, so that no query does both.
constexpr uint32_t kFolds = 2 * train::kMapFolds;

struct Parts {
  train::ScoredLabels fit;
  std::vector<uint32_t> fit_folds;
  std::vector<size_t> held_out;  // indexes of rows
};

Parts split(const std::vector<train::LabelledRow>& rows, const ScoredData& data, int64_t seed) {
  const auto folds = train::assign_folds(data.words, kFolds, seed);
  Parts parts;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (folds[i] >= train::kMapFolds) {
      parts.held_out.push_back(i);
    } else if (data.scores[i].judged) {
      parts.fit.scores.push_back(data.scores[i].raw);
      parts.fit.labels.push_back(rows[i].label);
      parts.fit_folds.push_back(folds[i]);
    }
  }
  return parts;
}

// Of what the figures rest on: every row's query and results, in order.
std::string hash_rows(const std::vector<train::LabelledRow>& rows, const ScoredData& data) {
  std::string text;
  for (size_t i = 0; i < rows.size(); ++i)
    text += fmt::format("{:016x} {} {} {}\n", model::query_hash(data.words[i]), rows[i].label,
                        rows[i].weak_score, rows[i].strong_score);
  return to_hex(sha256(text));
}

std::expected<model::CalibrationMap, Error> pick_map(const train::MapChoice& choice,
                                                     const std::string& wanted) {
  if (wanted == "auto") return choice.map();
  for (const train::MapCandidate& candidate : choice.candidates) {
    if (to_string(candidate.map.form) != wanted) continue;
    if (candidate.tried) return candidate.map;
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("--map {}: {}", wanted, candidate.why_not));
  }
  return fail(ErrorCode::kInvalidArgument, fmt::format("--map {}: there is no such map", wanted));
}

// How well raw and mapped scores tell what happened on the held-out rows.
void measure_map(const std::vector<train::LabelledRow>& rows, const ScoredData& data,
                 const Parts& parts, eval::CalibrationReport& report) {
  model::Calibration& calibration = report.calibration;
  std::vector<double> raw, mapped;
  std::vector<int> labels;
  for (const size_t i : parts.held_out) {
    if (!data.scores[i].judged) continue;
    raw.push_back(data.scores[i].raw);
    mapped.push_back(calibration.map.apply(data.scores[i].raw));
    labels.push_back(rows[i].label);
  }
  calibration.held_out_rows = static_cast<int64_t>(parts.held_out.size());
  calibration.ece_bins = kBins;
  if (labels.empty()) return;
  report.before = stats::reliability_bins(raw, labels, kBins);
  report.after = stats::reliability_bins(mapped, labels, kBins);
  calibration.log_loss_before = stats::log_loss(raw, labels);
  calibration.log_loss_after = stats::log_loss(mapped, labels);
  calibration.ece_before = stats::expected_calibration_error(report.before);
  calibration.ece_after = stats::expected_calibration_error(report.after);
}

eval::JudgedRows judged_rows(const std::vector<train::LabelledRow>& rows, const ScoredData& data,
                             const Parts& parts, const model::CalibrationMap& map) {
  eval::JudgedRows judged;
  for (const size_t i : parts.held_out) {
    const model::Score& score = data.scores[i];
    judged.score.push_back(score.judged ? map.apply(score.raw) : 1);
    judged.weak.push_back(rows[i].weak_score);
    judged.strong.push_back(rows[i].strong_score);
    judged.label.push_back(rows[i].label);
  }
  return judged;
}

// The threshold that decides as the old one did: the least raw score that was strong, mapped.
double carry_over(const model::RouterFile& file, const model::CalibrationMap& map) {
  if (!file.calibration) return map.apply(file.threshold);
  double low = 0, high = 1;
  for (int step = 0; step < 100; ++step) {
    const double middle = (low + high) / 2;
    (file.calibration->map.apply(middle) >= file.threshold ? high : low) = middle;
  }
  return map.apply(high);
}

void set_thresholds(const eval::JudgedRows& judged, const CalibrateOptions& options,
                    eval::CalibrationReport& report, model::RouterFile& file) {
  const eval::CallCosts costs = report.costs.value_or(eval::CallCosts{});
  Progress progress("thresholds", options.aims.size(), options.progress());
  file.thresholds.clear();
  const auto rows = static_cast<int64_t>(judged.size());
  for (const eval::ThresholdAim& aim : options.aims) {
    report.thresholds.push_back(eval::measure_threshold(judged, aim, costs, options.seed));
    const eval::FoundThreshold& found = report.thresholds.back();
    file.thresholds.push_back({.rule = to_string(aim),
                               .value = found.threshold,
                               .strong_share = found.effect.strong_share,
                               .rows = rows,
                               .time = report.calibration.time,
                               .data_hash = report.calibration.data_hash});
    progress.advance();
  }
  if (file.thresholds.empty()) {
    file.threshold = carry_over(file, report.calibration.map);
  } else {
    const auto lowest =
        std::ranges::min_element(file.thresholds, {}, &model::StoredThreshold::value);
    file.threshold = lowest->value;
    file.threshold_origin = fmt::format("{} ({} held-out rows)", lowest->rule, rows);
  }
  report.threshold = file.threshold;
  report.threshold_origin = file.threshold_origin;
}

std::expected<void, Error> write_scores(const std::string& path,
                                        const std::vector<train::LabelledRow>& rows,
                                        const ScoredData& data, const Parts& parts,
                                        const model::CalibrationMap& map) {
  std::string text;
  size_t next = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    const bool held_out = next < parts.held_out.size() && parts.held_out[next] == i;
    next += held_out ? 1 : 0;
    const model::Score& score = data.scores[i];
    json::Writer out;
    out.begin_object().member("query", rows[i].query).member("part", held_out ? "held_out" : "fit");
    out.member("judged", score.judged).member("raw", score.raw);
    out.member("calibrated", score.judged ? map.apply(score.raw) : 1)
        .member("label", rows[i].label);
    out.end_object();
    text += out.take() + "\n";
  }
  return write_file(path, text);
}

// Leaves out what the router was trained on: a threshold that was found there says nothing.
int64_t remove_trained(const model::Router& router, std::vector<train::LabelledRow>& rows) {
  const auto gone = std::erase_if(rows, [&](const train::LabelledRow& row) {
    return router.was_trained_on(train::scored_words(row.query));
  });
  if (gone > 0) {
    fmt::print(stderr,
               "weir: {} rows are left out: the router was trained on them, so that they cannot "
               "tell how it does on new queries\n",
               gone);
  }
  return static_cast<int64_t>(gone);
}

std::expected<void, Error> check_rows(const std::vector<train::LabelledRow>& rows,
                                      const Parts& parts) {
  if (rows.size() >= kFewestRows && parts.held_out.size() >= kFewestRows / 4) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("{} usable rows are too few to calibrate on: label at least {}, better "
                          "1,000 or more",
                          rows.size(), kFewestRows));
}

std::expected<void, Error> write_results(const CalibrateOptions& options,
                                         const model::RouterFile& file,
                                         eval::CalibrationReport& report) {
  if (!options.plot.empty()) TRY(write_file(options.plot, to_svg(sweep_chart(report))));
  if (!options.reliability_plot.empty())
    TRY(write_file(options.reliability_plot, to_svg(reliability_chart(report))));
  if (!options.dry_run) {
    TRY_ASSIGN(const std::string bytes, encode_router_file(file));
    TRY(write_file(options.written_to(), bytes));
    report.out = options.written_to();
  }
  return write_output(options.json ? to_json(report) : to_text(report));
}

}  // namespace

std::expected<void, Error> calibrate_scores(const CalibrateOptions& options,
                                            const model::Router& router) {
  TRY_ASSIGN(train::LabelledRows labelled, read_data(options.data, train::Labels::kRequired));
  std::vector<train::LabelledRow>& rows = labelled.rows;
  eval::CalibrationReport report{.router = router.describe()};
  report.rows = static_cast<int64_t>(rows.size());
  report.trained_rows = remove_trained(router, rows);
  TRY_ASSIGN(const ScoredData data, score_rows(router, rows, options.progress()));
  report.unjudged_rows = std::ranges::count(data.scores, false, &model::Score::judged);
  const Parts parts = split(rows, data, static_cast<int64_t>(options.seed));
  TRY(check_rows(rows, parts));
  TRY_ASSIGN(report.costs,
             read_costs(options.costs, options.data.weak, options.data.strong, mean_tokens(rows)));
  report.choice = train::choose_map(parts.fit, parts.fit_folds);
  TRY_ASSIGN(report.calibration.map, pick_map(report.choice, options.map));
  report.calibration.fit_rows = static_cast<int64_t>(parts.fit.size());
  report.calibration.seed = static_cast<int64_t>(options.seed);
  report.calibration.time = format_rfc3339(SystemClock::instance().unix_us());
  report.calibration.data_hash = hash_rows(rows, data);
  measure_map(rows, data, parts, report);

  model::RouterFile file = router.file();
  const eval::JudgedRows judged = judged_rows(rows, data, parts, report.calibration.map);
  set_thresholds(judged, options, report, file);
  file.calibration = report.calibration;
  report.acceptable_gap = options.acceptable_gap;
  report.sweep = eval::sweep(judged, options.acceptable_gap, report.costs);
  report.transfer = transfer_of(router, data);
  if (!options.scores.empty())
    TRY(write_scores(options.scores, rows, data, parts, report.calibration.map));
  return write_results(options, file, report);
}

}  // namespace weir::apps
