// k-means on unit vectors: k-means++ seeding (Arthur and Vassilvitskii 2007), then Lloyd's steps.
// Pure, thread-safe; the same input and seed give the same centroids.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "model/cluster.h"

namespace weir::train {

struct KmeansOptions {
  size_t clusters = 8;
  int64_t seed = 0;
  int max_steps = 20;  // it ends earlier when nothing moves
};

// `vectors` is [n, dimension]; their lengths do not count. A cluster that loses all its vectors is
// put on the one that is farthest from its centroid. Requires 0 < clusters <= n.
model::Centroids kmeans(std::span<const float> vectors, size_t dimension,
                        const KmeansOptions& options);

}  // namespace weir::train
