// Records with every field set, for tests, the benchmark and the seeds of the fuzzer.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>

#include "store/records.h"

namespace weir::store {

inline constexpr int64_t kSampleTimeUs = 1'790'000'000'000'000;

inline std::string sample_id(int64_t n) {
  return fmt::format("019a0000-0000-7000-8000-{:012x}", n);
}

inline StartRecord sample_start(int64_t n) {
  return {.id = sample_id(n),
          .client_request_id = "client-1",
          .started_us = kSampleTimeUs + n,
          .instance = "i1",
          .config_hash = "c0ffee",
          .route = "auto",
          .mode = "route",
          .dialect = "openai",
          .requested_model = "auto",
          .stream = true,
          .unit_hash = "0123456789abcdef",
          .assigned = "weak",
          .served = "weak",
          .planned_model = "small",
          .propensity = 0.95,
          .in_experiment = true,
          .reason = "score",
          .score = 0.25,
          .threshold = 0.5,
          .router = "lr-1234",
          .features_hash = "feed",
          .tags = "team=\"a\",\nb",
          .weak_model = "small",
          .strong_model = "large"};
}

inline EndRecord sample_end(int64_t n) {
  return {.id = sample_id(n),
          .ended_us = kSampleTimeUs + n + 900'000,
          .outcome = "ok",
          .status = 200,
          .served_model = "small",
          .served_tier = "weak",
          .latency_us = 900'000,
          .first_token_us = 300'000,
          .overhead_us = 150,
          .modelled_strong_nanousd = 15'000'000,
          .modelled_weak_nanousd = 800'000,
          .calls = {{.provider = "openai",
                     .model = "small",
                     .tier = "weak",
                     .attempt = 1,
                     .started_us = kSampleTimeUs + n + 100,
                     .duration_us = 899'000,
                     .status = 200,
                     .outcome = "ok",
                     .provider_request_id = "req_1",
                     .usage = {.input_tokens = 700,
                               .cache_read_tokens = 100,
                               .output_tokens = 200,
                               .reasoning_tokens = 20,
                               .source = catalog::UsageSource::kReported,
                               .raw = R"({"prompt_tokens":800})"},
                     .cost_nanousd = 800'000,
                     .price_version = "test-1"}}};
}

// The same request answered by the strong model.
inline EndRecord sample_strong_end(int64_t n) {
  EndRecord end = sample_end(n);
  end.served_model = end.calls[0].model = "large";
  end.served_tier = end.calls[0].tier = "strong";
  end.calls[0].cost_nanousd = 15'000'000;
  return end;
}

}  // namespace weir::store
