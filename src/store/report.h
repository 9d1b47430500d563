// What the ledger says about a period: the body of `weir report`, and the same numbers for /metrics.
// Savings are a model (counted tokens repriced at the other model's price), and say so.
// Plain values; amounts in nano-dollars, nullopt where nothing is priced.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace weir::store {

struct Quantiles {
  int64_t p50_us = 0, p90_us = 0, p99_us = 0;
};

struct Report {
  int64_t since_us = 0, until_us = 0;
  int64_t calls = 0;                       // requests
  double strong_share = 0;                 // of routed requests
  double strong_share_routed = 0, strong_share_control = 0, strong_share_fallback = 0;
  std::optional<int64_t> cost_nanousd;     // all upstream calls
  std::optional<int64_t> all_strong_nanousd, all_weak_nanousd, saved_nanousd;
  std::optional<double> saved_percent;
  double avg_strong_tokens = 0, avg_weak_tokens = 0;  // input tokens a request, as given.txt counts
  int64_t unpriced_calls = 0, estimated_calls = 0;
  int64_t fallbacks = 0;
  std::optional<int64_t> fallback_nanousd;
  int64_t interrupted = 0, errors = 0;
  int64_t simulated_calls = 0;             // served by the built-in simulator
  int64_t named_calls = 0, observed_calls = 0, client_gone = 0;
  Quantiles latency, overhead, first_token;
};

std::string report_json(const Report& report);  // keys as in issue A7, documented in docs/report.md
std::string report_text(const Report& report);  // for a terminal

}  // namespace weir::store
