// What every request reads and none changes: settings made ready for use. Built once at start (a
// later reload builds another), immutable, shared by all workers.
// Thread-safe: the scorers allow concurrent calls, each with its own Scratch.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/error.h"
#include "catalog/models.h"
#include "gateway/cascade.h"
#include "gateway/encode_pool.h"
#include "gateway/options.h"
#include "model/router.h"
#include "model/semantic.h"
#include "policy/choose.h"
#include "text/own_words.h"
#include "upstream/provider.h"

namespace weir::gateway {

// A model at a provider.
struct Deployment {
  const upstream::Provider* provider = nullptr;
  std::string model;     // as the provider spells it
  catalog::Model facts;  // nothing known when the catalog does not have it
  bool simulated = false;
};

// Where a router's embedding comes from when it is not made in process.
struct EmbedUrl {
  http::Endpoint endpoint;  // base URL, "https://api.openai.com/v1"
  std::string model;
  std::string api_key;  // secret; "" for none
};

// A language model that judges queries (gateway/router_llm.h).
struct RouterModel {
  model::Kind kind = model::Kind::kCausal;
  std::string prompt;
  Deployment deployment;
  std::unique_ptr<const upstream::Provider> own_provider;  // of a file that names an endpoint
  int64_t timeout_ms = 5'000;
};

// A trained router as the request path sees it.
struct Scorer {
  std::function<model::Score(std::string_view query, model::Scratch&)> score;
  // With embed_url instead of score: judges the vector that the URL gave.
  std::function<model::Score(std::span<const float> embedding, model::Scratch&)> score_embedding;
  std::optional<EmbedUrl> embed_url;
  // With score_encoded instead of score: judges the words with the vector that `encoder` made of
  // them on a thread of the pool. Null for routers without a transformer.
  std::shared_ptr<const model::Encoder> encoder;
  std::shared_ptr<EncodePool> encode_pool;
  std::function<model::Score(std::string_view query, std::span<const float> vector,
                             model::Scratch&)>
      score_encoded;
  // Kinds causal and llm, also with score_embedding: whose answer makes the vector.
  std::shared_ptr<const RouterModel> router_model;
  std::shared_ptr<const model::RouterFile> file;  // nullptr: the scorer is not from one
  // Kind cascade: nothing is scored; the weak model's answer is judged.
  std::shared_ptr<const Cascade> cascade;
  std::string kind;         // "lr"
  std::string name;         // kind and hash of the file, for the ledger: "lr-00c0ffee00c0ffee"
  std::string description;  // one line for people
  double threshold = 0.5;   // the file's own
  std::vector<std::string> models;       // as the file names them, weakest first
  bool estimates = false;                // leaves an estimate of each of them in the workspace
  std::vector<model::NamedRoute> named;  // of kind semantic, which names one of them
  std::optional<double> explore;         // of kind cawr, which draws: policy::Inputs::explore
};

// Loads the router of a route; no value: the route has none ("untrained"). The returned scorer
// keeps alive what it needs.
using LoadScorer =
    std::function<std::expected<std::optional<Scorer>, Error>(const RouteOptions& route)>;
// Reads route.router_file, or the shipped models/default.weir, with the shipped embedding.
LoadScorer scorers_from_files();

struct Route {
  RouteOptions options;
  std::vector<Deployment> models;  // weakest first, at least two
  std::optional<Scorer> scorer;
  policy::Rule rule = policy::Rule::kThreshold;
  double threshold = 0.5;       // in force, unless the limit lowers it
  double weak_share_limit = 1;  // 1: none
  text::QueryExtractor query;
  // Of each model its place among the scorer's; empty when the scorer judges the pair only.
  std::vector<size_t> estimate_of;
  std::vector<size_t> model_of_named;  // of each named route of the scorer its place in `models`

  const Deployment& weak() const { return models.front(); }
  const Deployment& strong() const { return models.back(); }
};

class Snapshot {
 public:
  // Fails: kInvalidArgument naming the route or provider (unknown provider of a target, bad base
  // URL, name used twice), or as `load_scorer` does. `salt`: 16 secret bytes.
  [[nodiscard]] static std::expected<std::shared_ptr<const Snapshot>, Error> build(
      Options options, const LoadScorer& load_scorer, std::string_view salt, std::string instance);

  const Options& options() const { return options_; }
  const std::vector<std::unique_ptr<Route>>& routes() const { return routes_; }
  const std::vector<std::unique_ptr<upstream::Provider>>& providers() const { return providers_; }
  const Route* find_route(std::string_view name) const;
  const Route* find_claim(std::string_view model) const;  // routes.<r>.match
  const upstream::Provider* find_provider(std::string_view name) const;
  Deployment deployment(const upstream::Provider& provider, std::string_view model) const;

  std::string_view instance() const { return instance_; }
  // Hash that nobody without the salt can compute; `use` keeps the uses apart.
  uint64_t keyed_hash(std::string_view use, std::string_view bytes) const;
  // The key whose digest this is, in time that does not depend on which; nullptr for none.
  const ClientKey* find_key(std::string_view presented) const;

  // Fails with kInvalidArgument when a provider leads back to this address and port.
  [[nodiscard]] std::expected<void, Error> check_not_own(std::string_view address,
                                                         uint16_t port) const;

 private:
  Snapshot() = default;
  std::expected<void, Error> add_provider(const ProviderOptions& from);
  std::expected<void, Error> add_route(const RouteOptions& from, const LoadScorer& load_scorer);
  std::expected<void, Error> add_names(const Route& route);
  std::expected<void, Error> add_asked_models(Route& route) const;
  std::string embed_key(const http::Endpoint& endpoint) const;
  std::expected<Deployment, Error> target(const RouteOptions& route, const Target& target) const;

  Options options_;
  std::vector<std::unique_ptr<upstream::Provider>> providers_;
  std::vector<std::unique_ptr<Route>> routes_;
  std::map<std::string, const Route*, std::less<>> by_name_, by_claim_;
  std::string instance_;
  SipKey key_;
};

}  // namespace weir::gateway
