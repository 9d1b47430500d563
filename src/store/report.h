// What the ledger says about a period: the body of `weir report`, and the same numbers for
// /metrics. Savings are a model (counted tokens repriced at the other model's price), and say so.
// The words and the arithmetic behind every number: docs/report.md. Plain values; amounts in
// nano-dollars, nullopt where nothing is priced or nothing was counted.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace weir::store {

struct Quantiles {
  int64_t p50_us = 0, p90_us = 0, p99_us = 0;
  int64_t count = 0, sum_us = 0;
};

// Calls of one route, model and tier ("" outside the pair).
struct ModelCount {
  std::string route = {}, model = {}, tier = {};
  int64_t calls = 0, served = 0;
  int64_t input_tokens = 0, cache_read_tokens = 0, cache_write_tokens = 0, output_tokens = 0;
  int64_t cost_nanousd = 0;  // of the priced ones
  int64_t unpriced_calls = 0;

  // Nothing where calls were made and none has a known price.
  std::optional<int64_t> known_cost_nanousd() const {
    if (calls > 0 && unpriced_calls == calls) return std::nullopt;
    return cost_nanousd;
  }
};

// Requests whose weak answer a cascade has judged.
struct Cascades {
  int64_t judged = 0, escalated = 0, gave_up = 0;
  int64_t strong_failed = 0;  // escalated, but the weak answer served
  int64_t modelled = 0;       // of them, those whose costs are all known, as in the next two
  std::optional<int64_t> cost_nanousd, all_strong_nanousd;
  std::optional<int64_t> discarded_nanousd;  // answers that were paid for and not sent on

  std::optional<double> escalation_rate() const;
  std::optional<double> savings_percent() const;  // against all strong
};

struct Report {
  int64_t since_us = 0, until_us = 0;
  int64_t calls = 0;         // requests that have ended
  int64_t routed_calls = 0;  // of them, those whose model weir chose
  // Of answered routed requests; nothing where there are none.
  std::optional<double> strong_share;
  // What made them strong; the three add up to strong_share.
  std::optional<double> strong_share_routed, strong_share_control, strong_share_fallback;
  std::optional<int64_t> cost_nanousd;  // all upstream calls; a lower bound if some are unpriced
  // Over the routed requests whose costs are all known (modelled_calls of them): what they did
  // cost, and what their tokens would have cost at one price.
  int64_t modelled_calls = 0;
  std::optional<int64_t> modelled_cost_nanousd;
  std::optional<int64_t> all_strong_nanousd, all_weak_nanousd, saved_nanousd;
  std::optional<double> saved_percent;
  // The same for routes that only observe: what acting on the decisions would have saved.
  int64_t observed_modelled_calls = 0, observed_weak_calls = 0;
  std::optional<int64_t> observed_cost_nanousd, observed_routed_nanousd;
  std::optional<double> avg_strong_tokens, avg_weak_tokens;  // input tokens a routed request
  int64_t unpriced_calls = 0, estimated_calls = 0;
  int64_t fallbacks = 0;
  std::optional<int64_t> fallback_nanousd;  // the strong calls that they made necessary
  int64_t interrupted = 0, errors = 0;      // errors: no answer, or one that was cut
  int64_t simulated_calls = 0;              // served by the built-in simulator
  int64_t upstream_calls = 0;               // of every role
  int64_t named_calls = 0, observed_calls = 0, client_gone = 0;
  Quantiles latency, overhead, first_token;
  Cascades cascades;
  std::vector<ModelCount> models;
};

std::string report_json(const Report& report);  // keys: docs/report.md
std::string report_text(const Report& report);  // for a terminal
// Prometheus text format; the counters begin at report.since_us.
std::string report_prometheus(const Report& report);

// "24h", "7d", "90m", "30s", a date or RFC 3339 -> microseconds. Fails: kInvalidArgument.
[[nodiscard]] std::expected<int64_t, Error> parse_since(std::string_view text, int64_t now_us);

}  // namespace weir::store
