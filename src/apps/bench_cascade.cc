// weir bench cascade: cascades on recorded confidences.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/bench.h"
#include "apps/output.h"
#include "base/files.h"
#include "base/json.h"
#include "eval/cascade.h"
#include "eval/chart.h"

namespace weir::apps {
namespace {

struct Pair {
  std::string_view file, field, weak, strong, signal;
};
constexpr std::string_view kMsp = "msp_no_text.public.jsonl.gz";
constexpr std::string_view kVerbal = "verbal_conf.public.jsonl.gz";
constexpr std::array kPairs{
    Pair{kMsp, "confidence", "Mixtral", "gpt-4-turbo", "token probability"},
    Pair{kMsp, "confidence", "gpt-3.5-turbo", "gpt-4-turbo", "token probability"},
    Pair{kMsp, "confidence", "Llama3-8b", "Llama3-70b", "token probability"},
    Pair{kVerbal, "token_confidence", "Meta-Llama-3.1-8B-Instruct", "Meta-Llama-3.1-70B-Instruct",
         "token probability"},
    Pair{kVerbal, "confidence", "Meta-Llama-3.1-8B-Instruct", "Meta-Llama-3.1-70B-Instruct",
         "stated"},
    Pair{kVerbal, "confidence", "claude-3-haiku-20240307", "claude-sonnet-4-20250514", "stated"}};

struct Studied {
  Pair pair;
  eval::CascadeFigures figures;
};

std::expected<eval::CascadeRows, Error> read_rows(std::string_view text, const Pair& pair) {
  eval::CascadeRows rows;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty()) continue;
    TRY_ASSIGN(const json::Document row, json::Document::parse(std::move(line)));
    const auto weak = row.root()["scores"][pair.weak].as_double();
    const auto strong = row.root()["scores"][pair.strong].as_double();
    const auto confidence = row.root()[pair.field][pair.weak].as_double();
    if (!weak || !strong || !confidence) continue;
    rows.weak.push_back(*weak);
    rows.strong.push_back(*strong);
    rows.confidence.push_back(*confidence);
  }
  if (rows.size() < 20)
    return fail(ErrorCode::kInvalidArgument, fmt::format("{}: fewer than 20 rows with {} of {}",
                                                         pair.file, pair.field, pair.weak));
  return rows;
}

std::string number(std::optional<double> value, int digits = 3) {
  return value ? fmt::format("{:.{}f}", *value, digits) : "-";
}

std::string to_markdown(const std::vector<Studied>& all, const eval::CascadeStudyOptions& options) {
  std::string out = fmt::format(
      "| weak, strong | signal | queries | weak, strong quality | AUROC weak right | AUROC strong "
      "better | APGR (95 %) | escalated at 95 % of strong | cost / all strong there (price ratio "
      "{}) | ECE before, after | map |\n|---|---|--:|--:|--:|--:|--:|--:|--:|--:|---|\n",
      options.price_ratio);
  for (const auto& [pair, f] : all)
    out += fmt::format(
        "| {}, {} | {} | {} | {:.3f}, {:.3f} | {} | {} | {:.3f} ({}, {}) | {:.1f} % | {:.2f}x less "
        "| {:.3f}, {:.3f} | {} |\n",
        pair.weak, pair.strong, pair.signal, f.rows, f.weak_quality, f.strong_quality,
        number(f.auroc_weak_right), number(f.auroc_strong_better), f.summary.apgr,
        number(f.apgr ? std::optional(f.apgr->low) : std::nullopt),
        number(f.apgr ? std::optional(f.apgr->high) : std::nullopt), 100 * f.rate_at_95,
        f.multiplier_at_95, f.ece_before, f.ece_after, f.map_form);
  return out;
}

void write_bins(std::string_view key, const std::vector<stats::ReliabilityBin>& bins,
                json::Writer& out) {
  out.key(key).begin_array();
  for (const stats::ReliabilityBin& bin : bins) {
    out.begin_object().member("rows", bin.rows).member("said", bin.mean_prob);
    out.member("happened", bin.mean_outcome).end_object();
  }
  out.end_array();
}

std::string to_json(const std::vector<Studied>& all, const eval::CascadeStudyOptions& options) {
  json::Writer out;
  out.begin_object().member("seed", options.seed).member("price_ratio", options.price_ratio);
  out.member("repeats", options.repeats).key("pairs").begin_array();
  for (const auto& [pair, f] : all) {
    out.begin_object().member("weak", pair.weak).member("strong", pair.strong);
    out.member("file", pair.file).member("signal", pair.signal).member("queries", f.rows);
    out.member("weak_quality", f.weak_quality).member("strong_quality", f.strong_quality);
    for (const auto& [key, value] : {std::pair("auroc_weak_right", f.auroc_weak_right),
                                     std::pair("auroc_strong_better", f.auroc_strong_better)})
      value ? out.member(key, *value) : out.key(key).null();
    out.member("apgr", f.summary.apgr).key("apgr_ci95").begin_array();
    if (f.apgr) out.value(f.apgr->low).value(f.apgr->high);
    out.end_array().member("cpt50", f.summary.cpt50).member("cpt80", f.summary.cpt80);
    out.member("escalation_rate_at_95", f.rate_at_95);
    out.member("cost_multiplier_at_95", f.multiplier_at_95);
    out.member("ece_before", f.ece_before).member("ece_after", f.ece_after);
    out.member("log_loss_before", f.log_loss_before).member("log_loss_after", f.log_loss_after);
    out.member("map", f.map_form);
    write_bins("reliability_before", f.reliability_before, out);
    write_bins("reliability_after", f.reliability_after, out);
    out.end_object();
  }
  out.end_array().end_object();
  return out.take() + "\n";
}

std::string curves_svg(const std::vector<Studied>& all) {
  eval::Chart chart;
  chart.title = "Cascades on recorded confidences";
  chart.x = {.label = "escalation rate", .low = 0.0, .high = 1.0};
  chart.y = {.label = "share of the quality gap recovered"};
  for (const auto& [pair, f] : all) {
    eval::Series series{.name = fmt::format("{}, {}", pair.weak, pair.signal)};
    const double gap = f.strong_quality - f.weak_quality;
    const size_t step = std::max<size_t>(1, f.curve.size() / 300);
    for (size_t i = 0; i < f.curve.size(); i += step)
      series.points.emplace_back(f.curve[i].strong_share,
                                 (f.curve[i].quality - f.weak_quality) / gap);
    chart.series.push_back(std::move(series));
  }
  chart.note = "straight line from 0 to 1: escalating at random";
  return eval::to_svg(chart);
}

std::string reliability_svg(const std::vector<Studied>& all) {
  eval::Chart chart;
  chart.title = "Stated and token confidence of the weak model, before and after calibration";
  chart.x = {.label = "confidence", .low = 0.0, .high = 1.0};
  chart.y = {.label = "share of right answers", .low = 0.0, .high = 1.0};
  chart.series.push_back(
      {.name = "calibrated", .mark = eval::Mark::kDashed, .points = {{0, 0}, {1, 1}}});
  for (const size_t index : {size_t{0}, all.size() - 2}) {
    const auto& [pair, f] = all[index];
    for (const auto& [when, bins] :
         {std::pair("before", &f.reliability_before), std::pair("after", &f.reliability_after)}) {
      eval::Series series{.name = fmt::format("{}, {}, {}", pair.weak, pair.signal, when),
                          .mark = eval::Mark::kDotsAndLine};
      for (const stats::ReliabilityBin& bin : *bins)
        series.points.emplace_back(bin.mean_prob, bin.mean_outcome);
      chart.series.push_back(std::move(series));
    }
  }
  chart.note = "held-out half of the last repeat, bins of equal count";
  return eval::to_svg(chart);
}

std::expected<std::vector<Studied>, Error> study_all(const std::filesystem::path& folder,
                                                     const eval::CascadeStudyOptions& options) {
  std::vector<Studied> all;
  std::string_view name;
  std::string text;
  for (const Pair& pair : kPairs) {
    if (pair.file != name) {
      TRY_ASSIGN(text, read_maybe_gzip(folder / "cascade" / pair.file));
      name = pair.file;
    }
    TRY_ASSIGN(const eval::CascadeRows rows, read_rows(text, pair));
    all.push_back({pair, eval::study_cascade(rows, options)});
  }
  return all;
}

std::string default_data() {
  const char* shared = std::getenv("WEIR_SHARED");
  return std::string(shared == nullptr ? "../shared" : shared) + "/data";
}

}  // namespace

int bench_cascade(Arguments arguments) {
  eval::CascadeStudyOptions options;
  std::string data = default_data(), out;
  bool json = false;
  CLI::App app("Cascades on recorded confidences of the evaluation data: docs/cascades.md",
               "weir bench cascade");
  app.add_option("--data", data, "folder of the evaluation data")->capture_default_str();
  app.add_option("--seed", options.seed, "of splits and resamples")->capture_default_str();
  app.add_option("--repeats", options.repeats, "splits of the calibration")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--price-ratio", options.price_ratio, "price of a strong call in weak calls")
      ->check(CLI::Range(1.0, 1e6))
      ->capture_default_str();
  app.add_option("--out", out, "folder for cascade.md, cascade.json and the pictures");
  app.add_flag("--json", json, "print JSON");
  if (const auto parsed = parse_arguments(app, arguments); !parsed) return parsed.error();
  const auto all = study_all(data, options);
  if (!all) return report_failure(all.error());
  if (!out.empty()) {
    const std::filesystem::path folder = out;
    for (const auto& [name, text] : {std::pair("cascade.md", to_markdown(*all, options)),
                                     std::pair("cascade.json", to_json(*all, options)),
                                     std::pair("cascade_curves.svg", curves_svg(*all)),
                                     std::pair("cascade_reliability.svg", reliability_svg(*all))})
      if (const auto written = write_file(folder / name, text); !written)
        return report_failure(written.error());
  }
  return exit_status(write_output(json ? to_json(*all, options) : to_markdown(*all, options)));
}

}  // namespace weir::apps
