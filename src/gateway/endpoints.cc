#include "gateway/endpoints.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ranges>
#include <utility>

#include "base/json.h"
#include "gateway/decide.h"
#include "store/report.h"
#include "wire/chat.h"
#include "wire/endpoints.h"

namespace weir::gateway {
namespace {

using wire::Dialect;

constexpr int64_t kCountTimeoutMs = 10'000;
constexpr size_t kCountAnswerLimit = 1 << 16;

struct Path {
  std::string_view path;
  bool post;
  Endpoint endpoint;
};
constexpr std::array kPaths = {
    Path{"/v1/chat/completions", true, {Action::kChat, Dialect::kOpenAi}},
    Path{"/chat/completions", true, {Action::kChat, Dialect::kOpenAi}},
    Path{"/v1/messages", true, {Action::kChat, Dialect::kAnthropic}},
    Path{"/v1/messages/count_tokens", true, {Action::kCountTokens, Dialect::kAnthropic}},
    Path{"/v1/route", true, {Action::kRoute, Dialect::kOpenAi}},
    Path{"/v1/models", false, {Action::kModels, Dialect::kOpenAi}},
    Path{"/", false, {Action::kAbout, Dialect::kOpenAi}},
    Path{"/health", false, {Action::kHealth, Dialect::kOpenAi}},
    Path{"/health/liveliness", false, {Action::kLiveness, Dialect::kOpenAi}},
    Path{"/health/liveness", false, {Action::kLiveness, Dialect::kOpenAi}},
    Path{"/health/readiness", false, {Action::kReadiness, Dialect::kOpenAi}},
    Path{"/metrics", false, {Action::kMetrics, Dialect::kOpenAi}},
};

http::Response json_response(std::string body, int status = 200) {
  http::Response response;
  response.status = status;
  response.headers.add("content-type", "application/json");
  response.body = std::move(body);
  return response;
}

http::Response answer_models(const Gateway& gateway, const http::Request& request) {
  const Dialect client =
      request.headers.contains("anthropic-version") ? Dialect::kAnthropic : Dialect::kOpenAi;
  std::vector<wire::ModelEntry> models;
  for (const auto& name : known_names(gateway.snapshot())) {
    const catalog::Model facts = gateway.snapshot().options().catalog.get_or_unknown(name);
    wire::ModelEntry& entry = models.emplace_back();
    entry.id = name;
    entry.created_unix_s = gateway.started_unix_us() / 1'000'000;
    entry.context_tokens = facts.context_tokens;
    entry.max_output_tokens = facts.max_output_tokens;
  }
  return json_response(wire::encode_models(client, models));
}

http::Response answer_health(const Gateway& gateway) {
  json::Writer out;
  out.begin_object();
  out.member("status", gateway.is_ready() ? "ok" : "not ready");
  out.member("version", WEIR_VERSION).end_object();
  return json_response(out.take());
}

http::Response answer_readiness(const Gateway& gateway) {
  const bool ready = gateway.is_ready();
  json::Writer out;
  out.begin_object().member("status", ready ? "ready" : "not ready").end_object();
  return json_response(out.take(), ready ? 200 : 503);
}

http::Response answer_metrics(Gateway& gateway) {
  http::Response response;
  response.headers.add("content-type", "text/plain; version=0.0.4; charset=utf-8");
  response.body = store::report_prometheus(gateway.ledger().report());
  const auto add = [&](std::string_view name, std::string_view type, std::string_view help,
                       int64_t value) {
    response.body +=
        fmt::format("# HELP {0} {2}\n# TYPE {0} {1}\n{0} {3}\n", name, type, help, value);
  };
  add("weir_ready", "gauge", "1 when new requests are welcome.", gateway.is_ready() ? 1 : 0);
  add("weir_in_flight", "gauge", "Requests being answered.", gateway.in_flight);
  add("weir_conversations", "gauge", "Conversations remembered.",
      static_cast<int64_t>(gateway.sessions().size()));
  add("weir_refused_total", "counter", "Requests refused before a model was chosen.",
      gateway.refused);
  add("weir_ledger_failures_total", "counter", "Writes to the ledger that failed.",
      gateway.ledger().failures());
  return response;
}

http::Response answer_preflight(const Options& options, const http::Request& request) {
  http::Response response;
  response.status = 204;
  add_cors(options, request, response.headers);
  response.headers.add("access-control-allow-methods", "GET, POST, OPTIONS");
  const std::string_view wanted = request.headers.get("access-control-request-headers");
  if (!wanted.empty()) response.headers.add("access-control-allow-headers", wanted);
  response.headers.add("access-control-max-age", "600");
  return response;
}

// The body says nothing of its dialect: Anthropic's clients send a version, else both are tried.
std::expected<wire::Chat, Error> decode_either(const http::Request& request) {
  if (request.headers.contains("anthropic-version"))
    return wire::decode_chat(Dialect::kAnthropic, request.body);
  auto chat = wire::decode_chat(Dialect::kOpenAi, request.body);
  if (chat) return chat;
  auto other = wire::decode_chat(Dialect::kAnthropic, request.body);
  return other ? std::move(other) : std::move(chat);
}

void write_optional(json::Writer& out, std::string_view key, std::optional<double> value) {
  out.key(key);
  value ? out.value(*value) : out.null();
}

void write_usd(json::Writer& out, std::string_view key, std::optional<int64_t> amount_nanousd) {
  out.key(key);
  amount_nanousd ? out.raw(catalog::format_usd(*amount_nanousd)) : out.null();
}

// Which named route is nearest, as {route, similarity, all_similarities}; null where none could be.
void write_semantic(json::Writer& out, const Scorer& scorer, const Estimate& estimate) {
  out.key("semantic");
  if (!estimate.named) return void(out.null());
  out.begin_object().member("route", scorer.named[*estimate.named].name);
  out.member("similarity", estimate.similarities[*estimate.named]);
  out.key("all_similarities").begin_object();
  for (size_t i = 0; i < scorer.named.size(); ++i)
    out.member(scorer.named[i].name, estimate.similarities[i]);
  out.end_object().end_object();
}

std::string decision_json(const Asked& asked, const Estimate& estimate, const Decision& decision,
                          const wire::Chat& chat) {
  json::Writer out;
  out.begin_object();
  out.key("route");
  asked.route != nullptr ? out.value(asked.route->options.name) : out.null();
  out.member("model", decision.deployments.front()->model);
  out.member("reason", policy::to_string(decision.plan.reason));
  write_optional(out, "score", decision.score);
  write_optional(out, "threshold", decision.threshold);
  out.member("control", decision.plan.control);
  out.member("propensity", decision.plan.propensity);
  std::optional<int64_t> cost_nanousd =
      expected_cost_nanousd(*decision.deployments.front(), chat, std::nullopt);
  for (const auto& option : decision.options)
    if (option.deployment == decision.deployments.front())
      cost_nanousd = option.candidate.cost_nanousd;
  write_usd(out, "estimated_cost_usd", cost_nanousd);
  if (asked.route != nullptr && asked.route->scorer && !asked.route->scorer->named.empty())
    write_semantic(out, *asked.route->scorer, estimate);
  out.key("candidates").begin_array();
  for (const auto& option : decision.options) {
    if (!option.candidate.eligible) continue;
    out.begin_object().member("model", option.deployment->model);
    write_optional(out, "quality", option.candidate.quality);
    write_usd(out, "cost_usd", option.candidate.cost_nanousd);
    out.end_object();
  }
  return out.end_array().end_object().take();
}

http::Task<std::expected<std::string, Refusal>> answer_route(Gateway& gateway,
                                                             http::Exchange& exchange,
                                                             const Caller& caller) {
  const Snapshot& snapshot = gateway.snapshot();
  const http::Request& request = exchange.request();
  auto chat = decode_either(request);
  if (!chat) co_return std::unexpected(refusal_of(chat.error()));
  const auto asked =
      resolve(snapshot, chat->dialect, chat->model, request.headers.get("x-weir-route"));
  if (!asked) co_return std::unexpected(asked.error());
  Question question = read_question(snapshot, caller.key_id, request.headers, *chat, *asked);
  recall(gateway.sessions(), *chat, gateway.clock().steady_us(), question);
  policy::Inputs inputs = policy_inputs(*asked, question, *chat);
  WorkerPart& part = gateway.part(exchange.worker());
  const Evidence evidence =
      co_await ask(exchange, snapshot, part.random, *asked, inputs, question.words);
  const Estimate estimated = estimate(*asked, question, evidence, inputs, part.scratch);
  inputs.threshold = gateway.threshold_in_force(*asked, estimated, inputs, Gateway::Seen::kForget);
  const Decision decision = decide(*asked, question, estimated, inputs, *chat);
  if (decision.deployments.empty()) co_return refuse(400, decision.refusal);
  co_return decision_json(*asked, estimated, decision, *chat);
}

// The strongest Anthropic model that would do: the one asked for, else a route's.
const Deployment* counting_model(const Snapshot& snapshot, const Asked& asked) {
  const auto counts = [](const Deployment& d) {
    return d.provider->spoken_to(Dialect::kAnthropic) == Dialect::kAnthropic;
  };
  if (asked.named && counts(*asked.named)) return &*asked.named;
  if (asked.route != nullptr)
    for (const Deployment& d : asked.route->models | std::views::reverse)
      if (counts(d)) return &d;
  for (const auto& route : snapshot.routes())
    for (const Deployment& d : route->models | std::views::reverse)
      if (counts(d)) return &d;
  return nullptr;
}

// Asks the provider; no value on any failure, an estimate is good enough then.
http::Task<std::optional<std::string>> count_upstream(Gateway& gateway, http::Exchange& exchange,
                                                      const Deployment& deployment,
                                                      const wire::Chat& chat) {
  const upstream::Provider& provider = *deployment.provider;
  http::ClientRequest request;
  request.target = upstream::request_target(provider.endpoint, Dialect::kAnthropic,
                                            "/v1/messages/count_tokens", exchange.request().query);
  request.headers = upstream::request_headers(
      provider, Dialect::kAnthropic, exchange.request().headers, gateway.snapshot().instance());
  std::vector<json::Edit> edits;
  edits.push_back({chat.body->root()["model"].range(), json::quoted(deployment.model)});
  request.body = json::apply_edits(chat.body->text(), std::move(edits));
  http::CallLimits limits;
  limits.deadline = exchange.request().deadline.earlier(
      Deadline::after_ms(exchange.worker().clock(), kCountTimeoutMs));
  auto response =
      co_await exchange.worker().client().send(provider.endpoint, request, limits, exchange.gone());
  if (!response || (*response)->status() != 200) co_return std::nullopt;
  auto body = co_await (*response)->read_all(kCountAnswerLimit);
  if (!body) co_return std::nullopt;
  co_return std::move(*body);
}

http::Task<http::Response> answer_count(Gateway& gateway, http::Exchange& exchange) {
  const http::Request& request = exchange.request();
  const auto chat = wire::decode_chat(Dialect::kAnthropic, request.body);
  if (!chat) co_return error_response(Dialect::kAnthropic, refusal_of(chat.error()));
  const auto asked = resolve(gateway.snapshot(), Dialect::kAnthropic, chat->model, "");
  if (!asked) co_return error_response(Dialect::kAnthropic, asked.error());
  if (const auto* deployment = counting_model(gateway.snapshot(), *asked)) {
    auto counted = co_await count_upstream(gateway, exchange, *deployment, *chat);
    if (counted) co_return json_response(std::move(*counted));
  }
  co_return json_response(
      wire::encode_token_count(chat->estimated_input_tokens, wire::TokenCountSource::kEstimated));
}

}  // namespace

std::expected<Endpoint, Refusal> find_endpoint(const Options& options,
                                               const http::Request& request) {
  const auto found = std::ranges::find(kPaths, request.path, &Path::path);
  if (found == kPaths.end())
    return refuse(404, fmt::format("there is no {} here; see docs/api.md", request.path));
  if (request.method == "OPTIONS" && !options.allowed_origins.empty())
    return Endpoint{Action::kPreflight, found->endpoint.dialect};
  const bool fits =
      found->post ? request.method == "POST" : request.method == "GET" || request.method == "HEAD";
  if (fits) return found->endpoint;
  const std::string allowed = found->post ? "POST" : "GET, HEAD";
  return std::unexpected(
      Refusal{405, fmt::format("{} takes {}", request.path, allowed), "allow", allowed});
}

void add_cors(const Options& options, const http::Request& request, http::Headers& out) {
  if (options.allowed_origins.empty() || !request.headers.contains("origin")) return;
  const std::string_view origin = request.headers.get("origin");
  if (std::ranges::find(options.allowed_origins, origin) == options.allowed_origins.end()) return;
  out.set("access-control-allow-origin", origin);
  out.set("access-control-expose-headers", "*");
  out.add("vary", "origin");
}

http::Task<void> answer_endpoint(Gateway& gateway, http::Exchange& exchange, const Caller& caller,
                                 const Endpoint& endpoint) {
  const Options& options = gateway.snapshot().options();
  http::Response response;
  switch (endpoint.action) {
    case Action::kRoute: {
      auto decision = co_await answer_route(gateway, exchange, caller);
      response = decision ? json_response(std::move(*decision))
                          : error_response(error_dialect(exchange.request()), decision.error());
      break;
    }
    case Action::kCountTokens:
      response = co_await answer_count(gateway, exchange);
      break;
    case Action::kModels:
      response = answer_models(gateway, exchange.request());
      break;
    case Action::kHealth:
      response = answer_health(gateway);
      break;
    case Action::kLiveness:
      response = json_response(R"({"status":"alive"})");
      break;
    case Action::kReadiness:
      response = answer_readiness(gateway);
      break;
    case Action::kMetrics:
      response = answer_metrics(gateway);
      break;
    case Action::kPreflight:
      response = answer_preflight(options, exchange.request());
      break;
    case Action::kAbout:
    case Action::kChat:
      response = json_response(fmt::format(R"({{"name":"weir","version":"{}"}})", WEIR_VERSION));
      break;
  }
  if (endpoint.action != Action::kPreflight)
    add_cors(options, exchange.request(), response.headers);
  (void)co_await exchange.respond(std::move(response));
}

}  // namespace weir::gateway
