// Routers of the kinds causal and llm: a language model says how hard a query is, before one of the
// route's own models is called. The call goes the way of every other (retries, deadline, ledger);
// whatever goes wrong means that the query could not be judged, hence strong.
#pragma once

#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "gateway/snapshot.h"
#include "http/server.h"
#include "store/records.h"

namespace weir::gateway {

// The model that the route names (`deployment`), else the one whose endpoint stands in the file.
// `key_of` gives that endpoint's key, "" for none. Requires a file of such a kind. Fails:
// kInvalidArgument when neither names a model, or the file a bad URL.
using KeyOf = std::function<std::string(const http::Endpoint& endpoint)>;
[[nodiscard]] std::expected<RouterModel, Error> make_router_model(
    const model::RouterFile& file, std::optional<Deployment> deployment,
    const catalog::Catalog& catalog, const KeyOf& key_of);

// On whose behalf a router model is asked. What it refers to must outlive the task.
struct RouterQuestion {
  http::Worker& worker;
  Random& random;
  http::Cancellation& gone;
  Deadline deadline;  // of the client; the model's own limit stands beside it
  std::string_view words;
  std::string_view instance = {};
  std::string_view hops = {};  // upstream::kHopHeader of the client's request
};

struct RouterAnswer {
  std::expected<std::vector<float>, Error> numbers;  // for Scorer::score_embedding
  std::vector<store::CallRecord> calls;              // of role kRouter
};

http::Task<RouterAnswer> ask_router_model(const RouterModel& model, RouterQuestion question);

}  // namespace weir::gateway
