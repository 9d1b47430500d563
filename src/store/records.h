// The rows of the ledger as values. A request has one start record, written before the first
// upstream byte, and one end record, written before the last byte reaches the client; every
// upstream call is a CallRecord of its own. No prompt, no answer, no credential stands here.
// Times are UTC microseconds, money nano-dollars (nullopt: unknown, never 0). Plain values.
// The field names are those of the journal and of the database: docs/formats/ledger.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/usage.h"

namespace weir::store {

struct StartRecord {
  std::string id = {};                 // UUIDv7 made by weir
  std::string client_request_id = {};  // the client's x-request-id, only recorded
  int64_t started_us = 0;
  std::string instance = {};  // of this process
  std::string config_hash = {};
  std::string route = {};  // "" for named models outside any route
  // "route": weir chose the model; "observe": it only says what it would have chosen; "named": the
  // client chose (a model's name, x-weir-route: strong | weak | off).
  std::string mode = {};
  std::string dialect = {};  // of the client
  std::string requested_model = {};
  bool stream = false;
  // The experiment. unit_hash names the conversation (keyed hash, hex).
  std::string unit_hash = {};
  std::string assigned = {};  // "weak" | "strong" | "" outside the experiment
  std::string served = {};    // tier planned first: "weak" | "strong" | ""
  std::string planned_model = {};
  double propensity = 1;
  bool control = false;
  bool in_experiment = false;
  std::string reason = {};  // policy::to_string(Reason)
  std::optional<double> score = {};
  std::optional<double> threshold = {};
  std::string router = {};         // kind and hash of the model file, "" when none
  std::string features_hash = {};  // of what was scored
  std::string decision_id = {};    // for a sticky row: the request that decided
  std::string key_id = {};         // of the client key, "" without keys
  std::string tags = {};           // x-weir-tags
  std::string end_user_hash = {};
  std::string conversation_hash = {};
  // What the pair costs, for modelled comparisons.
  std::string weak_model = {}, strong_model = {};
};

enum class CallRole { kServed, kDiscarded, kBackground, kJudge, kRouter, kLabel };
std::string_view to_string(CallRole role);                       // "served", ...
std::optional<CallRole> parse_call_role(std::string_view name);  // the inverse

struct CallRecord {
  CallRole role = CallRole::kServed;
  std::string provider = {};
  std::string model = {};
  std::string tier = {};  // "weak" | "strong" | ""
  int attempt = 0;        // from 1, in order
  int64_t started_us = 0;
  int64_t duration_us = 0;
  int status = 0;            // HTTP status, 0 without response
  std::string outcome = {};  // "ok" | failure class | "cut" | "cancelled"
  std::string provider_request_id = {};
  catalog::Usage usage = {};
  std::optional<int64_t> cost_nanousd = {};
  std::string price_version = {};
  bool simulated = false;  // the provider is a simulator: no money was spent
};

struct EndRecord {
  std::string id = {};
  int64_t ended_us = 0;
  std::string outcome = {};  // "ok" | "error" | "client_gone" | "cut"
  int status = 0;            // sent to the client
  std::string served_model = {};
  std::string served_tier = {};  // "weak" | "strong" | ""
  bool fallback = false;
  std::string fallback_cause = {};  // failure class of the weak attempt
  int64_t latency_us = 0;           // first byte in to last byte out
  std::optional<int64_t> first_token_us = {};
  int64_t overhead_us = 0;  // weir's own part: latency without waiting for upstreams
  // What the served call's usage would have cost at either model's price, computed when the call
  // ended, so that it keeps the price of that day:
  //   catalog::cost_nanousd(strong.price, served_call.usage), the same with weak.price.
  // nullopt when that price is unknown or nothing was served.
  std::optional<int64_t> modelled_strong_nanousd = {};
  std::optional<int64_t> modelled_weak_nanousd = {};
  // How a weak answer was judged: "accepted" | "escalated" | "gave_up" | "strong_failed" (judged
  // too weak, but strong gave none) | "" outside a cascade; and the raw confidence read off it.
  std::string cascade = {};
  std::optional<double> weak_confidence = {};
  std::vector<CallRecord> calls = {};
};

}  // namespace weir::store
