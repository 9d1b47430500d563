#include "model/cluster.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <utility>

#include "base/check.h"
#include "model/estimators.h"
#include "model/gap_map.h"
#include "model/sections.h"
#include "simd/kernels.h"

namespace weir::model {

Centroids::Centroids(std::vector<float> values, size_t dimension)
    : values_(std::move(values)), dimension_(dimension) {
  CHECK(dimension > 0 && values_.size() % dimension == 0);
  for (size_t at = 0; at < values_.size(); at += dimension) {
    const auto centroid = std::span(values_).subspan(at, dimension);
    squares_.push_back(double{simd::dot(centroid, centroid)});
  }
}

namespace {

double inverse_norm(std::span<const float> vector) {
  const float square = simd::dot(vector, vector);
  return square > 0 ? 1 / std::sqrt(double{square}) : 0;
}

}  // namespace

double Centroids::squared_distance(std::span<const float> vector, double inverse_norm,
                                   size_t cluster) const {
  const auto centroid = std::span(values_).subspan(cluster * dimension_, dimension_);
  const double cosine = double{simd::dot(vector, centroid)} * inverse_norm;
  return std::max(0.0, 1 + squares_[cluster] - 2 * cosine);
}

uint32_t Centroids::nearest(std::span<const float> vector) const {
  const double inverse = inverse_norm(vector);
  uint32_t best = 0;
  double least = squared_distance(vector, inverse, 0);
  for (uint32_t cluster = 1; cluster < size(); ++cluster) {
    const double distance = squared_distance(vector, inverse, cluster);
    if (distance < least) best = cluster, least = distance;
  }
  return best;
}

Shares Centroids::shares(std::span<const float> vector, std::vector<double>& distances) const {
  const double inverse = inverse_norm(vector);
  distances.clear();
  for (size_t cluster = 0; cluster < size(); ++cluster)
    distances.push_back(std::sqrt(squared_distance(vector, inverse, cluster)));
  Shares shares;
  shares.count = std::min(kNearestClusters, size());
  double nearest = 0, total = 0;
  for (size_t i = 0; i < shares.count; ++i) {
    const auto best = std::ranges::min_element(distances);
    if (i == 0) nearest = *best;
    // Relative to the nearest, so that far away not all weights vanish.
    const double weight = std::exp(-kClusterSharpness * (*best - nearest));
    shares.all[i] = {static_cast<uint32_t>(best - distances.begin()), weight};
    total += weight;
    *best = std::numeric_limits<double>::infinity();
  }
  for (ClusterShare& share : shares.all)
    share.weight /= total;
  return shares;
}

namespace {

std::unexpected<Error> corrupt(std::string what) {
  return fail(ErrorCode::kCorrupt, std::move(what));
}

std::expected<Centroids, Error> read_centroids(const RouterFile& file) {
  const auto found = file.blobs.find(section::kClusterCentroids);
  const size_t row_bytes = file.embed.dimension * sizeof(float);
  if (found == file.blobs.end() || found->second.empty() || found->second.size() % row_bytes != 0)
    return corrupt(fmt::format("section '{}' is missing or holds no whole number of centroids",
                               section::kClusterCentroids));
  std::vector<float> values(found->second.size() / sizeof(float));
  std::memcpy(values.data(), found->second.data(), found->second.size());
  if (!std::ranges::all_of(values, [](float x) { return std::isfinite(x); }))
    return corrupt(
        fmt::format("section '{}' holds numbers that are not finite", section::kClusterCentroids));
  return Centroids(std::move(values), file.embed.dimension);
}

class ClusterEstimator final : public Estimator {
 public:
  static MadeEstimator make(const RouterFile& file) {
    TRY_ASSIGN(Centroids centroids, read_centroids(file));
    const size_t cells = centroids.size() * file.models.size();
    TRY_ASSIGN(std::vector<double> quality, numbers_of(file, section::kClusterQuality, cells));
    TRY_ASSIGN(std::vector<double> tokens, numbers_of(file, section::kClusterTokens, cells));
    TRY_ASSIGN(const GapMap probability, gap_map_of(file, section::kClusterProbability));
    return std::unique_ptr<const Estimator>(
        new ClusterEstimator(std::move(centroids), std::move(quality), std::move(tokens),
                             file.models.size(), probability));
  }

  double score(const Inputs& inputs, Workspace& workspace) const noexcept override {
    CHECK(inputs.embedding.size() * centroids_.size() == centroids_.values().size());
    const Shares shares = centroids_.shares(inputs.embedding, workspace.doubles);
    workspace.estimates.clear();
    for (size_t model = 0; model < models_; ++model) {
      double quality = 0;
      Evidence length;
      for (const ClusterShare& share : shares) {
        const size_t at = share.cluster * models_ + model;
        quality += share.weight * quality_[at];
        if (tokens_[at] >= 0) length.add(share.weight, tokens_[at]);
      }
      // Without any known length 0 / 0 is the NaN that means unknown.
      workspace.estimates.push_back({.quality = quality, .output_tokens = length.mean(0, 0)});
    }
    return probability_(workspace.estimates);
  }

 private:
  ClusterEstimator(Centroids centroids, std::vector<double> quality, std::vector<double> tokens,
                   size_t models, GapMap probability)
      : centroids_(std::move(centroids)),
        quality_(std::move(quality)),
        tokens_(std::move(tokens)),
        models_(models),
        probability_(probability) {}

  Centroids centroids_;
  std::vector<double> quality_, tokens_;
  size_t models_;
  GapMap probability_;
};

}  // namespace

MadeEstimator make_cluster(const RouterFile& file) {
  return ClusterEstimator::make(file);
}

}  // namespace weir::model
