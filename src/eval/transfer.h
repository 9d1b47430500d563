// Whether a router knows queries like these: the similarity of a new workload to the queries that
// the router was labelled with, S(B, D) = mean over b in B of max over d in D of cos(b, d)
// (Ong et al., arXiv 2406.18665, appendix D: figures rise with it).
// Pure functions, thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/json.h"

namespace weir::eval {

struct Transfer {
  int64_t queries = 0;        // of the new workload that were compared
  int64_t label_sample = 0;   // vectors of the label set
  double similarity = 0;      // S(new, labels)
  double own_similarity = 0;  // S(labels, labels without the vector itself)
  // Share of the new queries whose nearest label is farther than for 95 % of the labels
  // themselves; about 0.05 where both are of one kind.
  double outside_share = 0;

  bool warns() const { return outside_share > 0.25; }
};

// `label_sample`: int8 unit vectors x 127, [n, dimension]; `vectors`: [queries, dimension], any
// length. At most kTransferQueries queries are compared, spread evenly. nullopt with fewer than 20
// labels or no query. Requires whole vectors.
inline constexpr size_t kTransferQueries = 2000;
std::optional<Transfer> measure_transfer(std::string_view label_sample,
                                         std::span<const float> vectors, size_t dimension);

// One or two sentences for people.
std::string to_text(const std::optional<Transfer>& transfer);

// The member `transfer`, null when unknown.
void write_transfer(json::Writer& out, const std::optional<Transfer>& transfer);

}  // namespace weir::eval
