// Kind cluster: queries are grouped by k-means, and a table says how well each model answers each
// group. A query takes the 3 nearest groups, weighted by softmax(-9 distance) (Avengers-Pro,
// arXiv 2508.12631). A new model joins by answering a sample of each group: only its column of the
// table is new. What the estimator in cluster.cc and the fit share. Pure functions, thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace weir::model {

// Sections of a router file.
namespace section {
// bytes: float32 [clusters, dimension], little-endian
inline constexpr std::string_view kClusterCentroids = "cluster_centroids";
inline constexpr std::string_view kClusterQuality = "cluster_quality";  // [clusters, models]
// [clusters, models], -1 unknown
inline constexpr std::string_view kClusterTokens = "cluster_tokens";
// [clusters, models]: how many labels a quality rests on
inline constexpr std::string_view kClusterEvidence = "cluster_evidence";
// [1]: labels that the model's mean counts as in every cluster
inline constexpr std::string_view kClusterPriorWeight = "cluster_prior_weight";
inline constexpr std::string_view kClusterProbability = "cluster_probability";  // [2]
}  // namespace section

struct ClusterShare {
  uint32_t cluster = 0;
  double weight = 0;
};

inline constexpr size_t kNearestClusters = 3;
inline constexpr double kClusterSharpness = 9;

struct Shares {
  std::array<ClusterShare, kNearestClusters> all;
  size_t count = 0;

  const ClusterShare* begin() const { return all.data(); }
  const ClusterShare* end() const { return all.data() + count; }
};

// Centroids of unit vectors.
class Centroids {
 public:
  Centroids() = default;
  // [clusters, dimension], finite. Requires a whole number of centroids.
  Centroids(std::vector<float> values, size_t dimension);

  size_t size() const { return squares_.size(); }
  std::span<const float> values() const { return values_; }

  // The nearest clusters, nearest first; weights add up to 1. The vector's length does not count.
  // `distances` is memory to work in. Requires size() > 0.
  Shares shares(std::span<const float> vector, std::vector<double>& distances) const;
  // The nearest one alone.
  uint32_t nearest(std::span<const float> vector) const;

 private:
  double squared_distance(std::span<const float> vector, double inverse_norm, size_t cluster) const;

  std::vector<float> values_;
  std::vector<double> squares_;  // |centroid|^2
  size_t dimension_ = 0;
};

}  // namespace weir::model
