// How well each model does in each cluster, from labelled rows; and the same for one more model of
// a trained router. Pure, thread-safe.
#pragma once

#include <cstddef>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "model/cluster.h"
#include "model/gap_map.h"
#include "model/router_file.h"
#include "train/examples.h"
#include "train/fit.h"

namespace weir::train {

class ClusterTable {
 public:
  // Every row counts in its nearest cluster.
  ClusterTable(const Examples& examples, const Rows& rows, size_t models,
               const model::Centroids& centroids);

  // The mean score of a model in a cluster, shrunk to its mean over all rows as if that were
  // `prior_weight` labels.
  double quality(size_t cluster, size_t model, double prior_weight) const;

  // Adds the sections of the router file.
  void store(double prior_weight,
             std::map<std::string, std::vector<double>, std::less<>>& weights) const;

 private:
  size_t models_;
  std::vector<double> prior_, prior_tokens_;      // [models]
  std::vector<model::Evidence> scores_, tokens_;  // [clusters, models]
};

struct ExtendReport {
  int64_t rows = 0;         // with a score of the new model
  size_t clusters = 0;      // all
  size_t without_rows = 0;  // in which the new model has only its mean
  double mean_score = 0;    // of the new model
  size_t position = 0;      // of the new model among the models
};

// The router with one more model, which keeps what it knows of the others. `examples` come from
// rows whose models are {name} alone or begin with it. Without `before`, the name of the model that
// it is placed before, the new one stands before the first model with a higher mean score. Its
// place matters: score and threshold speak of the first and the last model. Fails:
// kInvalidArgument for another kind of router, other embeddings, a name that is there or is not
// there, no rows.
[[nodiscard]] std::expected<ExtendReport, Error> extend_cluster_router(
    const Examples& examples, const std::string& name, const std::optional<std::string>& before,
    model::RouterFile& file);

}  // namespace weir::train
