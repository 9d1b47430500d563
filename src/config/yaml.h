// A YAML file as a plain tree that knows its line numbers: what a settings file needs and no more.
// Anchors, aliases, tags, several documents and keys that are not text are refused; so a small file
// cannot become a large tree. Pure, thread-safe; yaml-cpp and its exceptions stay in yaml.cc.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace weir::config {

struct Entry;

struct Node {
  enum class Kind { kNull, kScalar, kList, kMap };
  Kind kind = Kind::kNull;
  int line = 0;                // counted from 1
  std::string text;            // of a scalar, unquoted
  std::vector<Node> items;     // of a list
  std::vector<Entry> entries;  // of a map, in order; no key stands twice
};

struct Entry {
  std::string key;
  int line = 0;
  Node value;
};

// Fails with kInvalidArgument and "NAME:LINE: what is wrong"; kTooLarge above 1 MiB, 100,000 nodes
// or 32 levels. An empty text is an empty map.
[[nodiscard]] std::expected<Node, Error> parse_yaml(std::string_view text, std::string_view name);

}  // namespace weir::config
