#include "gateway/decide.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace weir::gateway {
namespace {

using policy::Reason;
using policy::Tier;

// Output tokens assumed where nothing is known of the answer.
constexpr int64_t kAssumedOutputTokens = 500;

std::string_view tier_text(const Asked& asked) {
  return asked.threshold ? "router" : "route";
}

void set_named(const Asked& asked, Decision& decision) {
  decision.plan.reason = asked.reason;
  decision.deployments = {&*asked.named};
  decision.tiers.clear();
  if (asked.route == nullptr) return;
  // A model of the route keeps its tier, so that an observed route shows what it would have saved.
  const std::vector<Deployment>& models = asked.route->models;
  for (size_t i = 0; i < models.size(); ++i)
    if (models[i].model == asked.named->model && models[i].provider == asked.named->provider)
      decision.tiers = {policy::tier_of(i, models.size())};
}

// What the rules of estimates weigh. A router that judges the pair only says nothing of either
// model's quality but the gap between them: P(strong needed) is taken for it.
void set_estimates(const Route& route, const Estimate& estimate, const wire::Chat& chat,
                   policy::Inputs& inputs) {
  for (size_t i = 0; i < estimate.models.size(); ++i)
    if (!std::isnan(estimate.models[i].quality))
      inputs.candidates[i].quality = estimate.models[i].quality;
  const bool pair_only = estimate.models.empty() && route.models.size() == 2;
  if (pair_only && estimate.score && inputs.rule != policy::Rule::kThreshold) {
    inputs.candidates[0].quality = 0;
    inputs.candidates[1].quality = estimate.score;
  }
  for (size_t i = 0; i < route.models.size(); ++i) {
    std::optional<double> output_tokens;
    if (i < estimate.models.size()) output_tokens = estimate.models[i].output_tokens;
    inputs.candidates[i].cost_nanousd = expected_cost_nanousd(route.models[i], chat, output_tokens);
  }
}

// A threshold that the client names stands above the route's own way.
bool decides_by_threshold(const Asked& asked) {
  if (asked.threshold) return true;
  const Route& route = *asked.route;
  const bool by_score = route.scorer->named.empty() && !route.scorer->explore;
  return by_score && route.rule == policy::Rule::kThreshold;
}

std::string all_reasons(const std::vector<Option>& options) {
  std::string text = "no model of the route can take this request";
  for (const auto& option : options)
    text += fmt::format("; {}: {}", option.deployment->model, option.candidate.why_not);
  return text;
}

}  // namespace

Question read_question(const Snapshot& snapshot, std::string_view key_id,
                       const http::Headers& headers, const wire::Chat& chat, const Asked& asked) {
  Question question;
  question.unit = identify(snapshot, key_id, headers, chat);
  if (asked.route == nullptr) return question;
  question.session_key = snapshot.keyed_hash(
      "session", fmt::format("{:016x} {} {} {}", question.unit.id, tier_text(asked),
                             asked.route->options.name, asked.threshold.value_or(-1)));
  const std::vector<std::string_view> parts(chat.last_user_text.begin(), chat.last_user_text.end());
  std::optional<std::string_view> header;
  if (headers.contains("x-weir-query")) header = headers.get("x-weir-query");
  question.words = text::extract_query(asked.route->query, parts, header);
  return question;
}

void recall(Sessions& sessions, const wire::Chat& chat, int64_t now_us, Question& question) {
  question.memory = sessions.find(question.session_key, now_us);
  // Prompts with examples open alike and differ in their last turn only. Without a named session
  // such a request begins a conversation of its own: one that goes on has more turns than before.
  if (question.memory && question.unit.conversation_hash.empty() && !chat.ends_in_tool_result &&
      question.memory->turn != question.unit.turn &&
      question.memory->turn_count == chat.user_turn_count)
    question.memory.reset();
  question.new_turn = !chat.ends_in_tool_result &&
                      (!question.memory || question.memory->turn != question.unit.turn);
}

std::string why_not(const wire::Chat& chat, const Deployment& deployment) {
  using catalog::Capability;
  const catalog::Model& facts = deployment.facts;
  if (facts.context_tokens > 0 && chat.estimated_input_tokens > facts.context_tokens)
    return fmt::format("its context window holds {} tokens, the request has about {}",
                       facts.context_tokens, chat.estimated_input_tokens);
  if (facts.max_output_tokens > 0 && chat.max_output_tokens.value_or(0) > facts.max_output_tokens)
    return fmt::format("it writes at most {} tokens, the request asks for {}",
                       facts.max_output_tokens, *chat.max_output_tokens);
  if (facts.facts_known) {
    const std::pair<bool, Capability> needs[] = {{chat.needs.tools, Capability::kTools},
                                                 {chat.needs.images, Capability::kImages},
                                                 {chat.needs.json_schema, Capability::kJsonSchema},
                                                 {chat.needs.thinking, Capability::kThinking}};
    for (const auto& [needed, capability] : needs)
      if (needed && !facts.has(capability))
        return fmt::format("it does not take {}", catalog::to_string(capability));
  }
  const auto expressible =
      wire::check_expressible(chat, deployment.provider->spoken_to(chat.dialect));
  return expressible ? "" : expressible.error().message;
}

policy::Inputs policy_inputs(const Asked& asked, const Question& question, const wire::Chat& chat) {
  policy::Inputs inputs;
  if (asked.kind == Asked::Kind::kNamed) return inputs;
  const Route& route = *asked.route;
  for (size_t i = 0; i < route.models.size(); ++i) {
    policy::Candidate& candidate = inputs.candidates.emplace_back();
    candidate.tier = policy::tier_of(i, route.models.size());
    candidate.why_not = why_not(chat, route.models[i]);
    candidate.eligible = candidate.why_not.empty();
  }
  inputs.trained = route.scorer.has_value();
  // A threshold that the client names stands above the route's own rule.
  if (!asked.threshold) inputs.rule = route.rule;
  inputs.threshold = asked.threshold.value_or(route.threshold);
  inputs.value_nanousd = route.options.value_usd.value_or(0) * 1e9;
  inputs.quality_floor = route.options.quality_floor.value_or(0);
  if (route.scorer && !asked.threshold) inputs.explore = route.scorer->explore;
  if (route.scorer && route.scorer->cascade)
    inputs.weak_first = can_judge(*route.scorer->cascade, chat, route.weak());
  inputs.explore_draw = question.unit.explore_draw;
  inputs.control_share = route.options.control_share;
  inputs.unit_draw = question.unit.draw;
  inputs.asked = asked.tier;
  inputs.in_experiment = asked.in_experiment();
  if (question.memory) {
    inputs.sticky = question.memory->by_score;
    inputs.sticky_prob_strong = question.memory->prob_strong;
    inputs.served_so_far = question.memory->served;
  }
  inputs.may_move_up = question.new_turn && !chat.tool_call_open && !question.words.empty();
  return inputs;
}

Estimate estimate(const Asked& asked, const Question& question, const Evidence& evidence,
                  const policy::Inputs& inputs, model::Scratch& scratch) {
  Estimate result;
  if (asked.kind == Asked::Kind::kNamed || !asked.route->scorer) return result;
  result.trained = true;
  if (!policy::needs_score(inputs) || question.words.empty() || evidence.failure) return result;
  const Scorer& scorer = *asked.route->scorer;
  if (scorer.cascade) return result;
  const model::Score score = scorer.encoder
                                 ? scorer.score_encoded(question.words, evidence.embedding, scratch)
                             : scorer.embed_url || scorer.router_model
                                 ? scorer.score_embedding(evidence.embedding, scratch)
                                 : scorer.score(question.words, scratch);
  if (!score.judged) return result;
  result.score = score.prob_strong_needed;
  const model::Workspace& found = scratch.workspace;
  if (found.estimates.size() == scorer.models.size())
    for (const size_t index : asked.route->estimate_of)
      result.models.push_back(found.estimates[index]);
  if (found.route && *found.route < scorer.named.size()) result.named = *found.route;
  if (!scorer.named.empty()) result.similarities = found.similarities;
  return result;
}

std::optional<int64_t> expected_cost_nanousd(const Deployment& deployment, const wire::Chat& chat,
                                             std::optional<double> output_tokens) {
  const int64_t most = chat.max_output_tokens.value_or(std::numeric_limits<int64_t>::max());
  catalog::Usage usage;
  usage.input_tokens = chat.estimated_input_tokens;
  usage.output_tokens = std::min(kAssumedOutputTokens, most);
  if (output_tokens && *output_tokens >= 0 && *output_tokens < 1e9)
    usage.output_tokens = std::min(static_cast<int64_t>(std::llround(*output_tokens)), most);
  return catalog::cost_nanousd(deployment.facts.price, usage);
}

Decision decide(const Asked& asked, const Question& question, const Estimate& estimate,
                policy::Inputs inputs, const wire::Chat& chat) {
  Decision decision;
  decision.in_experiment = asked.in_experiment();
  decision.mode = asked.kind == Asked::Kind::kObserve               ? "observe"
                  : asked.kind == Asked::Kind::kNamed || asked.tier ? "named"
                                                                    : "route";
  if (asked.kind == Asked::Kind::kNamed) {
    set_named(asked, decision);
    const auto expressible =
        wire::check_expressible(chat, asked.named->provider->spoken_to(chat.dialect));
    if (!expressible) {
      decision.refusal = expressible.error().message;
      decision.deployments.clear();
    }
    return decision;
  }
  const Route& route = *asked.route;
  inputs.score = estimate.score;
  set_estimates(route, estimate, chat, inputs);
  if (estimate.named && !asked.threshold) {
    inputs.wanted = route.model_of_named[*estimate.named];
    decision.named_route = route.scorer->named[*estimate.named].name;
  }
  decision.plan = policy::choose(inputs);
  decision.score = estimate.score;
  if (route.scorer && !asked.tier && decides_by_threshold(asked))
    decision.threshold = inputs.weak_first && !asked.threshold
                             ? route.scorer->cascade->rule.escalate_below
                             : inputs.threshold;
  if (question.memory && !policy::needs_score(inputs) && !asked.tier) {
    decision.decision_id = question.memory->decision_id;
    decision.score = question.memory->score;
  }
  for (size_t i = 0; i < route.models.size(); ++i)
    decision.options.push_back({&route.models[i], std::move(inputs.candidates[i])});
  for (const size_t index : decision.plan.attempts) {
    decision.deployments.push_back(decision.options[index].deployment);
    decision.tiers.push_back(decision.options[index].candidate.tier);
  }
  decision.cascades = asked.kind == Asked::Kind::kRoute && decision.deployments.size() > 1 &&
                      decision.plan.reason == Reason::kCascade;
  if (asked.kind == Asked::Kind::kObserve) set_named(asked, decision);
  if (decision.deployments.empty()) decision.refusal = all_reasons(decision.options);
  return decision;
}

std::optional<Memory> memory_after(const Asked& asked, const Question& question,
                                   const Decision& decision, std::string_view request_id) {
  if (asked.kind == Asked::Kind::kNamed || asked.tier || decision.tiers.empty())
    return std::nullopt;
  Memory memory;
  memory.by_score = decision.plan.by_score;
  memory.served =
      asked.kind == Asked::Kind::kObserve ? decision.plan.assigned : decision.tiers.front();
  if (question.memory) memory.served = std::max(memory.served, question.memory->served);
  memory.prob_strong = decision.plan.prob_strong;
  memory.score = decision.score;
  memory.turn = question.unit.turn;
  memory.turn_count = question.unit.turn_count;
  memory.decision_id = decision.decision_id.empty() ? request_id : decision.decision_id;
  return memory;
}

}  // namespace weir::gateway
