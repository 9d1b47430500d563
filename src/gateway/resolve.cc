#include "gateway/resolve.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <ranges>

namespace weir::gateway {
namespace {

using policy::Reason;
using policy::Tier;

struct RouterName {
  std::string_view kind;
  double threshold;
};

// "router-mf-0.11593", as RouteLLM spells it.
std::optional<RouterName> parse_router_name(std::string_view model) {
  constexpr std::string_view kPrefix = "router-";
  if (!model.starts_with(kPrefix)) return std::nullopt;
  model.remove_prefix(kPrefix.size());
  const size_t dash = model.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const std::string_view number = model.substr(dash + 1);
  double threshold = -1;
  const auto [end, error] =
      std::from_chars(number.data(), number.data() + number.size(), threshold);
  if (error != std::errc() || end != number.data() + number.size()) return std::nullopt;
  if (!(threshold >= 0 && threshold <= 1)) return std::nullopt;
  return RouterName{model.substr(0, dash), threshold};
}

// The value of x-weir-route: `strong`, `weak`, or one of the route's models.
std::optional<Tier> parse_tier(const Route* route, std::string_view header) {
  if (header == "strong") return Tier::kStrong;
  if (header == "weak") return Tier::kWeak;
  if (route == nullptr) return std::nullopt;
  for (size_t i = 0; i < route->models.size(); ++i)
    if (route->models[i].model == header) return policy::tier_of(i, route->models.size());
  return std::nullopt;
}

Refusal unknown_model(const Snapshot& snapshot, std::string_view model, std::string_view why) {
  std::vector<std::string> names = known_names(snapshot);
  std::erase(names, model);  // a name that is claimed but cannot be served is no help
  const auto near = catalog::nearest_names(model, names);
  return {404,
          fmt::format("model '{}' is not known here: {}{}", model.substr(0, 200), why,
                      near.empty() ? "" : fmt::format("; near names: {}", fmt::join(near, ", ")))};
}

std::expected<Asked, Refusal> resolve_router(const Snapshot& snapshot, std::string_view model,
                                             const RouterName& name) {
  for (const auto& route : snapshot.routes())
    if (route->scorer && route->scorer->kind == name.kind) {
      Asked asked;
      asked.kind = Asked::Kind::kRoute;
      asked.route = route.get();
      asked.threshold = name.threshold;
      return asked;
    }
  return std::unexpected(
      unknown_model(snapshot, model, fmt::format("no route has a router of kind '{}'", name.kind)));
}

const Deployment* find_target(const Snapshot& snapshot, std::string_view model) {
  for (const auto& route : snapshot.routes())
    for (const Deployment& target : route->models | std::views::reverse)
      if (target.model == model) return &target;
  return nullptr;
}

// One model at one provider: provider/model, a model of a route, or any name at the only provider
// of the client's dialect.
std::expected<Deployment, Refusal> resolve_named(const Snapshot& snapshot, wire::Dialect inbound,
                                                 std::string_view model) {
  if (const size_t slash = model.find('/'); slash != std::string_view::npos)
    if (const auto* provider = snapshot.find_provider(model.substr(0, slash))) {
      if (slash + 1 == model.size())
        return std::unexpected(
            unknown_model(snapshot, model, "no model stands behind the provider's name"));
      return snapshot.deployment(*provider, model.substr(slash + 1));
    }
  if (const Deployment* target = find_target(snapshot, model)) return *target;
  if (snapshot.options().strict_models && snapshot.options().catalog.find(model) == nullptr)
    return std::unexpected(unknown_model(
        snapshot, model, "strict_models is on and neither the settings nor the table have it"));
  const upstream::Provider* only = nullptr;
  int count = 0;
  for (const auto& provider : snapshot.providers())
    if (provider->both_dialects || provider->dialect == inbound) only = provider.get(), ++count;
  if (count == 1) return snapshot.deployment(*only, model);
  return std::unexpected(
      unknown_model(snapshot, model,
                    fmt::format("{} providers speak the {} dialect; write it as PROVIDER/MODEL",
                                count == 0 ? "no" : "several", wire::to_string(inbound))));
}

}  // namespace

std::vector<std::string> known_names(const Snapshot& snapshot) {
  std::vector<std::string> names;
  const auto add = [&](const std::string& name) {
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
  };
  for (const auto& route : snapshot.routes())
    add(route->options.name);
  for (const auto& route : snapshot.routes())
    for (const auto& claimed : route->options.match)
      add(claimed);
  for (const auto& route : snapshot.routes())
    for (const Deployment& target : route->models | std::views::reverse)
      add(target.model);
  return names;
}

std::expected<Asked, Refusal> resolve(const Snapshot& snapshot, wire::Dialect inbound,
                                      std::string_view model, std::string_view header) {
  const bool off = header == "off";
  Asked asked;
  asked.route = snapshot.find_route(model);
  const Route* claim = asked.route == nullptr ? snapshot.find_claim(model) : nullptr;
  if (!header.empty() && !off) {
    asked.tier = parse_tier(asked.route != nullptr ? asked.route : claim, header);
    if (!asked.tier)
      return refuse(400, "x-weir-route must be strong, weak, off or a model of the route");
  }
  if (asked.route != nullptr || (claim != nullptr && asked.tier)) {
    if (claim != nullptr) asked.route = claim;
    asked.kind = off ? Asked::Kind::kNamed : Asked::Kind::kRoute;
    if (off) asked.named = asked.route->strong(), asked.reason = Reason::kOff;
    return asked;
  }
  if (claim != nullptr && !off && claim->options.mode == RouteMode::kRoute) {
    asked.kind = Asked::Kind::kRoute;
    asked.route = claim;
    return asked;
  }
  if (const auto router = parse_router_name(model); router && claim == nullptr)
    return resolve_router(snapshot, model, *router);
  auto named = resolve_named(snapshot, inbound, model);
  if (!named) return std::unexpected(std::move(named.error()));
  asked.named = std::move(*named);
  asked.tier.reset();
  if (claim != nullptr && off) asked.reason = Reason::kOff;
  if (claim != nullptr && !off) {
    asked.kind = Asked::Kind::kObserve;
    asked.route = claim;
    asked.reason = Reason::kObserve;
  }
  return asked;
}

}  // namespace weir::gateway
