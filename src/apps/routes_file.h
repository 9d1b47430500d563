// The file of named routes that `weir train --kind semantic --routes` reads: YAML, see
// examples/support.yaml. Thread-safe: no state.
#pragma once

#include <expected>
#include <string>

#include "base/error.h"
#include "train/semantic_routes.h"

namespace weir::apps {

// Fails: kNotFound, or kInvalidArgument with "FILE:LINE: what is wrong; what to do".
[[nodiscard]] std::expected<train::SemanticRoutes, Error> read_routes_file(const std::string& path);

// Writes the router, and says on standard output what it holds.
[[nodiscard]] std::expected<void, Error> train_semantic(const std::string& routes_path,
                                                        const std::string& out_path,
                                                        const std::string& cut_time, bool json);

}  // namespace weir::apps
