#include "gateway/records.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <iterator>

#include "base/digest.h"

namespace weir::gateway {
namespace {

constexpr size_t kClientTextLimit = 256;  // of ids and tags that clients choose

std::string_view tier_of(const Decision& decision, size_t index) {
  return index < decision.tiers.size() ? policy::to_string(decision.tiers[index]) : "";
}

std::string client_text(const http::Headers& headers, std::string_view name) {
  return std::string(headers.get(name).substr(0, kClientTextLimit));
}

store::CallRecord call_record(const Decided& decided, const upstream::Attempt& attempt,
                              int number) {
  const Deployment& deployment = *decided.decision.deployments[attempt.target_index];
  store::CallRecord record;
  record.role = store::CallRole::kDiscarded;
  record.provider = deployment.provider->name;
  record.model = deployment.model;
  record.tier = tier_of(decided.decision, attempt.target_index);
  record.attempt = number;
  record.started_us = attempt.started_unix_us;
  record.duration_us = attempt.ended_us - attempt.started_us;
  record.status = attempt.status;
  record.outcome = attempt.outcome;
  record.provider_request_id = attempt.provider_request_id;
  record.price_version = deployment.facts.price.version;
  record.simulated = deployment.simulated;
  if (attempt.usage) {
    record.usage = *attempt.usage;
    record.cost_nanousd = catalog::cost_nanousd(deployment.facts.price, *attempt.usage);
  }
  return record;
}

void set_served(const Decided& decided, size_t target_index, const Ending& ending,
                store::EndRecord& end) {
  const Deployment& deployment = *decided.decision.deployments[target_index];
  end.served_model = deployment.model;
  end.served_tier = tier_of(decided.decision, target_index);
  store::CallRecord& call = end.calls.back();
  call.role = store::CallRole::kServed;
  call.outcome = ending.call_outcome;
  call.usage = ending.usage;
  call.cost_nanousd = catalog::cost_nanousd(deployment.facts.price, ending.usage);
  if (decided.asked.route == nullptr) return;
  const Route& route = *decided.asked.route;
  end.modelled_strong_nanousd = catalog::cost_nanousd(route.strong().facts.price, ending.usage);
  end.modelled_weak_nanousd = catalog::cost_nanousd(route.weak().facts.price, ending.usage);
}

std::string four_decimals(double number) {
  char text[400];  // the largest double has 309 digits before the point
  const auto [end, problem] =
      std::to_chars(std::begin(text), std::end(text), number, std::chars_format::fixed, 4);
  return {text, end};
}

// What an observed route says of itself, with the line that ends the observing.
std::string reason_text(const Decided& decided) {
  const Decision& decision = decided.decision;
  if (decided.asked.kind != Asked::Kind::kObserve)
    return std::string(policy::to_string(decision.plan.reason));
  const auto& route = decided.asked.route->options.name;
  return fmt::format("observe; would have been {}; to act on it set routes.{}.mode: route",
                     policy::to_string(decision.plan.assigned), route);
}

}  // namespace

store::StartRecord start_record(const Decided& decided) {
  const auto& [snapshot, visit, caller, request, chat, asked, question, evidence, decision] =
      decided;
  store::StartRecord record;
  record.id = visit.id;
  record.client_request_id = client_text(request.headers, "x-request-id");
  record.started_us = visit.started_unix_us;
  record.instance = snapshot.instance();
  record.config_hash = snapshot.options().config_hash;
  record.mode = decision.mode;
  record.dialect = wire::to_string(chat.dialect);
  record.requested_model = chat.model.substr(0, kClientTextLimit);
  record.stream = chat.stream;
  record.unit_hash = to_hex(question.unit.id);
  record.served = tier_of(decision, 0);
  record.planned_model = decision.deployments.front()->model;
  record.reason = policy::to_string(decision.plan.reason);
  record.key_id = caller.key_id;
  record.tags = client_text(request.headers, "x-weir-tags");
  record.end_user_hash = question.unit.end_user_hash;
  record.conversation_hash = question.unit.conversation_hash;
  if (asked.route == nullptr) return record;
  record.route = asked.route->options.name;
  record.weak_model = asked.route->weak().model;
  record.strong_model = asked.route->strong().model;
  if (asked.kind == Asked::Kind::kNamed) return record;
  record.assigned = policy::to_string(decision.plan.assigned);
  record.propensity = decision.plan.propensity;
  record.control = decision.plan.control;
  record.in_experiment = decision.in_experiment;
  record.score = decision.score;
  record.threshold = decision.threshold;
  if (asked.route->scorer) record.router = asked.route->scorer->name;
  if (!question.words.empty())
    record.features_hash = to_hex(snapshot.keyed_hash("words", question.words));
  record.decision_id = decision.decision_id;
  return record;
}

store::EndRecord end_record(const Decided& decided, const upstream::Outcome& outcome,
                            const Ending& ending, const Clock& clock) {
  const int64_t now_us = clock.steady_us();
  store::EndRecord end;
  end.id = decided.visit.id;
  end.ended_us = clock.unix_us();
  end.outcome = ending.outcome;
  end.status = ending.status;
  end.fallback = !outcome.fallback_cause.empty();
  end.fallback_cause = outcome.fallback_cause;
  end.latency_us = now_us - decided.visit.arrived_us;
  if (ending.first_content_us)
    end.first_token_us = *ending.first_content_us - decided.visit.arrived_us;
  end.overhead_us =
      now_us - decided.visit.started_us - ending.waited_us - decided.evidence.waited_us;
  end.calls = decided.evidence.calls;
  for (const auto& attempt : outcome.attempts)
    end.calls.push_back(call_record(decided, attempt, static_cast<int>(end.calls.size()) + 1));
  if (outcome.opened) {
    end.calls.back().duration_us = now_us - outcome.attempts.back().started_us;
    set_served(decided, outcome.opened->target_index, ending, end);
  }
  return end;
}

catalog::Usage usage_of(const upstream::Opened& opened, const wire::Chat& chat) {
  if (opened.whole)
    return usage_or_estimate(opened.whole->usage, chat, opened.whole->output_characters);
  return usage_or_estimate(opened.relay->usage(), chat, opened.relay->output_characters());
}

catalog::Usage usage_or_estimate(const catalog::Usage& reported, const wire::Chat& chat,
                                 int64_t output_characters) {
  if (reported.source != catalog::UsageSource::kNone) return reported;
  catalog::Usage usage = reported;
  usage.source = catalog::UsageSource::kEstimated;
  usage.input_tokens = chat.estimated_input_tokens;
  usage.output_tokens = (output_characters + 3) / 4;
  return usage;
}

std::optional<int64_t> total_cost_nanousd(const store::EndRecord& end) {
  int64_t sum = 0;
  for (const auto& call : end.calls) {
    if (call.role != store::CallRole::kServed && !call.cost_nanousd) continue;
    if (!call.cost_nanousd) return std::nullopt;
    sum += *call.cost_nanousd;
  }
  return sum;
}

http::Headers weir_headers(const Decided& decided, const upstream::Outcome& outcome,
                           const Clock& clock) {
  const Decision& decision = decided.decision;
  http::Headers out;
  out.add("x-weir-request-id", decided.visit.id);
  if (decided.asked.route != nullptr) out.add("x-weir-route", decided.asked.route->options.name);
  const size_t index = outcome.opened   ? outcome.opened->target_index
                       : outcome.failed ? outcome.failed->target_index
                                        : 0;
  out.add("x-weir-model", decision.deployments[index]->model);
  out.add("x-weir-reason", reason_text(decided));
  if (!decision.named_route.empty()) out.add("x-weir-semantic-route", decision.named_route);
  if (decision.score) out.add("x-weir-score", four_decimals(*decision.score));
  if (decision.threshold) out.add("x-weir-threshold", four_decimals(*decision.threshold));
  if (decision.in_experiment) out.add("x-weir-control", decision.plan.control ? "true" : "false");
  out.add("x-weir-attempts", std::to_string(outcome.attempts.size()));
  if (!outcome.fallback_cause.empty()) out.add("x-weir-fallback", outcome.fallback_cause);
  if (!outcome.dropped.empty())
    out.add("x-weir-dropped", fmt::format("{}", fmt::join(outcome.dropped, ", ")));
  const int64_t own_us =
      clock.steady_us() - decided.visit.started_us - outcome.waited_us - decided.evidence.waited_us;
  out.add("x-weir-overhead-us", std::to_string(own_us));
  return out;
}

}  // namespace weir::gateway
