#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "catalog/usage.h"
#include "store/report.h"

namespace weir::store {
namespace {

// Whole cents from a dollar up, four digits that mean something below.
std::string usd(std::optional<int64_t> nanousd) {
  if (!nanousd) return "unknown";
  const double dollars = static_cast<double>(*nanousd) / 1e9;
  const double size = dollars < 0 ? -dollars : dollars;
  if (size >= 1 || *nanousd == 0) return fmt::format("${:.2f}", dollars);
  return fmt::format("${:.{}f}", dollars, size >= 0.01 ? 4 : size >= 0.0001 ? 6 : 9);
}

std::string ms(int64_t us) {
  return us < 10'000 ? fmt::format("{:.3f} ms", static_cast<double>(us) / 1e3)
                     : fmt::format("{:.0f} ms", static_cast<double>(us) / 1e3);
}

std::string count(std::optional<double> value) {
  return value ? fmt::format("{:.0f}", *value) : "-";
}

std::string strong_share(const Report& r) {
  if (!r.strong_share) return "-";
  return fmt::format("{:.1f} % of routed (by the router {:.1f}, control {:.1f}, fallback {:.1f})",
                     100 * *r.strong_share, 100 * *r.strong_share_routed,
                     100 * *r.strong_share_control, 100 * *r.strong_share_fallback);
}

class Lines {
 public:
  void add(std::string_view label, std::string_view value) {
    out_ += fmt::format("  {:<22}{}\n", label, value);
  }
  void section(std::string_view title) { out_ += fmt::format("\n{}\n", title); }
  void note(std::string_view text) { out_ += fmt::format("  {}\n", text); }
  void quantiles(std::string_view label, const Quantiles& q) {
    if (q.count > 0)
      add(label, fmt::format("p50 {}, p90 {}, p99 {}", ms(q.p50_us), ms(q.p90_us), ms(q.p99_us)));
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

void add_requests(const Report& r, Lines& out) {
  out.section("Requests");
  out.add("total", fmt::format("{} (routed {}, named by the client {}, observed only {})", r.calls,
                               r.routed_calls, r.named_calls, r.observed_calls));
  out.add("to the strong model", strong_share(r));
  out.add("input tokens each",
          fmt::format("strong {}, weak {}", count(r.avg_strong_tokens), count(r.avg_weak_tokens)));
  out.add("without an answer", fmt::format("errors {}, interrupted {}, client gone {}", r.errors,
                                           r.interrupted, r.client_gone));
  out.add("fallbacks",
          fmt::format("{} (the strong calls cost {})", r.fallbacks, usd(r.fallback_nanousd)));
}

void add_money(const Report& r, Lines& out) {
  out.section("Cost");
  out.add("all upstream calls", fmt::format("{}{}", r.unpriced_calls > 0 ? "at least " : "",
                                            usd(r.cost_nanousd.value_or(0))));
  if (r.unpriced_calls > 0)
    out.note(fmt::format("{} of {} calls have no known price: set one under models: in weir.yaml",
                         r.unpriced_calls, r.upstream_calls));
  if (r.estimated_calls > 0)
    out.note(
        fmt::format("{} calls came without usage; their tokens are estimated", r.estimated_calls));
  out.section("Saving (modelled, not measured: the counted tokens at another price)");
  if (r.modelled_calls == 0) {
    out.note("No routed request has both prices known, so there is nothing to compare.");
    return;
  }
  out.add("these requests cost",
          fmt::format("{} ({} routed requests)", usd(r.modelled_cost_nanousd), r.modelled_calls));
  out.add("all strong", usd(r.all_strong_nanousd));
  out.add("all weak", usd(r.all_weak_nanousd));
  out.add("saved against strong",
          r.saved_percent ? fmt::format("{} ({:.1f} %)", usd(r.saved_nanousd), *r.saved_percent)
                          : usd(r.saved_nanousd));
  out.note("A stronger model may write more or less for the same question, and a saving says");
  out.note("nothing about quality.");
}

void add_cascades(const Cascades& c, Lines& out) {
  if (c.judged == 0) return;
  out.section("Cascade (weak answers that were judged before they were sent on)");
  out.add("judged", fmt::format("{}: {} escalated ({:.1f} %), {} given up, {} served weak because "
                                "strong failed",
                                c.judged, c.escalated, 100 * c.escalation_rate().value_or(0),
                                c.gave_up, c.strong_failed));
  out.add("they cost", fmt::format("{}, of that discarded answers {}", usd(c.cost_nanousd),
                                   usd(c.discarded_nanousd.value_or(0))));
  if (const auto saved = c.savings_percent())
    out.add("all strong",
            fmt::format("{} (saved {:.1f} %, modelled)", usd(c.all_strong_nanousd), *saved));
}

void add_observed(const Report& r, Lines& out) {
  if (r.observed_modelled_calls == 0) return;
  out.section("Observed only (mode: observe; what routing would have done, modelled)");
  out.add("these requests cost",
          fmt::format("{} ({} requests)", usd(r.observed_cost_nanousd), r.observed_modelled_calls));
  out.add("routed they would have",
          fmt::format("{} ({} of them on the weak model)", usd(r.observed_routed_nanousd),
                      r.observed_weak_calls));
}

void add_models(const Report& r, Lines& out) {
  if (r.models.empty()) return;
  out.section("Models");
  size_t width = 8;
  for (const ModelCount& m : r.models)
    width = std::max(width, m.model.size());
  out.note(fmt::format("{:<{}}  {:<7} {:>9} {:>13} {:>13} {:>13}", "model", width, "tier", "calls",
                       "input tokens", "output tokens", "cost"));
  for (const ModelCount& m : r.models) {
    const auto cost = m.known_cost_nanousd();
    out.note(fmt::format("{:<{}}  {:<7} {:>9} {:>13} {:>13} {:>13}", m.model, width,
                         m.tier.empty() ? "-" : m.tier, m.calls,
                         m.input_tokens + m.cache_read_tokens + m.cache_write_tokens,
                         m.output_tokens, cost ? usd(*cost) : "unknown"));
  }
}

std::string minute(int64_t us) {
  std::string text = format_rfc3339(us).substr(0, 16);
  std::ranges::replace(text, 'T', ' ');
  return text;
}

}  // namespace

std::string report_text(const Report& r) {
  Lines out;
  const std::string period =
      r.since_us <= 0 ? fmt::format("up to {} UTC", minute(r.until_us))
                      : fmt::format("{} to {} UTC", minute(r.since_us), minute(r.until_us));
  if (r.calls == 0)
    return fmt::format("weir report, {}\n\n  No request has ended in this time.\n", period);
  std::string head = fmt::format("weir report, {}\n", period);
  if (r.simulated_calls > 0)
    head += fmt::format(
        "\n  SIMULATED: {} of {} upstream calls were answered by weir's simulator. No model was\n"
        "  asked and no money spent; their amounts are what the configured prices would make.\n",
        r.simulated_calls, r.upstream_calls);
  add_requests(r, out);
  add_money(r, out);
  add_cascades(r.cascades, out);
  add_observed(r, out);
  if (r.latency.count > 0) out.section("Time");
  out.quantiles("whole request", r.latency);
  out.quantiles("to the first token", r.first_token);
  out.quantiles("weir's own part", r.overhead);
  add_models(r, out);
  return head + out.take();
}

}  // namespace weir::store
