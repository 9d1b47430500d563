#include "eval/calibration_report.h"

#include <fmt/format.h>

#include <cmath>
#include <iterator>
#include <string_view>

#include "base/json.h"

namespace weir::eval {
namespace {

using MaybeInterval = std::optional<stats::Interval>;

std::string percent(double share) {
  return std::isfinite(share) ? fmt::format("{:.1f} %", 100 * share) : "-";
}

std::string range(const MaybeInterval& interval) {
  if (!interval) return "";
  return fmt::format(" [{:.1f}, {:.1f}]", 100 * interval->low, 100 * interval->high);
}

std::string maps_text(const CalibrationReport& report) {
  std::string out =
      fmt::format("\nmap          log loss (5 folds of {} rows)\n", report.calibration.fit_rows);
  for (const train::MapCandidate& candidate : report.choice.candidates) {
    const bool chosen = candidate.map.form == report.calibration.map.form;
    out += fmt::format("{:<12} {}{}\n", to_string(candidate.map.form),
                       candidate.tried ? fmt::format("{:.5f}", candidate.log_loss)
                                       : "not tried: " + candidate.why_not,
                       chosen ? "  <- in force" : "");
  }
  const model::Calibration& c = report.calibration;
  out += fmt::format(
      "on {} other rows: log loss {:.5f} -> {:.5f}, ECE {:.4f} -> {:.4f} ({} bins of equal "
      "count)\n",
      c.held_out_rows, c.log_loss_before, c.log_loss_after, c.ece_before, c.ece_after, c.ece_bins);
  return out;
}

std::string threshold_text(const FoundThreshold& found) {
  const Effect& e = found.effect;
  std::string out =
      fmt::format("{:<24} threshold {:.6f}: {} to strong{}, recall {}{}\n", to_string(found.aim),
                  found.threshold, percent(e.strong_share), range(found.strong_share_ci95),
                  percent(e.recall), range(found.recall_ci95));
  out += fmt::format("{:<24} quality {:.4f} = {} of strong's{}, gap {:.2f} points, {} recovered\n",
                     "", e.quality, percent(e.quality_ratio), range(found.quality_ratio_ci95),
                     100 * e.gap, percent(e.gap_recovered));
  if (found.met_in_resamples)
    out += fmt::format("{:<24} met in {:.0f} % of resamples of these rows\n", "",
                       100 * *found.met_in_resamples);
  return out;
}

std::string sweep_text(const CalibrationReport& report) {
  std::string out = fmt::format(
      "\nweak share  threshold  quality  of strong's  gap, points [95 %]     recall  acceptable "
      "(gap <= {:g} points){}\n",
      100 * report.acceptable_gap, report.costs ? "  times cheaper" : "");
  for (const SweepRow& row : report.sweep) {
    const std::string gap = fmt::format("{:5.2f} [{:.2f}, {:.2f}]", 100 * row.effect.gap,
                                        100 * row.gap_ci95.low, 100 * row.gap_ci95.high);
    out += fmt::format("{:>10}  {:9.6f}  {:7.4f}  {:>11}  {:<22} {:>7}  {}",
                       percent(1 - row.effect.strong_share), row.threshold, row.effect.quality,
                       percent(row.effect.quality_ratio), gap, percent(row.effect.recall),
                       row.acceptable ? "yes" : "no");
    if (row.multiplier) out += fmt::format("{:>{}.2f}x", *row.multiplier, 38);
    out += '\n';
  }
  return out;
}

std::string advice(const CalibrationReport& report) {
  std::string out;
  const int64_t held_out = report.calibration.held_out_rows;
  if (held_out < 500)
    out += fmt::format(
        "{} held-out rows are few: with 500 to 1,000 (label twice as many) the intervals halve\n",
        held_out);
  if (report.out.empty()) return out + "nothing was written (--dry-run)\n";
  return out + fmt::format("wrote {}\nnext: weir serve with it, or weir route --router {} QUERY\n",
                           report.out, report.out);
}

void write_number(json::Writer& out, std::string_view key, double value) {
  out.key(key);
  std::isfinite(value) ? out.value(value) : out.null();
}

void write_interval(json::Writer& out, std::string_view key, const MaybeInterval& interval) {
  out.key(key);
  if (!interval) {
    out.null();
    return;
  }
  out.begin_array().value(interval->low).value(interval->high).end_array();
}

void write_effect(json::Writer& out, const Effect& effect) {
  out.member("strong_share", effect.strong_share).member("recall", effect.recall);
  out.member("quality", effect.quality).member("quality_ratio", effect.quality_ratio);
  out.member("gap", effect.gap);
  write_number(out, "gap_recovered", effect.gap_recovered);
}

void write_maps(json::Writer& out, const CalibrationReport& report) {
  const model::Calibration& c = report.calibration;
  out.key("calibration").begin_object().member("map", to_string(c.map.form));
  out.member("slope", c.map.slope).member("offset", c.map.offset);
  out.member("fit_rows", c.fit_rows).member("held_out_rows", c.held_out_rows);
  out.member("log_loss_before", c.log_loss_before).member("log_loss_after", c.log_loss_after);
  out.member("ece_before", c.ece_before).member("ece_after", c.ece_after);
  out.member("ece_bins", c.ece_bins).member("time", c.time);
  out.member("data_hash", c.data_hash).end_object().key("candidates").begin_array();
  for (const train::MapCandidate& candidate : report.choice.candidates) {
    out.begin_object().member("map", to_string(candidate.map.form));
    out.key("log_loss");
    candidate.tried ? out.value(candidate.log_loss) : out.null();
    if (!candidate.tried) out.member("why_not", candidate.why_not);
    out.end_object();
  }
  out.end_array();
}

void write_bins(json::Writer& out, std::string_view key,
                const std::vector<stats::ReliabilityBin>& bins) {
  out.key(key).begin_array();
  for (const stats::ReliabilityBin& bin : bins) {
    out.begin_object().member("rows", bin.rows).member("mean_prob", bin.mean_prob);
    out.member("mean_outcome", bin.mean_outcome);
    write_interval(out, "outcome_ci95", bin.outcome_ci95);
    out.end_object();
  }
  out.end_array();
}

void write_thresholds(json::Writer& out, const CalibrationReport& report) {
  out.key("thresholds").begin_array();
  for (const FoundThreshold& found : report.thresholds) {
    out.begin_object().member("rule", to_string(found.aim)).member("threshold", found.threshold);
    write_effect(out, found.effect);
    write_interval(out, "strong_share_ci95", found.strong_share_ci95);
    write_interval(out, "recall_ci95", found.recall_ci95);
    write_interval(out, "quality_ratio_ci95", found.quality_ratio_ci95);
    write_interval(out, "gap_ci95", found.gap_ci95);
    out.key("met_in_resamples");
    found.met_in_resamples ? out.value(*found.met_in_resamples) : out.null();
    out.end_object();
  }
  out.end_array();
}

void write_sweep(json::Writer& out, const CalibrationReport& report) {
  out.key("sweep").begin_array();
  for (const SweepRow& row : report.sweep) {
    out.begin_object().member("threshold", row.threshold);
    out.member("weak_share", 1 - row.effect.strong_share);
    write_effect(out, row.effect);
    write_interval(out, "gap_ci95", row.gap_ci95);
    out.member("acceptable", row.acceptable);
    if (row.multiplier) out.member("cost_reduction_multiplier", *row.multiplier);
    out.end_object();
  }
  out.end_array();
}

Series diagonal() {
  return {.name = "perfect", .mark = Mark::kDashed, .points = {{0, 0}, {1, 1}}, .colour = 4};
}

Series dots(std::string name, const std::vector<stats::ReliabilityBin>& bins, int colour) {
  Series series{.name = std::move(name), .mark = Mark::kDotsAndLine, .colour = colour};
  for (const stats::ReliabilityBin& bin : bins) {
    series.points.emplace_back(bin.mean_prob, bin.mean_outcome);
    series.bars.emplace_back(bin.outcome_ci95.low, bin.outcome_ci95.high);
  }
  return series;
}

}  // namespace

std::string to_text(const CalibrationReport& report) {
  std::string out = fmt::format("{}\n{} rows", report.router, report.rows);
  if (report.trained_rows > 0)
    out += fmt::format(", {} left out because the router was trained on them", report.trained_rows);
  if (report.unjudged_rows > 0)
    out += fmt::format(", {} that cannot be judged go to strong", report.unjudged_rows);
  out += '\n';
  out += maps_text(report);
  if (!report.thresholds.empty()) out += '\n';
  for (const FoundThreshold& found : report.thresholds)
    out += threshold_text(found);
  out += sweep_text(report);
  out += fmt::format("\nin force: strong where P(strong needed) >= {:.6f} ({})\n", report.threshold,
                     report.threshold_origin);
  out += to_text(report.transfer);
  return out + advice(report);
}

std::string to_json(const CalibrationReport& report) {
  json::Writer out;
  out.begin_object().member("router", report.router).member("rows", report.rows);
  out.member("trained_rows", report.trained_rows).member("unjudged_rows", report.unjudged_rows);
  write_maps(out, report);
  out.key("reliability").begin_object();
  write_bins(out, "before", report.before);
  write_bins(out, "after", report.after);
  out.end_object();
  write_thresholds(out, report);
  out.member("threshold", report.threshold).member("threshold_origin", report.threshold_origin);
  out.member("acceptable_gap", report.acceptable_gap);
  write_sweep(out, report);
  write_transfer(out, report.transfer);
  out.key("file");
  report.out.empty() ? out.null() : out.value(report.out);
  out.end_object();
  return out.take() + "\n";
}

Chart reliability_chart(const CalibrationReport& report) {
  const model::Calibration& c = report.calibration;
  return {.title = fmt::format("Reliability on {} held-out queries", c.held_out_rows),
          .x = {.label = "P(strong needed) as said", .low = 0, .high = 1},
          .y = {.label = "share where strong was needed", .low = 0, .high = 1},
          .series = {diagonal(),
                     dots(fmt::format("before, ECE {:.3f}", c.ece_before), report.before, 1),
                     dots(fmt::format("{}, ECE {:.3f}", to_string(c.map.form), c.ece_after),
                          report.after, 0)},
          .note = fmt::format("{} bins of equal count; bars: 95 % intervals", c.ece_bins)};
}

Chart sweep_chart(const CalibrationReport& report) {
  Series gap{.name = "routed", .mark = Mark::kDotsAndLine, .colour = 0};
  Series band{.name = "95 % interval", .mark = Mark::kBand, .colour = 0};
  for (const SweepRow& row : report.sweep) {
    const double weak = 100 * (1 - row.effect.strong_share);
    gap.points.emplace_back(weak, 100 * row.effect.gap);
    band.points.emplace_back(weak, 100 * row.gap_ci95.low);
    band.upper.emplace_back(weak, 100 * row.gap_ci95.high);
  }
  const double all_weak = report.sweep.empty() ? 0 : 100 * report.sweep.back().effect.gap;
  const double limit = 100 * report.acceptable_gap;
  return {.title = fmt::format("Quality given up, {} queries", report.calibration.held_out_rows),
          .x = {.label = "calls to the weak model, %", .low = 0, .high = 100},
          .y = {.label = "gap to all-strong, points"},
          .series = {band,
                     gap,
                     {.name = "at random",
                      .mark = Mark::kDashed,
                      .points = {{0, 0}, {100, all_weak}},
                      .colour = 4},
                     {.name = "acceptable",
                      .mark = Mark::kDashed,
                      .points = {{0, limit}, {100, limit}},
                      .colour = 5}},
          .note = "acceptable: under the line"};
}

}  // namespace weir::eval
