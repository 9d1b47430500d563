#include "gateway/decide.h"

#include <fmt/format.h>

#include <utility>

namespace weir::gateway {
namespace {

using policy::Reason;
using policy::Tier;

std::string_view tier_text(const Asked& asked) {
  return asked.threshold ? "router" : "route";
}

void set_named(const Asked& asked, Decision& decision) {
  decision.plan.reason = asked.reason;
  decision.deployments = {&*asked.named};
  decision.tiers.clear();
  if (asked.route == nullptr) return;
  // A model of the pair keeps its tier, so that an observed route shows what it would have saved.
  for (const auto& [deployment, tier] :
       {std::pair(&asked.route->weak, Tier::kWeak), std::pair(&asked.route->strong, Tier::kStrong)})
    if (deployment->model == asked.named->model && deployment->provider == asked.named->provider)
      decision.tiers = {tier};
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
  for (const auto& [deployment, tier] :
       {std::pair(&route.weak, Tier::kWeak), std::pair(&route.strong, Tier::kStrong)}) {
    std::string reason = why_not(chat, *deployment);
    inputs.candidates.push_back({tier, reason.empty(), std::move(reason)});
  }
  inputs.trained = route.scorer.has_value();
  inputs.threshold = asked.threshold.value_or(route.threshold);
  inputs.control_share = route.options.control_share;
  inputs.unit_draw = question.unit.draw;
  inputs.asked = asked.tier;
  inputs.in_experiment = asked.in_experiment();
  if (question.memory) {
    inputs.sticky = question.memory->by_score;
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
  const model::Score score = scorer.embed_url ? scorer.score_embedding(evidence.embedding, scratch)
                                              : scorer.score(question.words, scratch);
  if (score.judged) result.score = score.prob_strong_needed;
  return result;
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
  decision.plan = policy::choose(inputs);
  decision.score = estimate.score;
  if (route.scorer && !asked.tier) decision.threshold = inputs.threshold;
  if (question.memory && !policy::needs_score(inputs) && !asked.tier) {
    decision.decision_id = question.memory->decision_id;
    decision.score = question.memory->score;
  }
  decision.options = {{&route.weak, inputs.candidates[0]}, {&route.strong, inputs.candidates[1]}};
  for (const size_t index : decision.plan.attempts) {
    decision.deployments.push_back(decision.options[index].deployment);
    decision.tiers.push_back(decision.options[index].candidate.tier);
  }
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
  if (question.memory && question.memory->served == Tier::kStrong) memory.served = Tier::kStrong;
  memory.score = decision.score;
  memory.turn = question.unit.turn;
  memory.turn_count = question.unit.turn_count;
  memory.decision_id = decision.decision_id.empty() ? request_id : decision.decision_id;
  return memory;
}

}  // namespace weir::gateway
