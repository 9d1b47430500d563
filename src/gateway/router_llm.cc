#include "gateway/router_llm.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "base/json.h"
#include "model/answer_routers.h"
#include "upstream/call.h"
#include "wire/chat.h"

namespace weir::gateway {
namespace {

constexpr std::string_view kRequestId = "router";

store::CallRecord record_of(const RouterModel& model, const upstream::Attempt& attempt,
                            int number) {
  store::CallRecord record;
  record.role = store::CallRole::kRouter;
  record.provider = model.deployment.provider->name;
  record.model = model.deployment.model;
  record.attempt = number;
  record.started_us = attempt.started_unix_us;
  record.duration_us = attempt.ended_us - attempt.started_us;
  record.status = attempt.status;
  record.outcome = attempt.outcome;
  record.provider_request_id = attempt.provider_request_id;
  record.price_version = model.deployment.facts.price.version;
  record.simulated = model.deployment.simulated;
  return record;
}

std::expected<std::vector<float>, Error> numbers_in(const RouterModel& model,
                                                    const upstream::Outcome& outcome) {
  if (outcome.failed) return fail(ErrorCode::kUnsupported, outcome.failed->failure.message);
  if (!outcome.opened) return fail(ErrorCode::kCancelled, "the client has gone");
  TRY_ASSIGN(const json::Document body, json::Document::parse(outcome.opened->whole->body));
  return model::read_answer(model.kind, body.root());
}

}  // namespace

std::expected<RouterModel, Error> make_router_model(const model::RouterFile& file,
                                                    std::optional<Deployment> deployment,
                                                    const catalog::Catalog& catalog,
                                                    const KeyOf& key_of) {
  RouterModel model;
  model.kind = file.kind;
  const auto prompt = file.settings.find(model::kPromptSetting);
  model.prompt = prompt == file.settings.end() ? std::string(model::default_prompt(file.kind))
                                               : prompt->second;
  if (deployment) {
    model.deployment = std::move(*deployment);
    return model;
  }
  if (file.embed.url.empty() || file.embed.model.empty())
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("a router of kind {} asks a model: name it as router_model",
                            model::to_string(file.kind)));
  auto provider = std::make_unique<upstream::Provider>();
  TRY_ASSIGN(provider->endpoint, http::Endpoint::parse(file.embed.url));
  provider->name = provider->endpoint.host;
  provider->api_key = key_of(provider->endpoint);
  model.deployment.provider = provider.get();
  model.deployment.model = file.embed.model;
  model.deployment.facts = catalog.get_or_unknown(file.embed.model);
  model.own_provider = std::move(provider);
  return model;
}

http::Task<RouterAnswer> ask_router_model(const RouterModel& model, RouterQuestion question) {
  RouterAnswer answer;
  auto chat = wire::decode_chat(
      wire::Dialect::kOpenAi,
      model::answer_request(model.kind, model.prompt, model.deployment.model, question.words));
  if (!chat) {
    answer.numbers = std::unexpected(chat.error());
    co_return answer;
  }
  http::Request request;
  request.deadline =
      question.deadline.earlier(Deadline::after_ms(question.worker.clock(), model.timeout_ms));
  if (!question.hops.empty()) request.headers.add(upstream::kHopHeader, question.hops);
  std::vector<upstream::Target> targets(1);
  targets[0].provider = model.deployment.provider;
  targets[0].model = model.deployment.model;
  upstream::CallSettings settings;
  settings.idle_timeout_ms = model.timeout_ms;
  upstream::Call call{.worker = question.worker,
                      .random = question.random,
                      .gone = question.gone,
                      .request = request,
                      .chat = *chat,
                      .targets = targets,
                      .settings = settings,
                      .instance = question.instance,
                      .request_id = kRequestId,
                      .first_target = 0};
  const upstream::Outcome outcome = co_await upstream::call(std::move(call));
  answer.numbers = numbers_in(model, outcome);
  for (const upstream::Attempt& attempt : outcome.attempts)
    answer.calls.push_back(record_of(model, attempt, static_cast<int>(answer.calls.size()) + 1));
  if (outcome.opened) {
    store::CallRecord& last = answer.calls.back();
    last.usage = outcome.opened->whole->usage;
    last.cost_nanousd = catalog::cost_nanousd(model.deployment.facts.price, last.usage);
    // The call was answered and is paid for; what it said is of no use.
    if (!answer.numbers) last.outcome = to_string(ErrorCode::kCorrupt);
  }
  co_return answer;
}

}  // namespace weir::gateway
