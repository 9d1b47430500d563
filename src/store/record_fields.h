// The one list of each record's fields: the journal, the database columns and their order follow
// from it. visit(name, member) is called for every field; names are stable once released, new ones
// are appended together with a migration (schema.cc).
#pragma once

#include "store/records.h"

namespace weir::store {

template <typename Start, typename Visit>
void visit_start_fields(Start& r, Visit&& visit) {
  visit("id", r.id);
  visit("client_request_id", r.client_request_id);
  visit("started_us", r.started_us);
  visit("instance", r.instance);
  visit("config_hash", r.config_hash);
  visit("route", r.route);
  visit("mode", r.mode);
  visit("dialect", r.dialect);
  visit("requested_model", r.requested_model);
  visit("stream", r.stream);
  visit("unit_hash", r.unit_hash);
  visit("assigned", r.assigned);
  visit("served", r.served);
  visit("planned_model", r.planned_model);
  visit("propensity", r.propensity);
  visit("control", r.control);
  visit("in_experiment", r.in_experiment);
  visit("reason", r.reason);
  visit("score", r.score);
  visit("threshold", r.threshold);
  visit("router", r.router);
  visit("features_hash", r.features_hash);
  visit("decision_id", r.decision_id);
  visit("key_id", r.key_id);
  visit("tags", r.tags);
  visit("end_user_hash", r.end_user_hash);
  visit("conversation_hash", r.conversation_hash);
  visit("weak_model", r.weak_model);
  visit("strong_model", r.strong_model);
}

// Without `id`, which names the row, and without the calls, which are rows of their own.
template <typename End, typename Visit>
void visit_end_fields(End& r, Visit&& visit) {
  visit("ended_us", r.ended_us);
  visit("outcome", r.outcome);
  visit("status", r.status);
  visit("served_model", r.served_model);
  visit("served_tier", r.served_tier);
  visit("fallback", r.fallback);
  visit("fallback_cause", r.fallback_cause);
  visit("latency_us", r.latency_us);
  visit("first_token_us", r.first_token_us);
  visit("overhead_us", r.overhead_us);
  visit("modelled_strong_nanousd", r.modelled_strong_nanousd);
  visit("modelled_weak_nanousd", r.modelled_weak_nanousd);
  visit("cascade", r.cascade);
  visit("weak_confidence", r.weak_confidence);
}

template <typename Call, typename Visit>
void visit_call_fields(Call& r, Visit&& visit) {
  visit("role", r.role);
  visit("provider", r.provider);
  visit("model", r.model);
  visit("tier", r.tier);
  visit("attempt", r.attempt);
  visit("started_us", r.started_us);
  visit("duration_us", r.duration_us);
  visit("status", r.status);
  visit("outcome", r.outcome);
  visit("provider_request_id", r.provider_request_id);
  visit("input_tokens", r.usage.input_tokens);
  visit("cache_read_tokens", r.usage.cache_read_tokens);
  visit("cache_write_tokens", r.usage.cache_write_tokens);
  visit("cache_write_1h_tokens", r.usage.cache_write_1h_tokens);
  visit("output_tokens", r.usage.output_tokens);
  visit("reasoning_tokens", r.usage.reasoning_tokens);
  visit("usage_source", r.usage.source);
  visit("usage_raw", r.usage.raw);
  visit("cost_nanousd", r.cost_nanousd);
  visit("price_version", r.price_version);
  visit("simulated", r.simulated);
}

}  // namespace weir::store
