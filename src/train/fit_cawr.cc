#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "model/cawr.h"
#include "model/estimator.h"
#include "stats/quantile.h"
#include "train/calibration.h"
#include "train/fit.h"
#include "train/folds.h"

namespace weir::train {
namespace {

namespace section = model::section;

constexpr size_t kMostAnchors = 5'000;  // read whole at every decision
constexpr size_t kMostQueries = 2'000;  // on which width and mass are chosen
constexpr std::array kWidths{0.02, 0.04, 0.08, 0.16, 0.32};
constexpr std::array kMasses{0.001, 0.01, 0.1, 1.0, 10.0};

// Evenly spread over the rows, so that the same rows give the same choice.
Rows spread(const Rows& rows, size_t most) {
  if (rows.size() <= most) return rows;
  Rows chosen;
  for (size_t i = 0; i < most; ++i)
    chosen.push_back(rows[i * rows.size() / most]);
  return chosen;
}

struct Anchors {
  Rows rows;
  std::vector<int8_t> vectors;  // [rows, dimension]
  std::vector<uint32_t> fold_of;
  double prior = 0;  // weighted share of strong-needed rows
};

Anchors make_anchors(const Examples& examples, const Rows& rows, const TrainOptions& options) {
  Anchors anchors{.rows = spread(rows, kMostAnchors), .vectors = {}, .fold_of = {}};
  const size_t dimension = examples.dimension();
  anchors.vectors.resize(anchors.rows.size() * dimension);
  std::vector<std::string> words;
  double mass = 0, strong = 0;
  for (size_t i = 0; i < anchors.rows.size(); ++i) {
    const uint32_t row = anchors.rows[i];
    model::quantize_unit(examples.embedding(row),
                         std::span(anchors.vectors).subspan(i * dimension, dimension));
    words.push_back(examples.words[row]);
    mass += examples.rows[row].weight;
    strong += examples.rows[row].weight * examples.rows[row].label;
  }
  anchors.prior = strong / mass;
  anchors.fold_of = assign_folds(words, options.folds, options.seed);
  return anchors;
}

// Sums of one query over the anchors of other folds, for each width.
struct KernelSums {
  std::array<double, kWidths.size()> mass = {}, strong = {};
};

KernelSums sums_without_own_fold(const Examples& examples, const Anchors& anchors, size_t query) {
  const size_t dimension = examples.dimension();
  const auto vector = [&](size_t i) {
    return std::span(anchors.vectors).subspan(i * dimension, dimension);
  };
  KernelSums sums;
  for (size_t i = 0; i < anchors.rows.size(); ++i) {
    if (anchors.fold_of[i] == anchors.fold_of[query]) continue;
    const LabelledRow& row = examples.rows[anchors.rows[i]];
    const double distance = model::anchor_cosine(vector(query), vector(i)) - 1;
    for (size_t w = 0; w < kWidths.size(); ++w) {
      const double weight = row.weight * std::exp(distance / kWidths[w]);
      sums.mass[w] += weight;
      sums.strong[w] += weight * row.label;
    }
  }
  return sums;
}

struct Kernel {
  double width = 0, mass = 0;
  double log_loss = std::numeric_limits<double>::infinity();
  ScoredLabels scored;  // of the queries, without their own fold
};

Kernel choose_kernel(const Examples& examples, const Anchors& anchors,
                     std::span<const uint32_t> queries) {
  std::vector<KernelSums> sums;
  for (const uint32_t query : queries)
    sums.push_back(sums_without_own_fold(examples, anchors, query));
  Kernel best;
  for (size_t w = 0; w < kWidths.size(); ++w)
    for (const double mass : kMasses) {
      Kernel tried{.width = kWidths[w], .mass = mass, .log_loss = 0, .scored = {}};
      for (size_t i = 0; i < queries.size(); ++i) {
        const int label = examples.rows[anchors.rows[queries[i]]].label;
        const double k = (mass * anchors.prior + sums[i].strong[w]) / (mass + sums[i].mass[w]);
        tried.scored.scores.push_back(k);
        tried.scored.labels.push_back(label);
        tried.log_loss -= std::log(std::clamp(label == 1 ? k : 1 - k, 1e-6, 1.0));
      }
      if (tried.log_loss < best.log_loss) best = std::move(tried);
    }
  return best;
}

// One label alone cannot be calibrated, and a map that would turn the order round is not taken.
model::CalibrationMap calibrate(const ScoredLabels& scored) {
  const model::CalibrationMap identity{.form = model::MapForm::kPlatt};
  const auto strong = std::ranges::count(scored.labels, 1);
  if (strong == 0 || static_cast<size_t>(strong) == scored.size()) return identity;
  const model::CalibrationMap map = fit_platt(scored);
  return map.slope > 0 ? map : identity;
}

double mean_drawn(std::span<const double> probs, double even, double explore) {
  double sum = 0;
  for (const double p : probs)
    sum += model::drawn_probability(p, even, explore);
  return sum / static_cast<double>(probs.size());
}

// The probability at which the coin must be fair for the mean of the draws to be `target`.
std::expected<double, Error> even_for(std::span<const double> probs, double target,
                                      double explore) {
  if (!(target > explore && target < 1 - explore))
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("a draw between {:g} and {:g} cannot send {:g} of the queries to strong; "
                    "lower --explore",
                    explore, 1 - explore, target));
  double low = -40, high = 40;  // logit of `even`; the mean falls as it grows
  for (int step = 0; step < 100; ++step) {
    const double middle = (low + high) / 2;
    const double even = 1 / (1 + std::exp(-middle));
    (mean_drawn(probs, even, explore) > target ? low : high) = middle;
  }
  return 1 / (1 + std::exp(-(low + high) / 2));
}

std::expected<double, Error> choose_even(const TrainOptions& options, std::span<const double> probs,
                                         const std::vector<int>& labels) {
  using By = ThresholdRule::By;
  const ThresholdRule& rule = options.threshold;
  if (rule.by == By::kDefault) return 0.5;
  if (rule.by == By::kFixed) return std::clamp(rule.value, 1e-6, 1 - 1e-6);
  if (rule.by == By::kStrongShare) return even_for(probs, rule.value, options.explore);
  std::vector<double> of_strong;
  for (size_t i = 0; i < labels.size(); ++i)
    if (labels[i] == 1) of_strong.push_back(probs[i]);
  return even_for(of_strong.empty() ? probs : of_strong, rule.value, options.explore);
}

std::string origin_of(const ThresholdRule& rule) {
  using By = ThresholdRule::By;
  switch (rule.by) {
    case By::kDefault:
      return "drawn with the calibrated probability";
    case By::kFixed:
      return fmt::format("drawn, a fair coin at probability {}", rule.value);
    case By::kRecall:
      return fmt::format("drawn, recall {} (out of fold)", rule.value);
    case By::kStrongShare:
      return fmt::format("drawn, strong share {} (out of fold)", rule.value);
  }
  return "";
}

}  // namespace

std::expected<Fit, Error> fit_cawr(const Examples& examples, const Rows& rows,
                                   const TrainOptions& options) {
  const Anchors anchors = make_anchors(examples, rows, options);
  Rows places(anchors.rows.size());
  for (uint32_t i = 0; i < places.size(); ++i)
    places[i] = i;
  const Rows queries = spread(places, kMostQueries);
  const Kernel kernel = choose_kernel(examples, anchors, queries);
  const model::CalibrationMap map = calibrate(kernel.scored);
  std::vector<double> probs;
  for (const double k : kernel.scored.scores)
    probs.push_back(map.apply(k));
  TRY_ASSIGN(const double even, choose_even(options, probs, kernel.scored.labels));

  Fit fit;
  std::vector<double>& labels = fit.weights[std::string(section::kAnchorLabels)];
  std::vector<double>& weights = fit.weights[std::string(section::kAnchorWeights)];
  for (const uint32_t row : anchors.rows) {
    labels.push_back(examples.rows[row].label);
    weights.push_back(examples.rows[row].weight);
  }
  fit.blobs[std::string(section::kAnchorVectors)].assign(anchors.vectors.begin(),
                                                         anchors.vectors.end());
  fit.weights[std::string(section::kKernel)] = {kernel.width, anchors.prior, kernel.mass};
  fit.weights[std::string(section::kPlatt)] = {map.slope, map.offset};
  fit.weights[std::string(section::kDraw)] = {even, options.explore};
  for (size_t i = 0; i < queries.size(); ++i) {
    fit.out_of_fold.rows.push_back(anchors.rows[queries[i]]);
    fit.out_of_fold.scores.push_back(model::drawn_probability(probs[i], even, options.explore));
  }
  fit.threshold_origin = origin_of(options.threshold);
  fit.summary = fmt::format(
      "kernel of width {:g} over {} anchors, mass of the prior {:g}, log loss out of fold {:.4f}; "
      "P(strong) in [{:g}, {:g}], even at {:.4f}",
      kernel.width, anchors.rows.size(), kernel.mass,
      kernel.log_loss / static_cast<double>(queries.size()), options.explore, 1 - options.explore,
      even);
  return fit;
}

}  // namespace weir::train
