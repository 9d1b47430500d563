#include "train/kmeans.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/check.h"
#include "base/random.h"
#include "simd/kernels.h"

namespace weir::train {
namespace {

class Kmeans {
 public:
  Kmeans(std::vector<float> vectors, size_t dimension, const KmeansOptions& options)
      : vectors_(std::move(vectors)),
        dimension_(dimension),
        count_(vectors_.size() / dimension),
        options_(options),
        random_(static_cast<uint64_t>(options.seed)),
        cluster_of_(count_, 0),
        cosine_(count_, -2) {
    for (size_t i = 0; i < count_; ++i)
      simd::normalize(std::span(vectors_).subspan(i * dimension_, dimension_));
  }

  model::Centroids run() {
    seed();
    for (int step = 0; step < options_.max_steps; ++step) {
      update();
      if (!assign()) break;
    }
    update();
    return model::Centroids(std::move(centroids_), dimension_);
  }

 private:
  std::span<const float> vector(size_t i) const {
    return std::span(vectors_).subspan(i * dimension_, dimension_);
  }

  // Each next centre is drawn with the squared distance to the nearest one so far, 2 - 2 cosine.
  void seed() {
    size_t chosen = random_.below(count_);
    for (uint32_t cluster = 0;; ++cluster) {
      double total = 0;
      for (size_t i = 0; i < count_; ++i) {
        const double cosine = double{simd::dot(vector(chosen), vector(i))};
        if (cosine > cosine_[i]) cosine_[i] = cosine, cluster_of_[i] = cluster;
        total += std::max(0.0, 1 - cosine_[i]);
      }
      if (cluster + 1 == options_.clusters) return;
      double left = random_.uniform() * total;
      chosen = 0;
      while (chosen + 1 < count_ && left >= std::max(0.0, 1 - cosine_[chosen]))
        left -= std::max(0.0, 1 - cosine_[chosen++]);
    }
  }

  // Centroids are the means of their vectors.
  void update() {
    centroids_.assign(options_.clusters * dimension_, 0);
    std::vector<double> sizes(options_.clusters);
    for (size_t i = 0; i < count_; ++i) {
      ++sizes[cluster_of_[i]];
      float* to = centroids_.data() + cluster_of_[i] * dimension_;
      for (size_t j = 0; j < dimension_; ++j)
        to[j] += vector(i)[j];
    }
    for (size_t cluster = 0; cluster < options_.clusters; ++cluster) {
      const auto to = std::span(centroids_).subspan(cluster * dimension_, dimension_);
      if (sizes[cluster] == 0) {
        const auto far = std::ranges::min_element(cosine_) - cosine_.begin();
        std::ranges::copy(vector(static_cast<size_t>(far)), to.begin());
        cosine_[static_cast<size_t>(far)] = 1;  // the next empty one takes another
        continue;
      }
      for (float& x : to)
        x = static_cast<float>(double{x} / sizes[cluster]);
    }
  }

  bool assign() {
    const model::Centroids centroids(centroids_, dimension_);
    bool moved = false;
    for (size_t i = 0; i < count_; ++i) {
      const uint32_t cluster = centroids.nearest(vector(i));
      moved = moved || cluster != cluster_of_[i];
      cluster_of_[i] = cluster;
      cosine_[i] = double{
          simd::dot(vector(i), std::span(centroids_).subspan(cluster * dimension_, dimension_))};
    }
    return moved;
  }

  std::vector<float> vectors_;
  size_t dimension_, count_;
  const KmeansOptions& options_;
  Random random_;
  std::vector<uint32_t> cluster_of_;
  std::vector<double> cosine_;  // of each vector with its centre
  std::vector<float> centroids_;
};

}  // namespace

model::Centroids kmeans(std::span<const float> vectors, size_t dimension,
                        const KmeansOptions& options) {
  CHECK(dimension > 0 && options.clusters > 0 && options.clusters * dimension <= vectors.size());
  return Kmeans(std::vector<float>(vectors.begin(), vectors.end()), dimension, options).run();
}

}  // namespace weir::train
