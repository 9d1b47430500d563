#include "gateway/gateway.h"

#include <fmt/format.h>

#include "base/check.h"
#include "base/log.h"

namespace weir::gateway {

Gateway::Gateway(const Parts& parts)
    : snapshot_(parts.snapshot),
      ledger_(parts.ledger),
      clock_(parts.clock),
      sessions_(snapshot_->options().session_limit,
                snapshot_->options().session_idle_s * 1'000'000),
      started_unix_us_(clock_->unix_us()) {
  for (const auto& route : snapshot_->routes())
    if (route->weak_share_limit < 1)
      share_limits_.try_emplace(route.get(), route->weak_share_limit);
}

std::expected<std::unique_ptr<Gateway>, Error> Gateway::make(Parts parts) {
  CHECK(parts.snapshot != nullptr && parts.ledger != nullptr && parts.workers > 0);
  std::unique_ptr<Gateway> gateway(new Gateway(parts));
  uint64_t seed = parts.seed;
  if (seed == 0) secure_random({reinterpret_cast<uint8_t*>(&seed), sizeof seed});
  for (int i = 0; i < parts.workers; ++i) {
    WorkerPart& part = gateway->parts_.emplace_back();
    TRY_ASSIGN(part.journal,
               parts.ledger->make_writer(fmt::format("{}-{}", gateway->snapshot_->instance(), i)));
    part.random = Random(seed + static_cast<uint64_t>(i));
  }
  return gateway;
}

double Gateway::threshold_in_force(const Asked& asked, const Estimate& estimate,
                                   const policy::Inputs& inputs, Seen seen) {
  // A threshold or tier that the client names is not ours to change.
  if (!estimate.score || asked.threshold || asked.tier) return inputs.threshold;
  if (inputs.rule != policy::Rule::kThreshold || estimate.named) return inputs.threshold;
  const auto limit = share_limits_.find(asked.route);
  if (limit == share_limits_.end()) return inputs.threshold;
  return seen == Seen::kRemember ? limit->second.threshold(*estimate.score, inputs.threshold)
                                 : limit->second.peek(*estimate.score, inputs.threshold);
}

void Gateway::count_ledger_failure(const Error& error) {
  ++ledger_failures;
  const int64_t now_us = clock_->steady_us();
  int64_t last_us = last_failure_logged_us_;
  if (last_us != INT64_MIN && now_us - last_us < 1'000'000) return;
  if (last_failure_logged_us_.compare_exchange_strong(last_us, now_us))
    log_error("ledger: {}; {} records lost so far", error.message, ledger_failures.load());
}

}  // namespace weir::gateway
