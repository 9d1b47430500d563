#include "eval/report.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <optional>
#include <string_view>

#include "base/json.h"

namespace weir::eval {
namespace {

using MaybeInterval = std::optional<stats::Interval>;

struct Named {
  std::string_view name;
  const Result& result;
};

std::array<Named, 4> contenders(const Evaluation& evaluation) {
  return {Named{"router", evaluation.router}, Named{"length", evaluation.length},
          Named{"random", evaluation.random}, Named{"oracle", evaluation.oracle}};
}

std::string with_interval(double value, const MaybeInterval& interval, int digits) {
  if (!std::isfinite(value)) return "-";
  std::string text = fmt::format("{:.{}f}", value, digits);
  if (interval)
    text += fmt::format(" [{:.{}f}, {:.{}f}]", interval->low, digits, interval->high, digits);
  return text;
}

std::string plain(double value, int digits) {
  return with_interval(value, std::nullopt, digits);
}

std::string edge_table(const Evaluation& evaluation) {
  std::string out =
      fmt::format("{:<8} {:<23} {:>6}  {:<22} {:<22}\n", "", "APGR", "CPT20", "CPT50", "CPT80");
  for (const auto& [name, r] : contenders(evaluation)) {
    out += fmt::format("{:<8} {:<23} {:>6}  {:<22} {:<22}\n", name,
                       with_interval(r.edges.apgr, r.apgr, 4), plain(r.edges.cpt20, 1),
                       with_interval(r.edges.cpt50, r.cpt50, 1),
                       with_interval(r.edges.cpt80, r.cpt80, 1));
  }
  return out;
}

std::string full_table(const Evaluation& evaluation) {
  std::string out =
      fmt::format("{:<8} {:<23} {:>6}  {:<22} {:<22}\n", "", "APGR", "CPT20", "CPT50", "CPT80");
  for (const auto& [name, r] : contenders(evaluation)) {
    out += fmt::format("{:<8} {:<23} {:>6}  {:<22} {:<22}\n", name, plain(r.full.apgr, 4),
                       plain(r.full.cpt20, 1), plain(r.full.cpt50, 1), plain(r.full.cpt80, 1));
  }
  return out;
}

std::string verdict(const Evaluation& evaluation) {
  const MaybeInterval& over = evaluation.apgr_over_length;
  if (!over) return "";
  const double difference = evaluation.router.edges.apgr - evaluation.length.edges.apgr;
  const std::string_view words = over->low > 0    ? "the router is better than length"
                                 : over->high < 0 ? "the router is worse than length"
                                                  : "no difference from length can be shown";
  return fmt::format("APGR over length: {:+.4f} [{:+.4f}, {:+.4f}]: {}\n", difference, over->low,
                     over->high, words);
}

void write_number(json::Writer& out, std::string_view key, double value) {
  out.key(key);
  std::isfinite(value) ? out.value(value) : out.null();
}

void write_summary(json::Writer& out, const Summary& summary) {
  write_number(out, "apgr", summary.apgr);
  write_number(out, "cpt20", summary.cpt20);
  write_number(out, "cpt50", summary.cpt50);
  write_number(out, "cpt80", summary.cpt80);
}

void write_interval(json::Writer& out, std::string_view key, const MaybeInterval& interval) {
  out.key(key);
  if (!interval) {
    out.null();
    return;
  }
  out.begin_array().value(interval->low).value(interval->high).end_array();
}

void write_result(json::Writer& out, const Evaluation& evaluation, const Result& result) {
  out.member("queries", evaluation.queries);
  write_number(out, "weak_quality", evaluation.weak_quality);
  write_number(out, "strong_quality", evaluation.strong_quality);
  write_summary(out, result.edges);
  out.key("ci95").begin_object();
  write_interval(out, "apgr", result.apgr);
  write_interval(out, "cpt50", result.cpt50);
  write_interval(out, "cpt80", result.cpt80);
  out.end_object().key("first_crossing").begin_object();
  write_summary(out, result.first_crossing);
  out.end_object().key("full_resolution").begin_object();
  write_summary(out, result.full);
  out.end_object().key("curve").begin_array();
  for (const Point& point : result.curve) {
    out.begin_object().member("threshold", point.threshold);
    out.member("strong_share", point.strong_share).member("quality", point.quality).end_object();
  }
  out.end_array();
}

std::string multiplier_text(std::string_view limits, const MultiplierResult& result) {
  std::string out =
      fmt::format("cost multiplier under {}: {:.2f}x", limits, result.best.multiplier);
  if (const MaybeInterval& i = result.multiplier_ci95)
    out += fmt::format(" [{:.2f}, {:.2f}]", i->low, i->high);
  return out + fmt::format(", {:.1f} % to strong; binding: {}\n", 100 * result.best.strong_share,
                           to_string(result.best.binding));
}

std::string costs_text(const CostFigures& costs) {
  return to_text(costs.input, costs.worth) + multiplier_text("keep 0.95", costs.keep) +
         multiplier_text("keep 0.95 and max_worse 0.05", costs.both);
}

void write_multiplier(json::Writer& out, std::string_view key, const MultiplierResult& result) {
  out.key(key).begin_object().member("multiplier", result.best.multiplier);
  write_interval(out, "multiplier_ci95", result.multiplier_ci95);
  out.member("strong_share", result.best.strong_share);
  out.member("quality_ratio", result.best.quality_ratio);
  out.member("worse_share", result.best.worse_share);
  out.member("binding", to_string(result.best.binding)).end_object();
}

void write_costs(json::Writer& out, const std::optional<CostFigures>& costs) {
  out.key("costs");
  if (!costs) {
    out.null();
    return;
  }
  out.begin_object().key("worth").raw(to_json(costs->input, costs->worth));
  write_multiplier(out, "keep", costs->keep);
  write_multiplier(out, "keep_and_max_worse", costs->both);
  out.end_object();
}

}  // namespace

std::string to_text(const Evaluation& evaluation, const Context& context) {
  const double gap = evaluation.strong_quality - evaluation.weak_quality;
  std::string out = fmt::format("{}\n{} queries", context.router, evaluation.queries);
  if (context.dropped_rows > 0) out += fmt::format(" ({} rows left out)", context.dropped_rows);
  out += fmt::format("; quality of weak {:.4f}, of strong {:.4f}\n", evaluation.weak_quality,
                     evaluation.strong_quality);
  if (context.from_label > 0)
    out += fmt::format("{} rows have no scores: strong counts 1, weak 1 - label\n",
                       context.from_label);
  if (context.unjudged_rows > 0)
    out += fmt::format("{} queries could not be judged and go to strong\n", context.unjudged_rows);
  if (!(gap > 0))
    return out + "strong is not better than weak here, so there is no gap to recover\n" +
           (context.costs ? costs_text(*context.costs) : "do not use a router for this pair\n");
  out += "\n11 quantile edges (RouteLLM's rule; CPT in % of calls to strong; 95 % intervals)\n";
  out += edge_table(evaluation);
  out += "\nfull resolution (every cut, ties spread evenly; CPT is the first crossing)\n";
  out += full_table(evaluation);
  out += fmt::format("\n{}", verdict(evaluation));
  out += fmt::format(
      "at the threshold {:.6f}: {:.1f} % to strong, quality {:.4f}, {:.1f} % of the "
      "gap recovered\n",
      context.threshold, 100 * context.strong_share, context.quality,
      100 * (context.quality - evaluation.weak_quality) / gap);
  out += to_text(context.transfer);
  if (context.costs) return out + costs_text(*context.costs);
  return out +
         "next: give --weak-call-usd and --strong-call-usd (or prices) for a verdict in money\n";
}

std::string to_json(const Evaluation& evaluation, const Context& context) {
  json::Writer out;
  out.begin_object();
  write_result(out, evaluation, evaluation.router);
  out.key("baselines").begin_object();
  for (const auto& [name, result] : contenders(evaluation)) {
    if (name == "router") continue;
    out.key(name).begin_object();
    write_result(out, evaluation, result);
    out.end_object();
  }
  out.end_object();
  write_interval(out, "apgr_over_length_ci95", evaluation.apgr_over_length);
  out.key("at_threshold").begin_object().member("threshold", context.threshold);
  out.member("strong_share", context.strong_share).member("quality", context.quality).end_object();
  out.member("router", context.router).member("leaked_rows", context.leaked_rows);
  out.member("dropped_rows", context.dropped_rows).member("unjudged_rows", context.unjudged_rows);
  out.member("rows_from_label", context.from_label);
  write_transfer(out, context.transfer);
  write_costs(out, context.costs);
  out.end_object();
  return out.take();
}

}  // namespace weir::eval
