#include "gateway/call_models.h"

#include <vector>

#include "gateway/cascade.h"

namespace weir::gateway {
namespace {

constexpr int64_t kDefaultMaxTokens = 8'192;  // where the catalog does not know the model
constexpr double kSampleTemperature = 1;      // the one that every provider takes

std::vector<upstream::Target> targets_of(const Asked& asked, const Decision& decision) {
  std::vector<upstream::Target> targets;
  for (size_t i = 0; i < decision.deployments.size(); ++i) {
    const Deployment& deployment = *decision.deployments[i];
    upstream::Target& target = targets.emplace_back();
    target.provider = deployment.provider;
    target.model = deployment.model;
    target.default_max_tokens = deployment.facts.max_output_tokens > 0
                                    ? deployment.facts.max_output_tokens
                                    : kDefaultMaxTokens;
    if (i + 1 < decision.deployments.size())
      target.first_event_ms = asked.route->options.weak_first_event_ms;
  }
  if (decision.cascades) judge_target(*asked.route->scorer->cascade, targets.front());
  return targets;
}

}  // namespace

http::Task<upstream::Outcome> call_models(Gateway& gateway, http::Exchange& exchange,
                                          const Decided& decided, CallWish wish) {
  const Options& options = gateway.snapshot().options();
  std::vector<upstream::Target> targets = targets_of(decided.asked, decided.decision);
  if (wish.sample) {
    targets.resize(1);
    targets[0].additions = {};
    targets[0].additions.temperature = kSampleTemperature;
  }
  upstream::CallSettings settings;
  settings.idle_timeout_ms = options.stream_idle_ms;
  settings.retry_after_limit_ms = options.retry_after_limit_ms;
  upstream::Call call{.worker = exchange.worker(),
                      .random = gateway.part(exchange.worker()).random,
                      .gone = exchange.gone(),
                      .request = decided.request,
                      .chat = decided.chat,
                      .targets = targets,
                      .settings = settings,
                      .instance = gateway.snapshot().instance(),
                      .request_id = decided.visit.id,
                      .first_target = wish.first};
  co_return co_await upstream::call(std::move(call));
}

}  // namespace weir::gateway
