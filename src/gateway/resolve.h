// What a model name asks for: to be routed, or one model at one provider. The order of the rules is
// that of docs/api.md, "Model names". Pure.
#pragma once

#include <expected>
#include <optional>
#include <string_view>

#include "gateway/refusal.h"
#include "gateway/snapshot.h"
#include "policy/choose.h"
#include "wire/dialect.h"

namespace weir::gateway {

struct Asked {
  enum class Kind {
    kRoute,    // weir chooses
    kObserve,  // `named` serves, weir says what it would have chosen
    kNamed,    // `named` serves
  };
  Kind kind = Kind::kNamed;
  const Route* route = nullptr;                    // of kRoute and kObserve
  std::optional<Deployment> named;                 // of kObserve and kNamed
  std::optional<double> threshold;                 // router-<kind>-<threshold>
  std::optional<policy::Tier> tier;                // x-weir-route: strong | weak
  policy::Reason reason = policy::Reason::kNamed;  // of kNamed

  // Whether the experiment's assignment decides; explicit choices of the client do not count.
  bool in_experiment() const { return kind == Kind::kRoute && !threshold && !tier; }
};

// `header`: the value of x-weir-route, "" when absent.
// Fails: 404 with near names, 400 for another header value.
[[nodiscard]] std::expected<Asked, Refusal> resolve(const Snapshot& snapshot, wire::Dialect inbound,
                                                    std::string_view model,
                                                    std::string_view header);

// The names that may be asked for: routes, claims, models of routes.
std::vector<std::string> known_names(const Snapshot& snapshot);

}  // namespace weir::gateway
