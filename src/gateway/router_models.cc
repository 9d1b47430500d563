#include "gateway/router_models.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>
#include <optional>

namespace weir::gateway {
namespace {

constexpr std::string_view kWeakWord = "weak", kStrongWord = "strong";

bool is_named(const Deployment& deployment, std::string_view name) {
  return deployment.model == name ||
         fmt::format("{}/{}", deployment.provider->name, deployment.model) == name;
}

std::string names_of(const std::vector<Deployment>& models) {
  std::vector<std::string_view> names;
  for (const Deployment& deployment : models)
    names.push_back(deployment.model);
  return fmt::format("{}", fmt::join(names, ", "));
}

std::optional<std::vector<size_t>> match_by_name(const std::vector<std::string>& of_router,
                                                 const std::vector<Deployment>& of_route) {
  std::vector<size_t> places;
  for (const Deployment& deployment : of_route) {
    const auto found = std::ranges::find_if(
        of_router, [&](const std::string& name) { return is_named(deployment, name); });
    if (found == of_router.end()) return std::nullopt;
    places.push_back(static_cast<size_t>(found - of_router.begin()));
  }
  return places;
}

}  // namespace

std::expected<std::vector<size_t>, Error> match_models(const std::vector<std::string>& of_router,
                                                       const std::vector<Deployment>& of_route) {
  if (auto places = match_by_name(of_router, of_route)) return *std::move(places);
  const bool pair = of_router.size() == 2 && of_route.size() == 2;
  const bool generic = of_router.size() == of_route.size() &&
                       (of_router.front() == kWeakWord && of_router.back() == kStrongWord);
  if (!pair && !generic)
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("its router knows the models {}, but the route has {}: train it with "
                            "the route's names, or name its models in the route",
                            fmt::join(of_router, ", "), names_of(of_route)));
  std::vector<size_t> places(of_route.size());
  std::iota(places.begin(), places.end(), size_t{0});
  return places;
}

std::expected<std::vector<size_t>, Error> match_named(const std::vector<model::NamedRoute>& named,
                                                      const std::vector<Deployment>& of_route) {
  std::vector<size_t> places;
  for (const model::NamedRoute& route : named) {
    const auto found = std::ranges::find_if(
        of_route, [&](const Deployment& deployment) { return is_named(deployment, route.model); });
    if (found != of_route.end()) {
      places.push_back(static_cast<size_t>(found - of_route.begin()));
    } else if (route.model == kWeakWord || route.model == kStrongWord) {
      places.push_back(route.model == kWeakWord ? 0 : of_route.size() - 1);
    } else {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("its router sends '{}' to the model '{}', but the route has {}",
                              route.name, route.model, names_of(of_route)));
    }
  }
  return places;
}

std::string describe_models(const RouteOptions& route) {
  std::vector<std::string> names;
  for (const Target& target : route.models)
    names.push_back(fmt::format("{}/{}", target.provider, target.model));
  if (names.size() == 2) return fmt::format("weak {}, strong {}", names[0], names[1]);
  return fmt::format("{}", fmt::join(names, " < "));
}

}  // namespace weir::gateway
