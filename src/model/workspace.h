// What a forward pass leaves beside its score, and the memory that it works in. A Workspace belongs
// to one thread at a time and is kept from query to query, so that a warm one allocates nothing.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

namespace weir::model {

// What a router expects of one model for one query.
struct ModelEstimate {
  double quality = std::numeric_limits<double>::quiet_NaN();        // expected score in [0, 1]
  double output_tokens = std::numeric_limits<double>::quiet_NaN();  // NaN: not estimated
};

// A labelled query that a decision rests on.
struct Neighbour {
  uint32_t anchor = 0;  // index into the router file's anchors
  float similarity = 0;
};

struct Workspace {
  // In the order of RouterFile::models; empty when the kind judges the pair only.
  std::vector<ModelEstimate> estimates;
  std::vector<Neighbour> neighbours;  // nearest first; empty when the kind has none
  std::vector<float> similarities;    // to each named route; empty when the kind has none
  std::optional<uint32_t> route;      // the named route that won; nullopt: none, or out of support

  // Free for the kinds to use; no content is promised from one call to the next.
  std::vector<float> floats;
  std::vector<double> doubles;
  std::vector<uint32_t> indexes;
  std::vector<int8_t> bytes;

  // Forgets the last query, keeps the memory.
  void clear() {
    estimates.clear();
    neighbours.clear();
    similarities.clear();
    route.reset();
  }
};

}  // namespace weir::model
