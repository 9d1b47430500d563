#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <utility>

#include "model/estimator.h"
#include "model/ngram.h"
#include "train/fit.h"
#include "train/gap_search.h"
#include "train/ngram_ridge.h"
#include "train/parallel.h"

namespace weir::train {
namespace {

namespace section = model::section;

constexpr std::array kLambdas{3.0, 6.0, 12.0, 25.0, 50.0, 100.0};
constexpr double kCharShare = 0.5;
constexpr double kSearchTolerance = 1e-3, kFinalTolerance = 1e-5;
constexpr double kClipDeviations = 8;

// Predicted gaps of the rows of `folds` by fits that have not seen them, one vector a lambda.
std::vector<std::vector<double>> predict_out_of_fold(const Examples& examples, const Folds& folds) {
  std::vector predicted(kLambdas.size(), std::vector<double>(folds.rows.size()));
  parallel_for(folds.folds.size(), [&](size_t at) {
    const Fold& fold = folds.folds[at];
    const NgramRidge ridge(examples.ngrams, fold.outside, kCharShare);
    const auto fits = ridge.fit(gap_targets(examples, fold.outside),
                                weights_of(examples, fold.outside), kLambdas, kSearchTolerance);
    for (size_t i = 0; i < fold.inside.size(); ++i)
      for (size_t l = 0; l < kLambdas.size(); ++l)
        predicted[l][fold.inside_positions[i]] = ridge.predict(fits[l], fold.inside[i]);
  });
  return predicted;
}

// int8 weights, clipped so that no n-gram, however rare its like, moves a query far.
void store(const NgramRidge& ridge, const NgramWeights& ngrams, const Stack& stack, Fit& fit) {
  double squares = 0, count = 0;
  for (const float weight : ngrams.of_bucket) {
    squares += double{weight} * double{weight};
    count += weight != 0 ? 1 : 0;
  }
  const double clip = count > 0 ? kClipDeviations * std::sqrt(squares / count) : 0;
  const double step = clip > 0 ? clip / 127 : 1;
  std::vector<model::NgramBucket> table(ngrams.of_bucket.size());
  for (size_t bucket = 0; bucket < table.size(); ++bucket) {
    const double steps = std::round(double{ngrams.of_bucket[bucket]} / step);
    table[bucket] = {ridge.idf()[bucket], static_cast<int8_t>(std::clamp(steps, -127.0, 127.0))};
  }
  std::string bytes(table.size() * sizeof(model::NgramBucket), '\0');
  std::memcpy(bytes.data(), table.data(), bytes.size());
  fit.blobs[std::string(section::kNgramTable)] = std::move(bytes);
  const double scale = stack.weights[0] * step;
  fit.weights[std::string(section::kNgramScales)] = {scale, scale * kCharShare};
  fit.weights[std::string(section::kIntercept)] = {stack.intercept +
                                                   stack.weights[0] * ngrams.intercept};
}

}  // namespace

std::expected<Fit, Error> fit_ngram(const Examples& examples, const Rows& rows,
                                    const TrainOptions& options) {
  TRY_ASSIGN(const Folds folds, make_folds(examples, rows, options));
  GapSearch search = search_gap(examples, folds, predict_out_of_fold(examples, folds));
  Fit fit;
  const double lambda = kLambdas[search.best];
  const NgramRidge ridge(examples.ngrams, rows, kCharShare);
  const auto fits = ridge.fit(gap_targets(examples, rows), weights_of(examples, rows),
                              std::array{lambda}, kFinalTolerance);
  store(ridge, fits.front(), search.stack, fit);
  store_gap_parts(examples, rows, search, fit);
  fit.out_of_fold = {.rows = folds.rows, .scores = std::move(search.scores)};
  fit.summary = fmt::format(
      "ridge on hashed n-grams, lambda {} by cross-validation on {} rows, with the length: "
      "correlation with the gap {:.3f}",
      lambda, folds.rows.size(), search.correlation);
  return fit;
}

}  // namespace weir::train
