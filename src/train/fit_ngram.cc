#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <utility>

#include "model/estimator.h"
#include "train/fit.h"
#include "train/folds.h"
#include "train/monotone.h"
#include "train/ngram_ridge.h"
#include "train/parallel.h"
#include "train/targets.h"

namespace weir::train {
namespace {

namespace section = model::section;

constexpr std::array kLambdas{4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0};
constexpr double kCharShare = 0.5;
constexpr double kSearchTolerance = 1e-3, kFinalTolerance = 1e-5;
constexpr double kClipDeviations = 8;

double log_chars(const Examples& examples, uint32_t row) {
  return std::log1p(static_cast<double>(examples.prompts[row].chars));
}

// The curve of the length, and n-grams for what it leaves.
struct GapModel {
  model::PiecewiseLinear length;
  std::vector<uint8_t> idf;
  std::vector<NgramWeights> ngrams;  // one a lambda
};

// Calls visit(model, ridge) while both are there.
template <typename Visit>
void with_gap_model(const Examples& examples, const Rows& rows, std::span<const double> lambdas,
                    double tolerance, Visit&& visit) {
  std::vector<double> gaps = gap_targets(examples, rows);
  const std::vector<double> weights = weights_of(examples, rows);
  std::vector<double> lengths;
  for (const uint32_t row : rows)
    lengths.push_back(log_chars(examples, row));
  GapModel model{.length = fit_increasing(lengths, gaps, weights), .idf = {}, .ngrams = {}};
  for (size_t i = 0; i < rows.size(); ++i)
    gaps[i] -= model.length(lengths[i]);
  const NgramRidge ridge(examples.ngrams, rows, kCharShare);
  model.ngrams = ridge.fit(gaps, weights, lambdas, tolerance);
  model.idf = ridge.idf();
  visit(std::move(model), ridge);
}

// Predicted gaps of the rows of `folds` by fits that have not seen them, one vector a lambda.
std::vector<std::vector<double>> predict_out_of_fold(const Examples& examples, const Folds& folds) {
  std::vector predicted(kLambdas.size(), std::vector<double>(folds.rows.size()));
  parallel_for(folds.folds.size(), [&](size_t at) {
    const Fold& fold = folds.folds[at];
    with_gap_model(examples, fold.outside, kLambdas, kSearchTolerance,
                   [&](const GapModel& model, const NgramRidge& ridge) {
                     for (size_t i = 0; i < fold.inside.size(); ++i) {
                       const uint32_t row = fold.inside[i];
                       const double by_length = model.length(log_chars(examples, row));
                       for (size_t l = 0; l < kLambdas.size(); ++l)
                         predicted[l][fold.inside_positions[i]] =
                             by_length + ridge.predict(model.ngrams[l], row);
                     }
                   });
  });
  return predicted;
}

// int8 weights, clipped so that no n-gram, however rare its like, moves a query far.
void store(const GapModel& model, Fit& fit) {
  const NgramWeights& ngrams = model.ngrams.front();
  double squares = 0, count = 0;
  for (const float weight : ngrams.of_bucket) {
    squares += double{weight} * double{weight};
    count += weight != 0 ? 1 : 0;
  }
  const double clip = count > 0 ? kClipDeviations * std::sqrt(squares / count) : 0;
  const double scale = clip > 0 ? clip / 127 : 1;
  std::vector<model::NgramBucket> table(ngrams.of_bucket.size());
  for (size_t bucket = 0; bucket < table.size(); ++bucket) {
    const double steps = std::round(double{ngrams.of_bucket[bucket]} / scale);
    table[bucket] = {model.idf[bucket], static_cast<int8_t>(std::clamp(steps, -127.0, 127.0))};
  }
  std::string bytes(table.size() * sizeof(model::NgramBucket), '\0');
  std::memcpy(bytes.data(), table.data(), bytes.size());
  fit.blobs[std::string(section::kNgramTable)] = std::move(bytes);
  fit.weights[std::string(section::kNgramScales)] = {scale, scale * kCharShare};
  fit.weights[std::string(section::kIntercept)] = {ngrams.intercept};
  fit.weights[std::string(section::kLengthKnots)] = model.length.knots();
  fit.weights[std::string(section::kLengthValues)] = model.length.values();
}

}  // namespace

std::expected<Fit, Error> fit_ngram(const Examples& examples, const Rows& rows,
                                    const TrainOptions& options) {
  TRY_ASSIGN(const Folds folds, make_folds(examples, rows, options));
  const auto predicted = predict_out_of_fold(examples, folds);
  const std::vector<double> gaps = gap_targets(examples, folds.rows);
  const std::vector<double> weights = weights_of(examples, folds.rows);
  size_t best = 0;
  double highest = -2;
  for (size_t l = 0; l < kLambdas.size(); ++l) {
    const double c = correlation(predicted[l], gaps, weights);
    if (c > highest) highest = c, best = l;
  }
  const GapToProbability map = fit_probability(examples, folds.rows, predicted[best]);
  Fit fit;
  fit.weights[std::string(section::kToProbability)] = {map.slope, map.offset};
  with_gap_model(examples, rows, std::span(kLambdas).subspan(best, 1), kFinalTolerance,
                 [&](const GapModel& model, const NgramRidge&) { store(model, fit); });
  fit.out_of_fold = {.rows = folds.rows, .scores = {}};
  for (const double gap : predicted[best])
    fit.out_of_fold.scores.push_back(map(gap));
  fit.summary = fmt::format(
      "ridge on hashed n-grams, lambda {} by cross-validation on {} rows "
      "(correlation with the gap {:.3f})",
      kLambdas[best], folds.rows.size(), highest);
  return fit;
}

}  // namespace weir::train
