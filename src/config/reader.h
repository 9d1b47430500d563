// Walks a YAML tree along the table of settings into a Draft. All problems are collected, so that
// one run shows them all. Pure, thread-safe.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/load.h"
#include "config/settings.h"
#include "config/yaml.h"

namespace weir::config {

struct ReadResult {
  Draft draft;
  std::map<std::string, int, std::less<>> lines;  // "routes.auto.weak" -> 12
  std::vector<std::string> problems;              // "NAME:LINE: key: ..."
};

ReadResult read_settings(const Node& root, std::string_view name, const Environment& environment);

// Replaces ${VAR}, ${VAR:-default} and a whole value os.environ/VAR; $${ stands for ${. Fails with
// a sentence that names the variable.
struct Expanded {
  std::string text;
  bool from_environment = false;  // then the text may be a secret
};
[[nodiscard]] std::expected<Expanded, std::string> expand_variables(std::string_view text,
                                                                    const Environment& environment);

}  // namespace weir::config
