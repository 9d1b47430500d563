#include "store/report.h"

#include <fmt/format.h>

#include <charconv>

#include "base/clock.h"
#include "base/json.h"
#include "catalog/usage.h"

namespace weir::store {
namespace {

using catalog::format_usd;

void amount(json::Writer& out, std::string_view key, std::optional<int64_t> nanousd) {
  out.key(key);
  if (nanousd)
    out.raw(format_usd(*nanousd));
  else
    out.null();
}

void number(json::Writer& out, std::string_view key, std::optional<double> value) {
  out.key(key);
  if (value)
    out.value(*value);
  else
    out.null();
}

void quantiles(json::Writer& out, std::string_view key, const Quantiles& q) {
  out.key(key).begin_object();
  out.member("p50", q.p50_us).member("p90", q.p90_us).member("p99", q.p99_us);
  out.end_object();
}

void modelled(json::Writer& out, const Report& r) {
  out.key("modelled").begin_object();
  amount(out, "all_strong_usd", r.all_strong_nanousd);
  amount(out, "all_weak_usd", r.all_weak_nanousd);
  amount(out, "saved_usd", r.saved_nanousd);
  number(out, "saved_percent", r.saved_percent);
  amount(out, "actual_usd", r.modelled_cost_nanousd);
  out.member("calls", r.modelled_calls);
  out.end_object();
}

// What a route that only observes would have done.
void observed(json::Writer& out, const Report& r) {
  out.key("observed_modelled").begin_object();
  out.member("calls", r.observed_modelled_calls).member("weak_calls", r.observed_weak_calls);
  amount(out, "actual_usd", r.observed_cost_nanousd);
  amount(out, "routed_usd", r.observed_routed_nanousd);
  out.end_object();
}

// weak + escalation rate x strong, and what all strong would have cost.
void cascades(json::Writer& out, const Cascades& c) {
  out.key("cascade").begin_object();
  out.member("judged", c.judged).member("escalated", c.escalated).member("gave_up", c.gave_up);
  out.member("strong_failed", c.strong_failed).member("calls", c.modelled);
  number(out, "escalation_rate", c.escalation_rate());
  amount(out, "expected_cost_usd", c.cost_nanousd);
  amount(out, "all_strong_cost_usd", c.all_strong_nanousd);
  number(out, "savings_percent", c.savings_percent());
  amount(out, "discarded_usd", c.discarded_nanousd);
  out.end_object();
}

void models(json::Writer& out, const Report& r) {
  out.key("models").begin_array();
  for (const ModelCount& m : r.models) {
    out.begin_object();
    out.member("route", m.route).member("model", m.model).member("tier", m.tier);
    out.member("calls", m.calls).member("served", m.served);
    out.member("input_tokens", m.input_tokens).member("cache_read_tokens", m.cache_read_tokens);
    out.member("cache_write_tokens", m.cache_write_tokens);
    out.member("output_tokens", m.output_tokens);
    amount(out, "cost_usd", m.known_cost_nanousd());
    out.member("unpriced_calls", m.unpriced_calls).end_object();
  }
  out.end_array();
}

std::expected<int64_t, Error> bad_since(std::string_view text) {
  return fail(
      ErrorCode::kInvalidArgument,
      fmt::format("'{}' is no time: give a span (30s, 90m, 24h, 7d), a date (2026-11-23) or "
                  "RFC 3339 (2026-11-23T12:00:00Z)",
                  text));
}

int64_t unit_us(char unit) {
  switch (unit) {
    case 's':
      return 1'000'000;
    case 'm':
      return 60 * int64_t{1'000'000};
    case 'h':
      return 3'600 * int64_t{1'000'000};
    case 'd':
      return 86'400 * int64_t{1'000'000};
    default:
      return 0;
  }
}

}  // namespace

std::optional<double> Cascades::escalation_rate() const {
  if (judged == 0) return std::nullopt;
  return static_cast<double>(escalated) / static_cast<double>(judged);
}

std::optional<double> Cascades::savings_percent() const {
  if (!cost_nanousd || all_strong_nanousd.value_or(0) <= 0) return std::nullopt;
  return 100 * (1 - static_cast<double>(*cost_nanousd) / static_cast<double>(*all_strong_nanousd));
}

std::string report_json(const Report& r) {
  json::Writer out;
  out.begin_object();
  out.member("calls", r.calls);
  number(out, "strong_share", r.strong_share);
  out.key("strong_share_by").begin_object();
  number(out, "routed", r.strong_share_routed);
  number(out, "control", r.strong_share_control);
  number(out, "fallback", r.strong_share_fallback);
  out.end_object();
  amount(out, "cost_usd", r.cost_nanousd);
  modelled(out, r);
  number(out, "avg_strong_tokens", r.avg_strong_tokens);
  number(out, "avg_weak_tokens", r.avg_weak_tokens);
  out.member("unpriced_calls", r.unpriced_calls).member("estimated_calls", r.estimated_calls);
  out.member("fallbacks", r.fallbacks);
  amount(out, "fallback_usd", r.fallback_nanousd);
  out.member("interrupted", r.interrupted).member("errors", r.errors);
  quantiles(out, "latency_us", r.latency);
  quantiles(out, "overhead_us", r.overhead);
  quantiles(out, "first_token_us", r.first_token);
  out.member("simulated_calls", r.simulated_calls).member("upstream_calls", r.upstream_calls);
  out.member("routed", r.routed_calls).member("named", r.named_calls);
  out.member("observed", r.observed_calls).member("client_gone", r.client_gone);
  observed(out, r);
  cascades(out, r.cascades);
  out.member("since", format_rfc3339(r.since_us)).member("until", format_rfc3339(r.until_us));
  models(out, r);
  out.end_object();
  return out.take();
}

std::expected<int64_t, Error> parse_since(std::string_view text, int64_t now_us) {
  if (text.size() == 10 && text[4] == '-') {
    const int64_t day_us = parse_rfc3339(std::string(text) + "T00:00:00Z");
    return day_us == INT64_MIN ? bad_since(text) : day_us;
  }
  if (const int64_t at_us = parse_rfc3339(std::string(text)); at_us != INT64_MIN) return at_us;
  int64_t amount = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), amount);
  if (error != std::errc() || end + 1 != text.data() + text.size() || amount < 0)
    return bad_since(text);
  const int64_t unit = unit_us(*end);
  // A century is as good as for ever, and cannot overflow.
  if (unit == 0 || amount > 100 * 366 * unit_us('d') / unit) return bad_since(text);
  return now_us - amount * unit;
}

}  // namespace weir::store
