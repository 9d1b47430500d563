#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "model/cluster.h"
#include "model/gap_map.h"
#include "train/cluster_table.h"
#include "train/fit.h"
#include "train/kmeans.h"
#include "train/model_results.h"
#include "train/targets.h"

namespace weir::train {
namespace {

namespace section = model::section;

constexpr std::array<size_t, 6> kClusters{4, 8, 16, 32, 64, 128};
constexpr std::array<double, 4> kPriorWeights{2, 8, 32, 128};
constexpr size_t kLeastPerCluster = 8;
constexpr size_t kCheckedRows = 5000;  // on which their number is chosen
constexpr size_t kFitRows = 20'000;    // from which the final centroids are made
constexpr int kCheckSteps = 10;

std::vector<float> vectors_of(const Examples& examples, const Rows& rows) {
  std::vector<float> vectors;
  vectors.reserve(rows.size() * examples.dimension());
  for (const uint32_t row : rows)
    vectors.insert(vectors.end(), examples.embedding(row).begin(), examples.embedding(row).end());
  return vectors;
}

// Scores of the checked rows by tables that were made without their fold. The centroids are common
// to all folds: they are made without labels.
struct Checked {
  size_t clusters = 1;
  double prior_weight = kPriorWeights[0];
  double loss = HUGE_VAL;
  std::vector<double> gaps;  // of every checked row
};

class Check {
 public:
  Check(const Examples& examples, const Rows& rows, const TrainOptions& options)
      : examples_(examples),
        rows_(sample_rows(rows, kCheckedRows, options.seed)),
        options_(options),
        vectors_(vectors_of(examples, rows_)) {
    for (const uint64_t hash : hashes_of(examples, rows_))
      fold_of_.push_back(static_cast<uint32_t>(hash % options.folds));
  }

  Checked best() {
    Checked best;
    for (const size_t clusters : kClusters) {
      if (clusters > std::max<size_t>(1, rows_.size() / kLeastPerCluster)) break;
      try_clusters(clusters, best);
    }
    if (best.gaps.empty()) try_clusters(1, best);
    return best;
  }

  const Rows& rows() const { return rows_; }

 private:
  void try_clusters(size_t clusters, Checked& best) {
    const model::Centroids centroids =
        kmeans(vectors_, examples_.dimension(),
               {.clusters = clusters, .seed = options_.seed, .max_steps = kCheckSteps});
    std::array<Checked, kPriorWeights.size()> tried;
    for (size_t i = 0; i < tried.size(); ++i)
      tried[i] = {clusters, kPriorWeights[i], 0, std::vector<double>(rows_.size())};
    for (uint32_t fold = 0; fold < options_.folds; ++fold) {
      Rows outside;
      for (size_t i = 0; i < rows_.size(); ++i)
        if (fold_of_[i] != fold) outside.push_back(rows_[i]);
      const ClusterTable table(examples_, outside, options_.models.size(), centroids);
      for (size_t i = 0; i < rows_.size(); ++i)
        if (fold_of_[i] == fold) predict(table, centroids, i, tried);
    }
    for (Checked& one : tried)
      if (one.loss < best.loss) best = std::move(one);
  }

  void predict(const ClusterTable& table, const model::Centroids& centroids, size_t i,
               std::span<Checked> tried) {
    const uint32_t row = rows_[i];
    const model::Shares shares = centroids.shares(examples_.embedding(row), distances_);
    for (Checked& one : tried) {
      predicted_.assign(options_.models.size(), 0);
      for (const model::ClusterShare& share : shares)
        for (size_t model = 0; model < predicted_.size(); ++model)
          predicted_[model] += share.weight * table.quality(share.cluster, model, one.prior_weight);
      one.loss += examples_.rows[row].weight * routing_error(predicted_, examples_.rows[row]);
      one.gaps[i] = predicted_.back() - predicted_.front();
    }
  }

  const Examples& examples_;
  Rows rows_;
  const TrainOptions& options_;
  std::vector<float> vectors_;
  std::vector<uint32_t> fold_of_;
  std::vector<double> distances_, predicted_;
};

std::string packed_floats(std::span<const float> values) {
  std::string bytes(values.size_bytes(), '\0');
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

}  // namespace

std::expected<Fit, Error> fit_cluster(const Examples& examples, const Rows& rows,
                                      const TrainOptions& options) {
  if (rows.empty()) return fail(ErrorCode::kInvalidArgument, "no rows to group");
  Check check(examples, rows, options);
  const Checked best = check.best();
  const model::Centroids centroids =
      kmeans(vectors_of(examples, sample_rows(rows, kFitRows, options.seed)), examples.dimension(),
             {.clusters = best.clusters, .seed = options.seed});
  const ClusterTable table(examples, rows, options.models.size(), centroids);
  Rows labelled;
  std::vector<double> gaps;
  for (size_t i = 0; i < check.rows().size(); ++i) {
    if (!has_label(examples, check.rows()[i])) continue;
    labelled.push_back(check.rows()[i]);
    gaps.push_back(best.gaps[i]);
  }
  const GapToProbability probability = fit_probability(examples, labelled, gaps);

  Fit fit;
  fit.blobs[std::string(section::kClusterCentroids)] = packed_floats(centroids.values());
  table.store(best.prior_weight, fit.weights);
  fit.weights[std::string(section::kClusterProbability)] = {probability.slope, probability.offset};
  fit.summary = fmt::format("{} clusters, the models' means count as {} labels in each",
                            best.clusters, best.prior_weight);
  for (const double gap : gaps)
    fit.out_of_fold.scores.push_back(probability(gap));
  fit.out_of_fold.rows = std::move(labelled);
  return fit;
}

}  // namespace weir::train
