#include <fmt/format.h>

#include <string>
#include <string_view>

#include "catalog/usage.h"
#include "store/report.h"

namespace weir::store {
namespace {

using catalog::format_usd;

class Exposition {
 public:
  void family(std::string_view name, std::string_view type, std::string_view help) {
    name_ = name;
    out_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
  }
  void sample(std::string_view labels, std::string_view value) {
    out_ += fmt::format("{}{}{}{} {}\n", name_, labels.empty() ? "" : "{", labels,
                        labels.empty() ? "" : "}", value);
  }
  void one(std::string_view name, std::string_view type, std::string_view help,
           std::string_view value) {
    family(name, type, help);
    sample("", value);
  }
  void counter(std::string_view name, std::string_view help, int64_t value) {
    one(name, "counter", help, fmt::format("{}", value));
  }
  // No sample at all where the amount is unknown: a scraper would take 0 for a fact.
  void usd(std::string_view name, std::string_view type, std::string_view help,
           std::optional<int64_t> nanousd) {
    family(name, type, help);
    if (nanousd) sample("", format_usd(*nanousd));
  }
  void share(std::string_view labels, std::optional<double> value) {
    if (value) sample(labels, fmt::format("{}", *value));
  }
  void quantiles(std::string_view name, std::string_view help, const Quantiles& q) {
    family(name, "summary", help);
    const auto seconds = [](int64_t us) {
      return fmt::format("{}", static_cast<double>(us) / 1e6);
    };
    if (q.count > 0) {
      sample("quantile=\"0.5\"", seconds(q.p50_us));
      sample("quantile=\"0.9\"", seconds(q.p90_us));
      sample("quantile=\"0.99\"", seconds(q.p99_us));
    }
    out_ += fmt::format("{}_sum {}\n{}_count {}\n", name, seconds(q.sum_us), name, q.count);
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
  std::string_view name_;
};

std::string label_value(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string labels_of(const ModelCount& m) {
  return fmt::format("route=\"{}\",model=\"{}\",tier=\"{}\"", label_value(m.route),
                     label_value(m.model), label_value(m.tier));
}

void add_models(const Report& r, Exposition& out) {
  const auto each = [&](std::string_view name, std::string_view help, auto value) {
    out.family(name, "counter", help);
    for (const ModelCount& m : r.models)
      out.sample(labels_of(m), fmt::format("{}", value(m)));
  };
  each("weir_model_calls_total", "Upstream calls of every role.",
       [](const ModelCount& m) { return m.calls; });
  each("weir_model_served_total", "Upstream calls whose answer the client got.",
       [](const ModelCount& m) { return m.served; });
  out.family("weir_model_cost_usd_total", "counter",
             "Cost of the priced calls; no sample where no call has a known price.");
  for (const ModelCount& m : r.models)
    if (const auto cost = m.known_cost_nanousd()) out.sample(labels_of(m), format_usd(*cost));
  each("weir_model_unpriced_calls_total", "Calls whose price is unknown.",
       [](const ModelCount& m) { return m.unpriced_calls; });
  out.family("weir_model_tokens_total", "counter", "Tokens, in disjoint kinds.");
  for (const ModelCount& m : r.models) {
    const std::string labels = labels_of(m);
    out.sample(labels + ",kind=\"input\"", fmt::format("{}", m.input_tokens));
    out.sample(labels + ",kind=\"cache_read\"", fmt::format("{}", m.cache_read_tokens));
    out.sample(labels + ",kind=\"cache_write\"", fmt::format("{}", m.cache_write_tokens));
    out.sample(labels + ",kind=\"output\"", fmt::format("{}", m.output_tokens));
  }
}

}  // namespace

std::string report_prometheus(const Report& r) {
  Exposition out;
  out.one("weir_report_start_seconds", "gauge", "Unix time at which these counters began.",
          fmt::format("{}.{:06}", r.since_us / 1'000'000, r.since_us % 1'000'000));
  out.counter("weir_requests_total", "Requests that have ended.", r.calls);
  out.counter("weir_routed_requests_total", "Requests whose model weir chose.", r.routed_calls);
  out.counter("weir_named_requests_total", "Requests whose model the client chose.", r.named_calls);
  out.counter("weir_observed_requests_total", "Requests of routes that only observe.",
              r.observed_calls);
  out.family("weir_strong_share", "gauge",
             "Share of answered routed requests on the strong model; no sample without any.");
  out.share("", r.strong_share);
  out.family("weir_strong_share_by", "gauge", "The parts of weir_strong_share by cause.");
  out.share("cause=\"routed\"", r.strong_share_routed);
  out.share("cause=\"control\"", r.strong_share_control);
  out.share("cause=\"fallback\"", r.strong_share_fallback);
  out.usd("weir_cost_usd_total", "counter",
          "Cost of all upstream calls; a lower bound while weir_unpriced_calls_total is not 0.",
          r.cost_nanousd);
  out.usd("weir_modelled_actual_usd_total", "counter",
          "Cost of the routed requests whose costs are all known.", r.modelled_cost_nanousd);
  out.usd("weir_modelled_all_strong_usd_total", "counter",
          "Modelled: their tokens at the strong model's price.", r.all_strong_nanousd);
  out.usd("weir_modelled_all_weak_usd_total", "counter",
          "Modelled: their tokens at the weak model's price.", r.all_weak_nanousd);
  out.usd("weir_modelled_saved_usd", "gauge", "Modelled: all strong minus actual.",
          r.saved_nanousd);
  out.counter("weir_unpriced_calls_total", "Upstream calls whose price is unknown.",
              r.unpriced_calls);
  out.counter("weir_estimated_calls_total", "Upstream calls whose tokens weir estimated.",
              r.estimated_calls);
  out.counter("weir_simulated_calls_total", "Upstream calls answered by the simulator.",
              r.simulated_calls);
  out.counter("weir_fallbacks_total", "Requests that fell back to the strong model.", r.fallbacks);
  out.usd("weir_fallback_usd_total", "counter", "Cost of the strong calls of fallbacks.",
          r.fallback_nanousd);
  out.counter("weir_interrupted_total", "Requests cut off by the end of the process.",
              r.interrupted);
  out.counter("weir_errors_total", "Requests without a whole answer.", r.errors);
  out.counter("weir_client_gone_total", "Requests whose client went away.", r.client_gone);
  out.quantiles("weir_latency_seconds", "Whole request.", r.latency);
  out.quantiles("weir_overhead_seconds", "Without waiting for upstreams.", r.overhead);
  out.quantiles("weir_first_token_seconds", "To the first token.", r.first_token);
  add_models(r, out);
  return out.take();
}

}  // namespace weir::store
