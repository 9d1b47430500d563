#include "model/knn.h"

#include <fmt/format.h>

#include <bit>
#include <cstring>
#include <memory>
#include <utility>

#include "base/check.h"
#include "model/estimators.h"
#include "model/gap_map.h"
#include "model/sections.h"
#include "simd/cosine_rows.h"

namespace weir::model {
namespace {

std::unexpected<Error> corrupt(std::string what) {
  return fail(ErrorCode::kCorrupt, std::move(what));
}

// What is known of the anchors beside their vectors.
struct AnchorResults {
  size_t models = 0;
  std::vector<uint8_t> scores;   // [anchors, models]
  std::vector<uint16_t> tokens;  // [anchors, models]; empty when none is known
  std::vector<double> weights;   // [anchors]; empty: all 1
  std::vector<double> prior;     // [models]
  std::vector<double> prior_tokens;
  double prior_weight = 0;

  // Leaves one estimate a model.
  void estimate(std::span<const Neighbour> neighbours,
                std::vector<ModelEstimate>& estimates) const {
    for (size_t model = 0; model < models; ++model) {
      Evidence score, length;
      for (const Neighbour& neighbour : neighbours) {
        const size_t at = neighbour.anchor * models + model;
        if (scores[at] == kScoreUnknown) continue;
        double weight = neighbour_weight(neighbour.similarity);
        if (!weights.empty()) weight *= weights[neighbour.anchor];
        score.add(weight, scores[at] / kScoreSteps);
        if (!tokens.empty() && tokens[at] != kAnchorTokensUnknown) length.add(weight, tokens[at]);
      }
      estimates.push_back(
          {.quality = score.mean(prior[model], prior_weight),
           .output_tokens = length.mean(tokens_or_nan(prior_tokens[model]), prior_weight)});
    }
  }
};

std::expected<AnchorResults, Error> read_results(const RouterFile& file, size_t anchors) {
  AnchorResults results;
  results.models = file.models.size();
  const size_t cells = anchors * results.models;
  TRY_ASSIGN(const std::string_view scores, bytes_of(file, section::kKnnScores, cells));
  results.scores.assign(scores.begin(), scores.end());
  if (file.blobs.contains(section::kKnnTokens)) {
    TRY_ASSIGN(const std::string_view tokens,
               bytes_of(file, section::kKnnTokens, cells * sizeof(uint16_t)));
    results.tokens.resize(cells);
    std::memcpy(results.tokens.data(), tokens.data(), tokens.size());
  }
  if (file.weights.contains(section::kKnnWeights)) {
    TRY_ASSIGN(results.weights, numbers_of(file, section::kKnnWeights, anchors));
    if (std::ranges::any_of(results.weights, [](double w) { return w < 0; }))
      return corrupt(fmt::format("'{}' holds a weight below 0", section::kKnnWeights));
  }
  TRY_ASSIGN(results.prior, numbers_of(file, section::kKnnPrior, results.models));
  TRY_ASSIGN(results.prior_tokens, numbers_of(file, section::kKnnPriorTokens, results.models));
  TRY_ASSIGN(const std::vector<double> weight, numbers_of(file, section::kKnnPriorWeight, 1));
  if (!(weight[0] > 0))
    return corrupt(fmt::format("'{}' must be above 0", section::kKnnPriorWeight));
  results.prior_weight = weight[0];
  return results;
}

class KnnEstimator final : public Estimator {
 public:
  static MadeEstimator make(const RouterFile& file) {
    const size_t dimension = file.embed.dimension;
    const auto vectors = file.blobs.find(section::kKnnVectors);
    if (vectors == file.blobs.end() || vectors->second.empty() ||
        vectors->second.size() % dimension != 0)
      return corrupt(fmt::format("section '{}' is missing or holds no whole number of vectors",
                                 section::kKnnVectors));
    const size_t anchors = vectors->second.size() / dimension;
    TRY_ASSIGN(AnchorResults results, read_results(file, anchors));
    TRY_ASSIGN(const std::vector<double> count, numbers_of(file, section::kKnnNeighbours, 1));
    if (!(count[0] >= 1 && count[0] <= static_cast<double>(anchors)))
      return corrupt(
          fmt::format("'{}' is {}, must be 1 to {}", section::kKnnNeighbours, count[0], anchors));
    TRY_ASSIGN(const std::vector<double> floor, numbers_of(file, section::kKnnFloor, 1));
    TRY_ASSIGN(const GapMap probability, gap_map_of(file, section::kKnnProbability));
    const auto* bytes = reinterpret_cast<const int8_t*>(vectors->second.data());
    return std::unique_ptr<const Estimator>(
        new KnnEstimator(simd::CosineRows({bytes, vectors->second.size()}, dimension),
                         std::move(results), static_cast<size_t>(count[0]), floor[0], probability));
  }

  double score(const Inputs& inputs, Workspace& workspace) const noexcept override {
    CHECK(inputs.embedding.size() == rows_.columns());
    workspace.bytes.resize(rows_.columns());
    simd::quantize(inputs.embedding, workspace.bytes);
    workspace.floats.resize(rows_.size());
    rows_.similarities(workspace.bytes, workspace.floats);
    nearest_anchors(workspace.floats, count_, [](uint32_t) { return false; }, workspace.neighbours);
    workspace.estimates.clear();
    results_.estimate(workspace.neighbours, workspace.estimates);
    if (double{workspace.neighbours.front().similarity} < floor_) return kNotJudged;
    return probability_(workspace.estimates);
  }

 private:
  KnnEstimator(simd::CosineRows rows, AnchorResults results, size_t count, double floor,
               GapMap probability)
      : rows_(std::move(rows)),
        results_(std::move(results)),
        count_(count),
        floor_(floor),
        probability_(probability) {}

  simd::CosineRows rows_;
  AnchorResults results_;
  size_t count_;
  double floor_;
  GapMap probability_;
};

}  // namespace

std::string_view anchor_id(const RouterFile& file, uint32_t anchor) {
  const auto found = file.blobs.find(section::kKnnIds);
  if (found == file.blobs.end()) return {};
  std::string_view rest = found->second;
  for (; anchor > 0 && !rest.empty(); --anchor)
    rest.remove_prefix(std::min(rest.find('\n'), rest.size() - 1) + 1);
  return rest.substr(0, rest.find('\n'));
}

MadeEstimator make_knn(const RouterFile& file) {
  return KnnEstimator::make(file);
}

}  // namespace weir::model
