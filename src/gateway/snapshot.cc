#include "gateway/snapshot.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/check.h"
#include "gateway/ready_router.h"
#include "gateway/router_llm.h"
#include "gateway/router_models.h"
#include "model/answer_routers.h"
#include "model/cawr.h"
#include "model/embedder.h"
#include "model/estimator.h"
#include "model/model_files.h"

namespace weir::gateway {
namespace {

// The shipped router has not seen the traffic that it meets, so it starts with the advice to send
// half to weak, measure, and go on from there.
constexpr double kShippedWeakShare = 0.5;

constexpr std::string_view kDefaultRouterFile = "default.weir";

std::string own_host_name() {
  std::array<char, 256> name = {};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

bool is_own_host(std::string_view host, std::string_view address) {
  return host == "localhost" || host.starts_with("127.") || host == "::1" || host == "0.0.0.0" ||
         host == "::" || host == address || host == own_host_name();
}

std::expected<model::Router, Error> load_router(const RouteOptions& route,
                                                const model::StaticEmbedder& embedder) {
  if (!route.router_kind.empty()) {
    TRY_ASSIGN(const std::string bytes, encode_router_file(ready_router(route.router_kind)));
    return model::Router::from_bytes(bytes, embedder);
  }
  std::filesystem::path file = route.router_file;
  if (file.empty()) {
    TRY_ASSIGN(file, model::find_model_file(kDefaultRouterFile));
  }
  return model::Router::load(file, embedder);
}

std::expected<Scorer, Error> make_scorer(std::shared_ptr<const model::Router> router,
                                         std::shared_ptr<const model::StaticEmbedder> embedder,
                                         std::shared_ptr<EncodePool> encode_pool) {
  Scorer scorer;
  scorer.kind = model::to_string(router->kind());
  scorer.name = fmt::format("{}-{:016x}", scorer.kind, router->hash());
  scorer.description = router->describe();
  scorer.threshold = router->threshold();
  scorer.models = router->models();
  scorer.estimates = model::kind_info(router->kind()).judges == model::Judges::kEveryModel;
  TRY_ASSIGN(scorer.named, model::named_routes(router->file()));
  scorer.explore = model::explore_of(router->file());
  scorer.file = std::shared_ptr<const model::RouterFile>(router, &router->file());
  if (router->embed_source().from == model::EmbedFrom::kUrl &&
      !model::is_answer_kind(router->kind())) {
    auto endpoint = http::Endpoint::parse(router->embed_source().url);
    if (!endpoint) return std::unexpected(endpoint.error());
    scorer.embed_url = EmbedUrl{std::move(*endpoint), router->embed_source().model, ""};
  }
  scorer.encoder = router->encoder();
  if (scorer.encoder) scorer.encode_pool = std::move(encode_pool);
  scorer.score_encoded = [router, embedder](std::string_view query, std::span<const float> vector,
                                            model::Scratch& scratch) {
    return router->score(query, vector, scratch);
  };
  scorer.score_embedding = [router](std::span<const float> embedding, model::Scratch& scratch) {
    return router->score_embedding(embedding, scratch);
  };
  scorer.score = [router, embedder](std::string_view query, model::Scratch& scratch) {
    return router->score(query, scratch);
  };
  return scorer;
}

std::unexpected<Error> no_use(std::string_view setting, std::string_view why) {
  return fail(ErrorCode::kInvalidArgument, fmt::format("{} has no effect: {}", setting, why));
}

// Which rule the route follows, and that its router can serve it.
std::expected<void, Error> set_rule(Route& route) {
  const RouteOptions& from = route.options;
  using policy::Rule;
  if (from.value_usd) route.rule = Rule::kValue;
  if (from.quality_floor) route.rule = Rule::kQualityFloor;
  const std::string_view rule = policy::to_string(route.rule);
  if (from.value_usd && from.quality_floor)
    return no_use("quality_floor", "value_usd is set; keep one of the two");
  if (route.rule != Rule::kThreshold) {
    if (from.threshold) return no_use("threshold", fmt::format("{} decides", rule));
    if (from.weak_share_limit) return no_use("weak_share_limit", fmt::format("{} decides", rule));
  }
  if (!route.scorer) return {};
  const Scorer& scorer = *route.scorer;
  if (!scorer.named.empty() || scorer.explore) {
    const std::string why = scorer.explore
                                ? "a router of kind cawr draws; train it for another strong share"
                                : "a router of kind semantic names the model itself";
    if (route.rule != Rule::kThreshold) return no_use(rule, why);
    if (from.threshold) return no_use("threshold", why);
    if (from.weak_share_limit) return no_use("weak_share_limit", why);
  }
  TRY_ASSIGN(route.model_of_named, match_named(scorer.named, route.models));
  if (scorer.estimates) {
    TRY_ASSIGN(route.estimate_of, match_models(scorer.models, route.models));
  } else if (route.rule == Rule::kQualityFloor ||
             (route.rule == Rule::kValue && route.models.size() > 2)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} needs a router that estimates every model; one of kind {} judges "
                            "whether the strongest is needed",
                            rule, scorer.kind));
  }
  if (route.rule == Rule::kValue)
    for (const Deployment& deployment : route.models)
      if (!deployment.facts.price.known())
        return fail(ErrorCode::kInvalidArgument,
                    fmt::format("value_usd needs the price of '{0}': set "
                                "models.{0}.input_usd_per_million and output_usd_per_million",
                                deployment.model));
  return {};
}

}  // namespace

LoadScorer scorers_from_files() {
  // One embedding for all routes, loaded when the first of them needs it.
  auto shared = std::make_shared<std::shared_ptr<const model::StaticEmbedder>>();
  return [shared, encode_pool = make_encode_pool()](
             const RouteOptions& route) -> std::expected<std::optional<Scorer>, Error> {
    if (route.router_none) return std::nullopt;
    if (*shared == nullptr) {
      std::filesystem::path file;
      TRY_ASSIGN(file, model::find_model_file(model::kStaticEmbeddingFile));
      auto embedder = model::StaticEmbedder::load(file);
      if (!embedder) return std::unexpected(embedder.error());
      *shared = std::make_shared<const model::StaticEmbedder>(std::move(*embedder));
    }
    auto loaded = load_router(route, **shared);
    if (!loaded) return std::unexpected(loaded.error());
    const auto router = std::make_shared<const model::Router>(std::move(*loaded));
    if (!router->trained()) return std::nullopt;
    return make_scorer(router, *shared, encode_pool);
  };
}

std::expected<std::shared_ptr<const Snapshot>, Error> Snapshot::build(Options options,
                                                                      const LoadScorer& load_scorer,
                                                                      std::string_view salt,
                                                                      std::string instance) {
  CHECK(salt.size() == 16);
  const std::shared_ptr<Snapshot> snapshot(new Snapshot);
  snapshot->options_ = std::move(options);
  snapshot->instance_ = std::move(instance);
  std::memcpy(&snapshot->key_.k0, salt.data(), 8);
  std::memcpy(&snapshot->key_.k1, salt.data() + 8, 8);
  for (const auto& provider : snapshot->options_.providers)
    TRY(snapshot->add_provider(provider));
  for (const auto& route : snapshot->options_.routes)
    TRY(snapshot->add_route(route, load_scorer));
  return snapshot;
}

std::expected<void, Error> Snapshot::add_provider(const ProviderOptions& from) {
  if (find_provider(from.name) != nullptr)
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("provider '{}' is configured twice", from.name));
  auto provider = std::make_unique<upstream::Provider>();
  auto endpoint = http::Endpoint::parse(from.base_url);
  if (!endpoint)
    return fail(endpoint.error().code,
                fmt::format("provider '{}': {}", from.name, endpoint.error().message));
  provider->name = from.name;
  provider->dialect = from.dialect;
  provider->both_dialects = from.speaks_both;
  provider->simulated = from.simulated;
  provider->endpoint = std::move(*endpoint);
  provider->endpoint.ca_file = from.ca_file;
  provider->api_key = from.api_key;
  for (const auto& [name, value] : from.headers)
    provider->extra_headers.add(name, value);
  provider->stream_usage = from.stream_usage;
  provider->max_retries = from.max_retries;
  providers_.push_back(std::move(provider));
  return {};
}

std::expected<Deployment, Error> Snapshot::target(const RouteOptions& route,
                                                  const Target& target) const {
  const auto* provider = find_provider(target.provider);
  if (provider == nullptr)
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("route '{}': model '{}' names provider '{}', which is not configured",
                            route.name, target.model, target.provider));
  return deployment(*provider, target.model);
}

std::expected<void, Error> Snapshot::add_route(const RouteOptions& from,
                                               const LoadScorer& load_scorer) {
  auto route = std::make_unique<Route>();
  route->options = from;
  if (from.models.size() < 2 || from.models.size() > policy::kMostCandidates)
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("route '{}': {} models; it needs 2 to {}", from.name,
                            from.models.size(), policy::kMostCandidates));
  for (const Target& one : from.models) {
    TRY_ASSIGN(Deployment deployment, target(from, one));
    route->models.push_back(std::move(deployment));
  }
  auto scorer = load_scorer(from);
  if (!scorer)
    return fail(scorer.error().code,
                fmt::format("route '{}': {}", from.name, scorer.error().message));
  route->scorer = std::move(*scorer);
  if (route->scorer && route->scorer->embed_url && route->scorer->embed_url->api_key.empty())
    route->scorer->embed_url->api_key = embed_key(route->scorer->embed_url->endpoint);
  route->threshold = from.threshold.value_or(route->scorer ? route->scorer->threshold : 0.5);
  const bool shipped =
      from.router_file.empty() && from.router_kind.empty() && !from.router_none && !from.threshold;
  route->weak_share_limit = from.weak_share_limit.value_or(shipped ? kShippedWeakShare : 1.0);
  auto query = text::QueryExtractor::make(from.query_from);
  if (!query)
    return fail(query.error().code,
                fmt::format("route '{}': query_from: {}", from.name, query.error().message));
  route->query = std::move(*query);
  if (const auto added = add_asked_models(*route); !added)
    return fail(added.error().code,
                fmt::format("route '{}': {}", from.name, added.error().message));
  if (const auto ruled = set_rule(*route); !ruled)
    return fail(ruled.error().code,
                fmt::format("route '{}': {}", from.name, ruled.error().message));
  TRY(add_names(*route));
  routes_.push_back(std::move(route));
  return {};
}

std::expected<void, Error> Snapshot::add_names(const Route& route) {
  const RouteOptions& from = route.options;
  if (!by_name_.emplace(from.name, &route).second)
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("route '{}' is configured twice", from.name));
  for (const auto& name : from.match)
    if (!by_claim_.emplace(name, &route).second)
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("two routes claim the model '{}'; leave it in one", name));
  return {};
}

// Of routers that judge by a model's answer, before the route's models or of the weak one.
std::expected<void, Error> Snapshot::add_asked_models(Route& route) const {
  if (!route.scorer || route.scorer->file == nullptr) return {};
  const model::RouterFile& file = *route.scorer->file;
  const RouteOptions& from = route.options;
  if (file.kind == model::Kind::kCascade) {
    TRY_ASSIGN(Cascade cascade, make_cascade(from.cascade, &file));
    route.scorer->cascade = std::make_shared<const Cascade>(std::move(cascade));
  }
  if (!model::is_answer_kind(file.kind)) return {};
  std::optional<Deployment> deployment;
  if (from.router_model) {
    TRY_ASSIGN(deployment, target(from, *from.router_model));
  }
  TRY_ASSIGN(RouterModel router_model,
             make_router_model(file, std::move(deployment), options_.catalog,
                               [&](const auto& endpoint) { return embed_key(endpoint); }));
  router_model.timeout_ms = from.router_timeout_ms;
  route.scorer->router_model = std::make_shared<const RouterModel>(std::move(router_model));
  return {};
}

// The setting, else the key of the provider at that host.
std::string Snapshot::embed_key(const http::Endpoint& endpoint) const {
  if (!options_.embed_api_key.empty()) return options_.embed_api_key;
  for (const auto& provider : providers_)
    if (provider->endpoint.host == endpoint.host && provider->endpoint.tls == endpoint.tls)
      return provider->api_key;
  return "";
}

const Route* Snapshot::find_route(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

const Route* Snapshot::find_claim(std::string_view model) const {
  const auto found = by_claim_.find(model);
  return found == by_claim_.end() ? nullptr : found->second;
}

const upstream::Provider* Snapshot::find_provider(std::string_view name) const {
  const auto found = std::ranges::find(providers_, name, [](const auto& p) { return p->name; });
  return found == providers_.end() ? nullptr : found->get();
}

Deployment Snapshot::deployment(const upstream::Provider& provider, std::string_view model) const {
  return {&provider, std::string(model), options_.catalog.get_or_unknown(model),
          provider.simulated};
}

uint64_t Snapshot::keyed_hash(std::string_view use, std::string_view bytes) const {
  const SipKey own = {key_.k0 ^ fnv1a(use), key_.k1};
  return siphash(own, bytes);
}

const ClientKey* Snapshot::find_key(std::string_view presented) const {
  const std::string digest = to_hex(sha256(presented));
  const ClientKey* found = nullptr;
  for (const auto& key : options_.keys)
    if (equal_constant_time(digest, key.sha256_hex)) found = &key;
  return found;
}

std::expected<void, Error> Snapshot::check_not_own(std::string_view address, uint16_t port) const {
  for (const auto& provider : providers_)
    if (provider->endpoint.port == port && is_own_host(provider->endpoint.host, address))
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("provider '{}' has the address of weir itself ({}); set its base_url "
                              "to the real provider, or give weir another port",
                              provider->name, provider->endpoint.authority()));
  return {};
}

}  // namespace weir::gateway
