#include "gateway/snapshot.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/check.h"
#include "model/embedder.h"
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

}  // namespace

LoadScorer scorers_from_files() {
  // One embedding for all routes, loaded when the first of them needs it.
  auto shared = std::make_shared<std::shared_ptr<const model::StaticEmbedder>>();
  return [shared](const RouteOptions& route) -> std::expected<std::optional<Scorer>, Error> {
    if (route.router_none) return std::nullopt;
    if (*shared == nullptr) {
      std::filesystem::path file;
      TRY_ASSIGN(file, model::find_model_file(model::kStaticEmbeddingFile));
      auto embedder = model::StaticEmbedder::load(file);
      if (!embedder) return std::unexpected(embedder.error());
      *shared = std::make_shared<const model::StaticEmbedder>(std::move(*embedder));
    }
    std::filesystem::path file = route.router_file;
    if (file.empty()) {
      TRY_ASSIGN(file, model::find_model_file(kDefaultRouterFile));
    }
    auto loaded = model::Router::load(file, **shared);
    if (!loaded) return std::unexpected(loaded.error());
    const auto router = std::make_shared<const model::Router>(std::move(*loaded));
    if (!router->trained()) return std::nullopt;
    Scorer scorer;
    scorer.kind = model::to_string(router->kind());
    scorer.name = fmt::format("{}-{:016x}", scorer.kind, router->hash());
    scorer.description = router->describe();
    scorer.threshold = router->threshold();
    if (router->embed_source().from == model::EmbedFrom::kUrl) {
      auto endpoint = http::Endpoint::parse(router->embed_source().url);
      if (!endpoint) return std::unexpected(endpoint.error());
      scorer.embed_url = EmbedUrl{std::move(*endpoint), router->embed_source().model, ""};
    }
    scorer.score_embedding = [router](std::span<const float> embedding, model::Scratch& scratch) {
      return router->score_embedding(embedding, scratch);
    };
    scorer.score = [router, embedder = *shared](std::string_view query, model::Scratch& scratch) {
      return router->score(query, scratch);
    };
    return scorer;
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
  TRY_ASSIGN(route->weak, target(from, from.weak));
  TRY_ASSIGN(route->strong, target(from, from.strong));
  auto scorer = load_scorer(from);
  if (!scorer)
    return fail(scorer.error().code,
                fmt::format("route '{}': {}", from.name, scorer.error().message));
  route->scorer = std::move(*scorer);
  if (route->scorer && route->scorer->embed_url && route->scorer->embed_url->api_key.empty())
    route->scorer->embed_url->api_key = embed_key(route->scorer->embed_url->endpoint);
  route->threshold = from.threshold.value_or(route->scorer ? route->scorer->threshold : 0.5);
  const bool shipped = from.router_file.empty() && !from.router_none && !from.threshold;
  route->weak_share_limit = from.weak_share_limit.value_or(shipped ? kShippedWeakShare : 1.0);
  auto query = text::QueryExtractor::make(from.query_from);
  if (!query)
    return fail(query.error().code,
                fmt::format("route '{}': query_from: {}", from.name, query.error().message));
  route->query = std::move(*query);
  if (!by_name_.emplace(from.name, route.get()).second)
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("route '{}' is configured twice", from.name));
  for (const auto& name : from.match)
    if (!by_claim_.emplace(name, route.get()).second)
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("two routes claim the model '{}'; leave it in one", name));
  routes_.push_back(std::move(route));
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
