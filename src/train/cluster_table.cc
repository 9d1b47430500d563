#include "train/cluster_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "model/sections.h"
#include "train/model_results.h"

namespace weir::train {

namespace section = model::section;

ClusterTable::ClusterTable(const Examples& examples, const Rows& rows, size_t models,
                           const model::Centroids& centroids)
    : models_(models), scores_(models * centroids.size()), tokens_(models * centroids.size()) {
  ModelMeans means = model_means(examples, rows, models);
  prior_ = std::move(means.score);
  prior_tokens_ = std::move(means.tokens);
  for (const uint32_t index : rows) {
    const LabelledRow& row = examples.rows[index];
    const size_t first = centroids.nearest(examples.embedding(index)) * models;
    for (const ModelResult& result : row.results) {
      if (result.model >= models) continue;
      scores_[first + result.model].add(row.weight, result.score);
      if (!std::isnan(result.output_tokens))
        tokens_[first + result.model].add(row.weight, double{result.output_tokens});
    }
  }
}

double ClusterTable::quality(size_t cluster, size_t model, double prior_weight) const {
  return scores_[cluster * models_ + model].mean(prior_[model], prior_weight);
}

void ClusterTable::store(double prior_weight,
                         std::map<std::string, std::vector<double>, std::less<>>& weights) const {
  std::vector<double> quality, tokens, evidence;
  for (size_t cell = 0; cell < scores_.size(); ++cell) {
    const size_t model = cell % models_;
    quality.push_back(scores_[cell].mean(prior_[model], prior_weight));
    tokens.push_back(prior_tokens_[model] < 0
                         ? model::kTokensUnknown
                         : tokens_[cell].mean(prior_tokens_[model], prior_weight));
    evidence.push_back(scores_[cell].weight);
  }
  weights[std::string(section::kClusterQuality)] = std::move(quality);
  weights[std::string(section::kClusterTokens)] = std::move(tokens);
  weights[std::string(section::kClusterEvidence)] = std::move(evidence);
  weights[std::string(section::kClusterPriorWeight)] = {prior_weight};
}

namespace {

std::unexpected<Error> invalid(std::string what) {
  return fail(ErrorCode::kInvalidArgument, std::move(what));
}

// Weighted mean of the stored qualities of a model.
double mean_quality(std::span<const double> quality, std::span<const double> evidence,
                    size_t models, size_t model) {
  model::Evidence sum;
  for (size_t at = model; at < quality.size(); at += models)
    sum.add(evidence[at], quality[at]);
  return sum.mean(0.5, 1e-9);
}

// `from` holds [clusters, models]; the column goes to `position`.
std::vector<double> with_column(std::span<const double> from, std::span<const double> column,
                                size_t models, size_t position) {
  std::vector<double> result;
  for (size_t cluster = 0; cluster < column.size(); ++cluster) {
    const auto row = from.subspan(cluster * models, models);
    result.insert(result.end(), row.begin(), row.begin() + static_cast<std::ptrdiff_t>(position));
    result.push_back(column[cluster]);
    result.insert(result.end(), row.begin() + static_cast<std::ptrdiff_t>(position), row.end());
  }
  return result;
}

std::expected<size_t, Error> position_of(const model::RouterFile& file,
                                         const std::optional<std::string>& before, double mean,
                                         std::span<const double> quality,
                                         std::span<const double> evidence) {
  const size_t models = file.models.size();
  if (before) {
    const auto found = std::ranges::find(file.models, *before);
    if (found == file.models.end())
      return invalid(fmt::format("the router does not know '{}'; it has {}", *before,
                                 fmt::join(file.models, ", ")));
    return static_cast<size_t>(found - file.models.begin());
  }
  for (size_t model = 0; model < models; ++model)
    if (mean_quality(quality, evidence, models, model) > mean) return model;
  return models;
}

std::expected<model::Centroids, Error> stored_centroids(const model::RouterFile& file) {
  const auto found = file.blobs.find(section::kClusterCentroids);
  if (found == file.blobs.end()) return invalid("the router holds no clusters");
  std::vector<float> values(found->second.size() / sizeof(float));
  std::memcpy(values.data(), found->second.data(), values.size() * sizeof(float));
  return model::Centroids(std::move(values), file.embed.dimension);
}

}  // namespace

std::expected<ExtendReport, Error> extend_cluster_router(const Examples& examples,
                                                         const std::string& name,
                                                         const std::optional<std::string>& before,
                                                         model::RouterFile& file) {
  if (file.kind != model::Kind::kCluster || !file.trained)
    return invalid(fmt::format("only a trained router of kind cluster can be extended, not kind {}",
                               to_string(file.kind)));
  if (std::ranges::find(file.models, name) != file.models.end())
    return invalid(fmt::format("the router already knows '{}'", name));
  if (!(examples.embed == file.embed))
    return invalid("the rows have other embeddings than the router");
  Rows rows;
  for (uint32_t row = 0; row < examples.rows.size(); ++row)
    if (examples.rows[row].result_of(0) != nullptr) rows.push_back(row);
  if (rows.empty()) return invalid(fmt::format("no row has a score of '{}'", name));

  TRY_ASSIGN(const model::Centroids centroids, stored_centroids(file));
  const size_t models = file.models.size(), cells = centroids.size() * models;
  TRY_ASSIGN(const auto quality, numbers_of(file, section::kClusterQuality, cells));
  TRY_ASSIGN(const auto tokens, numbers_of(file, section::kClusterTokens, cells));
  TRY_ASSIGN(const auto evidence, numbers_of(file, section::kClusterEvidence, cells));
  TRY_ASSIGN(const auto prior_weight, numbers_of(file, section::kClusterPriorWeight, 1));
  std::map<std::string, std::vector<double>, std::less<>> column;
  ClusterTable(examples, rows, 1, centroids).store(prior_weight[0], column);

  ExtendReport report{.rows = static_cast<int64_t>(rows.size()), .clusters = centroids.size()};
  report.mean_score = model_means(examples, rows, 1).score[0];
  const auto& counts = column[std::string(section::kClusterEvidence)];
  report.without_rows = static_cast<size_t>(std::ranges::count(counts, 0.0));
  TRY_ASSIGN(report.position, position_of(file, before, report.mean_score, quality, evidence));
  for (const auto& [section_name, old] :
       {std::pair(section::kClusterQuality, &quality), std::pair(section::kClusterTokens, &tokens),
        std::pair(section::kClusterEvidence, &evidence)})
    file.weights[std::string(section_name)] =
        with_column(*old, column[std::string(section_name)], models, report.position);
  file.models.insert(file.models.begin() + static_cast<std::ptrdiff_t>(report.position), name);
  return report;
}

}  // namespace weir::train
