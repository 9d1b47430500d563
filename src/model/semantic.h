// Named routes: each has examples and a model, and the nearest to a query wins. This header is what
// other folders know of a router of kind semantic; its forward pass is in semantic.cc.
// Pure functions, thread-safe.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "model/router_file.h"

namespace weir::model {

struct NamedRoute {
  std::string name;
  std::string description;  // for people
  std::string model;        // one of RouterFile::models

  bool operator==(const NamedRoute&) const = default;
};

inline constexpr size_t kMostNamedRoutes = 1024;

// The named routes of a file, in the order of Workspace::similarities; empty for every other kind.
// Fails: kCorrupt.
[[nodiscard]] std::expected<std::vector<NamedRoute>, Error> named_routes(const RouterFile& file);

// The text that a file keeps them as.
std::string encode_named_routes(const std::vector<NamedRoute>& routes);

}  // namespace weir::model
