// What the gateway is told at start. config fills these from weir.yaml and the environment; there
// is no second copy of the settings. Plain values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "catalog/models.h"
#include "gateway/cascade_options.h"
#include "http/client.h"
#include "http/server.h"
#include "text/own_words.h"
#include "wire/dialect.h"

namespace weir::gateway {

struct ProviderOptions {
  std::string name;  // "openai", "anthropic", "simulator" ...
  wire::Dialect dialect = wire::Dialect::kOpenAi;
  bool speaks_both = false;  // serves the other dialect too: then the client's is used
  std::string base_url;      // "https://api.openai.com/v1"
  std::string api_key;       // secret: never logged
  std::string ca_file;
  bool stream_usage = true;  // the provider understands stream_options.include_usage
  int max_retries = 2;       // on the same provider, for failures worth retrying
  bool simulated = false;    // the built-in simulator: reports say so
  std::map<std::string, std::string> headers;  // extra, e.g. a gateway's own
};

// A model as one provider serves it.
struct Target {
  std::string provider;
  std::string model;  // as the provider spells it
};

// What happens to a claimed name (RouteOptions::match). The route's own name always routes.
enum class RouteMode { kRoute, kObserve };

struct RouteOptions {
  std::string name = "auto";
  RouteMode mode = RouteMode::kObserve;
  std::vector<Target> models;       // weakest and cheapest first, at least two
  std::vector<std::string> match;   // real model names that this route claims
  std::string router_file;          // "" = the shipped default; see the next two
  bool router_none = false;         // no router: everything strong, reason untrained
  std::string router_kind;          // a kind that needs no file ("random", "length"); "" for none
  std::optional<double> threshold;  // overrides the file's
  // At most one of the two is set; neither: the score against the threshold.
  std::optional<double> value_usd;      // worth of one unit of quality (policy::Rule::kValue)
  std::optional<double> quality_floor;  // policy::Rule::kQualityFloor
  // At most this share of the latest scored conversations goes to weak. Without a value: 0.5 with
  // the shipped router and its own threshold, else no limit.
  std::optional<double> weak_share_limit;
  double control_share = 0.05;
  text::QueryFrom query_from;
  int64_t weak_first_event_ms = 30'000;
  // Of routers that ask a model (kinds causal and llm): which one, where no router file says it.
  std::optional<Target> router_model;
  int64_t router_timeout_ms = 5'000;  // after which the query counts as not judged: strong
  CascadeOptions cascade;             // of kind cascade
};

enum class OnLedgerFailure { kServe, kRefuse };

struct ClientKey {
  std::string id;          // shown in reports
  std::string sha256_hex;  // of the key
};

struct Options {
  http::ServerOptions server;
  http::ClientOptions client;
  std::vector<ProviderOptions> providers;
  std::vector<RouteOptions> routes;
  catalog::Catalog catalog;
  bool strict_models = false;
  // For routers whose embedding comes from a URL; "": the key of the provider at that host.
  std::string embed_api_key;  // secret: never logged
  std::vector<ClientKey> keys;
  bool insecure = false;  // a non-loopback address without keys, on the user's word
  std::vector<std::string> allowed_origins;  // cors; empty: requests with Origin are refused
  int64_t session_idle_s = 3600;
  size_t session_limit = 100'000;  // conversations kept in memory, oldest dropped
  int64_t stream_idle_ms = 120'000;
  int64_t retry_after_limit_ms = 2'000;
  int64_t shutdown_grace_ms = 30'000;
  OnLedgerFailure on_ledger_failure = OnLedgerFailure::kServe;
  bool log_texts = false;  // prompts and answers in the debug log: off unless asked for
  std::string state_folder;
  int retention_days = 90;
  int64_t journal_sync_ms = 100;
  std::string config_hash;  // of the effective settings without secrets
  uint64_t seed = 0;        // 0: from the system
  std::string ready_file;   // written with "address:port\n" once listening
};

}  // namespace weir::gateway
