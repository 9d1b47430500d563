#include "eval/bench_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "base/json.h"

namespace weir::eval {
namespace {

std::string with_interval(const Figure& figure, int digits) {
  if (!std::isfinite(figure.mean)) return "-";
  std::string text = fmt::format("{:.{}f}", figure.mean, digits);
  if (figure.ci95)
    text += fmt::format(" [{:.{}f}, {:.{}f}]", figure.ci95->low, digits, figure.ci95->high, digits);
  return text;
}

std::string heading(const BenchTable& table) {
  const std::string_view what =
      table.setting.split == Split::kTasks ? ", on tasks that no label is of" : "";
  if (table.setting.labels == 0)
    return fmt::format("{}, nothing trained, {:.0f} queries", table.benchmark, table.measured_rows);
  return fmt::format("{}, {} labels{}, {} repeats, {:.0f} queries measured", table.benchmark,
                     table.setting.labels, what, table.repeats, table.measured_rows);
}

void write_table(const BenchTable& table, std::string& out) {
  const auto put = std::back_inserter(out);
  fmt::format_to(put, "### {}\n\nQuality of weak {:.4f}, of strong {:.4f}.\n\n", heading(table),
                 table.weak_quality, table.strong_quality);
  out +=
      "| router | APGR, 11 edges | CPT50 | CPT80 | APGR, every cut | x cheaper at 95 % | and <= 5 "
      "% "
      "worse | limit | fit, s |\n|---|---|---|---|---|---|---|---|--:|\n";
  for (const BenchRow& row : table.rows) {
    const double bound = row.bound_by_worse_share;
    fmt::format_to(
        put, "| {} | {} | {} | {} | {} | {} | {} | {} | {} |\n", row.name,
        with_interval(row.apgr, 3), with_interval(row.cpt50, 1), with_interval(row.cpt80, 1),
        with_interval(row.full_apgr, 3), with_interval(row.keep_multiplier, 2),
        with_interval(row.keep_and_worse_multiplier, 2), bound > 0.5 ? "max_worse" : "keep",
        row.fit_seconds > 0 ? fmt::format("{:.2f}", row.fit_seconds) : "");
  }
  for (const Published& row : published_rows(table.benchmark))
    fmt::format_to(put, "| RouteLLM {}, published | {:.3f} | {:.1f} | {:.1f} | | | | | |\n",
                   row.router, row.apgr, row.cpt50, row.cpt80);
  out += '\n';
}

void write_figure(json::Writer& out, std::string_view key, const Figure& figure) {
  out.key(key).begin_object().member("mean", figure.mean).key("ci95");
  if (figure.ci95)
    out.begin_array().value(figure.ci95->low).value(figure.ci95->high).end_array();
  else
    out.null();
  out.end_object();
}

void write_row(json::Writer& out, const BenchRow& row) {
  out.begin_object().member("router", row.name);
  write_figure(out, "apgr", row.apgr);
  write_figure(out, "cpt50", row.cpt50);
  write_figure(out, "cpt80", row.cpt80);
  write_figure(out, "apgr_full_resolution", row.full_apgr);
  write_figure(out, "cost_multiplier_keep_95", row.keep_multiplier);
  write_figure(out, "cost_multiplier_keep_95_max_worse_5", row.keep_and_worse_multiplier);
  out.member("bound_by_max_worse_share", row.bound_by_worse_share);
  out.member("fit_seconds", row.fit_seconds).end_object();
}

}  // namespace

std::string bench_markdown(std::span<const BenchTable> tables, const BenchOptions& options) {
  std::string out = fmt::format(
      "Figures are means over repeated splits (seed {}); 95 % intervals over splits and resampled "
      "rows together. APGR with 11 quantile edges and CPT (in % of calls to strong) follow "
      "RouteLLM's code, \"every cut\" spreads ties evenly. \"x cheaper\": cost of all-strong over "
      "that of routing at the best cut that keeps 95 % of strong's quality, then with at most 5 % "
      "of the answers worse, too, and which of the two limits binds; cost of a call: strong ${:g}, "
      "weak ${:g}, router ${:g}. RouteLLM's published rows are of the full benchmarks and trained "
      "on other data.\n\n",
      options.seed, options.costs.strong_usd, options.costs.weak_usd, options.costs.router_usd);
  for (const BenchTable& table : tables)
    write_table(table, out);
  return out;
}

std::string bench_json(std::span<const BenchTable> tables, const BenchOptions& options) {
  json::Writer out;
  out.begin_object().member("seed", options.seed);
  out.key("costs_usd").begin_object().member("weak", options.costs.weak_usd);
  out.member("strong", options.costs.strong_usd).member("router", options.costs.router_usd);
  out.end_object().key("tables").begin_array();
  for (const BenchTable& table : tables) {
    out.begin_object().member("benchmark", table.benchmark);
    out.member("split", table.setting.split == Split::kTasks ? "tasks" : "rows");
    out.member("labels", static_cast<uint64_t>(table.setting.labels));
    out.member("repeats", static_cast<uint64_t>(table.repeats));
    out.member("measured_rows", table.measured_rows);
    out.member("weak_quality", table.weak_quality).member("strong_quality", table.strong_quality);
    out.key("routers").begin_array();
    for (const BenchRow& row : table.rows)
      write_row(out, row);
    out.end_array().key("published").begin_array();
    for (const Published& row : published_rows(table.benchmark)) {
      out.begin_object().member("router", row.router).member("apgr", row.apgr);
      out.member("cpt50", row.cpt50).member("cpt80", row.cpt80).end_object();
    }
    out.end_array().end_object();
  }
  out.end_array().end_object();
  return out.take();
}

Chart bench_curves(const BenchTable& table) {
  Chart chart{.title = heading(table),
              .x = {.label = "calls to the strong model, %"},
              .y = {.label = "quality, %"}};
  for (const BenchRow& row : table.rows) {
    Series series{.name = row.name, .mark = row.fit_seconds > 0 ? Mark::kLine : Mark::kDashed};
    for (const auto& [share, quality] : row.curve)
      series.points.emplace_back(100 * share, 100 * quality);
    chart.series.push_back(std::move(series));
  }
  return chart;
}

Chart bench_learning(std::span<const BenchTable> tables) {
  Chart chart{.title = tables.empty() ? "" : fmt::format("{}: APGR by labels", tables[0].benchmark),
              .x = {.label = "labels", .scale = AxisScale::kLog10},
              .y = {.label = "APGR, 11 edges"}};
  for (const BenchTable& table : tables) {
    if (table.setting.split != Split::kRows || table.setting.labels == 0) continue;
    const auto labels = static_cast<double>(table.setting.labels);
    for (const BenchRow& row : table.rows) {
      if (row.name == "oracle" || row.name == "random") continue;
      auto at = std::ranges::find(chart.series, row.name, &Series::name);
      if (at == chart.series.end()) {
        chart.series.push_back({.name = row.name, .mark = Mark::kDotsAndLine});
        at = std::prev(chart.series.end());
      }
      at->points.emplace_back(labels, row.apgr.mean);
      if (row.apgr.ci95) at->bars.emplace_back(row.apgr.ci95->low, row.apgr.ci95->high);
    }
  }
  return chart;
}

}  // namespace weir::eval
