// How the models that a router was trained on are the models of the route that it serves. A wrong
// match would send requests to the wrong model without a sound, so whatever does not match by name
// is refused at start. Pure.
#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <vector>

#include "base/error.h"
#include "gateway/snapshot.h"

namespace weir::gateway {

// Of each model of the route its place among the router's models: by name (`model` or
// `provider/model`); or by position, when a router of as many models calls them weak and strong,
// or is one of a pair. Fails: kInvalidArgument with both lists of names.
[[nodiscard]] std::expected<std::vector<size_t>, Error> match_models(
    const std::vector<std::string>& of_router, const std::vector<Deployment>& of_route);

// Of each named route of a semantic router the place of its model in the route; `weak` and `strong`
// are the first and the last. Fails: kInvalidArgument naming the route's model that is not there.
[[nodiscard]] std::expected<std::vector<size_t>, Error> match_named(
    const std::vector<model::NamedRoute>& named, const std::vector<Deployment>& of_route);

// For people: "weak P/M, strong P/M", or "P/A < P/B < P/C".
std::string describe_models(const RouteOptions& route);

}  // namespace weir::gateway
