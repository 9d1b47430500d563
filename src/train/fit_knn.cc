#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "model/gap_map.h"
#include "model/knn.h"
#include "simd/cosine_rows.h"
#include "stats/quantile.h"
#include "train/fit.h"
#include "train/model_results.h"
#include "train/targets.h"

namespace weir::train {
namespace {

namespace section = model::section;
using model::Neighbour;

constexpr std::array<size_t, 8> kNeighbours{5, 10, 20, 40, 80, 120, 160, 240};
constexpr std::array<double, 5> kPriorWeights{0.5, 2, 5, 10, 30};
constexpr size_t kCheckedRows = 2000;     // on which k and the prior's weight are chosen
constexpr size_t kFewAnchors = 100;       // too few to say what is out of support
constexpr double kFloorQuantile = 0.005;  // of similarities to the nearest other anchor
constexpr uint64_t kAnchorSeed = 0x6b6e6e;

struct Anchors {
  Rows rows;
  std::vector<uint64_t> hashes;  // of their queries
  std::vector<int8_t> vectors;
};

Anchors choose_anchors(const Examples& examples, const Rows& rows, const TrainOptions& options) {
  Rows usable;
  std::ranges::copy_if(rows, std::back_inserter(usable), [&](uint32_t row) {
    return std::ranges::any_of(examples.rows[row].results, [&](const ModelResult& result) {
      return result.model < options.models.size();
    });
  });
  Anchors anchors;
  anchors.rows =
      sample_rows(usable, options.max_anchors,
                  static_cast<int64_t>(kAnchorSeed ^ static_cast<uint64_t>(options.seed)));
  anchors.hashes = hashes_of(examples, anchors.rows);
  const size_t dimension = examples.dimension();
  anchors.vectors.resize(anchors.rows.size() * dimension);
  for (size_t i = 0; i < anchors.rows.size(); ++i)
    simd::quantize(examples.embedding(anchors.rows[i]),
                   std::span(anchors.vectors).subspan(i * dimension, dimension));
  return anchors;
}

// Predictions for one row, for every k and prior weight: cells[k][prior][model].
class Predictions {
 public:
  Predictions(const Examples& examples, const Anchors& anchors, const ModelMeans& means)
      : examples_(examples), anchors_(anchors), means_(means), evidence_(means.score.size()) {}

  // Calls take(index of k, index of prior weight, predicted scores).
  template <typename Take>
  void each(std::span<const Neighbour> neighbours, Take&& take) {
    std::ranges::fill(evidence_, model::Evidence{});
    size_t used = 0;
    for (size_t k = 0; k < kNeighbours.size(); ++k) {
      for (; used < std::min(kNeighbours[k], neighbours.size()); ++used)
        add(neighbours[used]);
      for (size_t prior = 0; prior < kPriorWeights.size(); ++prior)
        take(k, prior, predict(kPriorWeights[prior]));
    }
  }

 private:
  void add(const Neighbour& neighbour) {
    const LabelledRow& row = examples_.rows[anchors_.rows[neighbour.anchor]];
    const double weight = row.weight * model::neighbour_weight(neighbour.similarity);
    for (const ModelResult& result : row.results)
      if (result.model < evidence_.size()) evidence_[result.model].add(weight, result.score);
  }
  std::span<const double> predict(double prior_weight) {
    predicted_.clear();
    for (size_t model = 0; model < evidence_.size(); ++model)
      predicted_.push_back(evidence_[model].mean(means_.score[model], prior_weight));
    return predicted_;
  }

  const Examples& examples_;
  const Anchors& anchors_;
  const ModelMeans& means_;
  std::vector<model::Evidence> evidence_;
  std::vector<double> predicted_;
};

// What leaving one out says: every checked row is predicted from the anchors that ask another
// question.
struct Choice {
  size_t neighbours = 1;
  double prior_weight = 1;
  double floor = -1;
  Rows rows;                 // with a label
  std::vector<double> gaps;  // predicted for them
};

class LeaveOneOut {
 public:
  LeaveOneOut(const Examples& examples, const Anchors& anchors, const ModelMeans& means)
      : examples_(examples), anchors_(anchors), means_(means) {}

  Choice choose(int64_t seed) {
    Rows positions(anchors_.rows.size());
    for (uint32_t i = 0; i < positions.size(); ++i)
      positions[i] = i;
    positions = sample_rows(positions, kCheckedRows, seed);
    search(positions);
    Choice choice;
    const auto [k, prior] = best(positions);
    choice.neighbours = std::min(kNeighbours[k], anchors_.rows.size());
    choice.prior_weight = kPriorWeights[prior];
    if (anchors_.rows.size() >= kFewAnchors) choice.floor = floor();
    Predictions predictions(examples_, anchors_, means_);
    for (size_t i = 0; i < positions.size(); ++i) {
      const uint32_t row = anchors_.rows[positions[i]];
      if (!has_label(examples_, row)) continue;
      choice.rows.push_back(row);
      predictions.each(found_[i],
                       [&](size_t at_k, size_t at_prior, std::span<const double> scores) {
                         if (at_k == k && at_prior == prior)
                           choice.gaps.push_back(scores.back() - scores.front());
                       });
    }
    return choice;
  }

 private:
  void search(const Rows& positions) {
    const size_t dimension = examples_.dimension();
    const simd::CosineRows rows(anchors_.vectors, dimension);
    std::vector<float> similarities(rows.size());
    for (const uint32_t position : positions) {
      rows.similarities(std::span(anchors_.vectors).subspan(position * dimension, dimension),
                        similarities);
      const auto twin = [&](uint32_t anchor) {
        return anchors_.hashes[anchor] == anchors_.hashes[position];
      };
      model::nearest_anchors(similarities, kNeighbours.back(), twin, found_.emplace_back());
    }
  }

  std::pair<size_t, size_t> best(const Rows& positions) {
    std::array<std::array<double, kPriorWeights.size()>, kNeighbours.size()> losses{};
    Predictions predictions(examples_, anchors_, means_);
    for (size_t i = 0; i < positions.size(); ++i) {
      const LabelledRow& row = examples_.rows[anchors_.rows[positions[i]]];
      predictions.each(found_[i], [&](size_t k, size_t prior, std::span<const double> scores) {
        losses[k][prior] += row.weight * routing_error(scores, row);
      });
    }
    std::pair<size_t, size_t> least{0, 0};
    for (size_t k = 0; k < kNeighbours.size(); ++k)
      for (size_t prior = 0; prior < kPriorWeights.size(); ++prior)
        if (losses[k][prior] < losses[least.first][least.second]) least = {k, prior};
    return least;
  }

  double floor() const {
    std::vector<double> nearest;
    for (const auto& neighbours : found_)
      if (!neighbours.empty()) nearest.push_back(double{neighbours.front().similarity});
    return nearest.empty() ? -1 : stats::quantile(nearest, kFloorQuantile);
  }

  const Examples& examples_;
  const Anchors& anchors_;
  const ModelMeans& means_;
  std::vector<std::vector<Neighbour>> found_;  // of each checked row
};

std::string packed_tokens(const std::vector<uint16_t>& tokens) {
  std::string bytes(tokens.size() * sizeof(uint16_t), '\0');
  std::memcpy(bytes.data(), tokens.data(), bytes.size());
  return bytes;
}

void store_results(const Examples& examples, const Anchors& anchors, size_t models, Fit& fit) {
  const size_t cells = anchors.rows.size() * models;
  std::string scores(cells, static_cast<char>(model::kScoreUnknown));
  std::vector<uint16_t> tokens(cells, model::kAnchorTokensUnknown);
  std::vector<double> weights;
  std::string ids;
  bool any_tokens = false, any_weights = false;
  for (size_t i = 0; i < anchors.rows.size(); ++i) {
    const LabelledRow& row = examples.rows[anchors.rows[i]];
    for (const ModelResult& result : row.results) {
      if (result.model >= models) continue;
      const size_t at = i * models + result.model;
      scores[at] = static_cast<char>(std::lround(result.score * model::kScoreSteps));
      if (std::isnan(result.output_tokens)) continue;
      const float most = model::kAnchorTokensUnknown - 1;
      tokens[at] = static_cast<uint16_t>(std::lround(std::min(result.output_tokens, most)));
      any_tokens = true;
    }
    weights.push_back(row.weight);
    any_weights = any_weights || row.weight != 1;
    ids += row.id + '\n';
  }
  fit.blobs[std::string(section::kKnnScores)] = std::move(scores);
  fit.blobs[std::string(section::kKnnIds)] = std::move(ids);
  if (any_tokens) fit.blobs[std::string(section::kKnnTokens)] = packed_tokens(tokens);
  if (any_weights) fit.weights[std::string(section::kKnnWeights)] = std::move(weights);
}

}  // namespace

std::expected<Fit, Error> fit_knn(const Examples& examples, const Rows& rows,
                                  const TrainOptions& options) {
  const Anchors anchors = choose_anchors(examples, rows, options);
  if (anchors.rows.empty())
    return fail(ErrorCode::kInvalidArgument, "no row says how any of the models did");
  const ModelMeans means = model_means(examples, anchors.rows, options.models.size());
  Choice choice = LeaveOneOut(examples, anchors, means).choose(options.seed);
  const GapToProbability probability = fit_probability(examples, choice.rows, choice.gaps);

  Fit fit;
  store_results(examples, anchors, options.models.size(), fit);
  fit.blobs[std::string(section::kKnnVectors)] =
      std::string(anchors.vectors.begin(), anchors.vectors.end());
  fit.weights[std::string(section::kKnnPrior)] = means.score;
  fit.weights[std::string(section::kKnnPriorTokens)] = means.tokens;
  fit.weights[std::string(section::kKnnPriorWeight)] = {choice.prior_weight};
  fit.weights[std::string(section::kKnnNeighbours)] = {static_cast<double>(choice.neighbours)};
  fit.weights[std::string(section::kKnnFloor)] = {choice.floor};
  fit.weights[std::string(section::kKnnProbability)] = {probability.slope, probability.offset};
  fit.summary = fmt::format(
      "{} anchors, {} nearest, prior weight {}; below similarity {:.3f} a query is not judged",
      anchors.rows.size(), choice.neighbours, choice.prior_weight, choice.floor);
  for (const double gap : choice.gaps)
    fit.out_of_fold.scores.push_back(probability(gap));
  fit.out_of_fold.rows = std::move(choice.rows);
  return fit;
}

}  // namespace weir::train
