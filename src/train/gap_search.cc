#include "train/gap_search.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <tuple>
#include <utility>

#include "model/estimator.h"
#include "model/ngram.h"

namespace weir::train {

namespace section = model::section;

double log_chars(const Examples& examples, uint32_t row) {
  return std::log1p(static_cast<double>(examples.prompts[row].chars));
}

model::PiecewiseLinear fit_length_gap(const Examples& examples, const Rows& rows) {
  std::vector<double> lengths;
  for (const uint32_t row : rows)
    lengths.push_back(log_chars(examples, row));
  return fit_increasing(lengths, gap_targets(examples, rows), weights_of(examples, rows));
}

namespace {

// A term of the shape explains little: its weight is pulled to 0 as if it were worth about
// 1/kShapeRows of the variance.
constexpr double kShapeRows = 400;

std::pair<double, double> mean_and_sd(std::span<const double> values) {
  double mean = 0, squares = 0;
  for (const double value : values)
    mean += value / static_cast<double>(values.size());
  for (const double value : values)
    squares += (value - mean) * (value - mean) / static_cast<double>(values.size());
  return {mean, std::sqrt(std::max(squares, 1e-12))};
}

std::vector<double> stacked_gaps(const Stack& stack, std::span<const StackColumn> columns) {
  std::vector<double> one(columns.size()), sums(columns[0].values.size());
  for (size_t i = 0; i < sums.size(); ++i) {
    for (size_t c = 0; c < columns.size(); ++c)
      one[c] = columns[c].values[i];
    sums[i] = stack(one);
  }
  return sums;
}

// Fits the bends beside learner and length; gives the stacked gaps.
std::vector<double> bend(std::span<const double> predicted, std::span<const double> ease,
                         std::span<const double> by_length, std::span<const double> targets,
                         std::span<const double> weights, GapSearch& search) {
  model::GapShape& shape = search.shape;
  std::tie(shape.gap_mean, shape.gap_sd) = mean_and_sd(predicted);
  std::tie(shape.ease_mean, shape.ease_sd) = mean_and_sd(ease);
  std::array<std::vector<double>, 4> terms;
  for (size_t i = 0; i < ease.size(); ++i) {
    const auto values = shape.terms(predicted[i], ease[i]);
    for (size_t t = 0; t < terms.size(); ++t)
      terms[t].push_back(values[t]);
  }
  std::vector<StackColumn> columns{{.values = predicted}, {.values = by_length}};
  const double pull = kShapeRows / static_cast<double>(targets.size());
  for (const std::vector<double>& term : terms)
    columns.push_back({.values = term, .pull = pull, .sign = Sign::kAny});
  const Stack stack = fit_stack(columns, targets, weights);
  shape.offset = stack.intercept, shape.linear = stack.weights[0];
  std::copy(stack.weights.begin() + 2, stack.weights.end(), shape.weights.begin());
  search.stack.weights = {stack.weights[0], stack.weights[1]};
  search.stack.intercept = stack.intercept;
  return stacked_gaps(stack, columns);
}

}  // namespace

GapSearch search_gap(const Examples& examples, const Folds& folds,
                     std::span<const std::vector<double>> predicted, std::span<const double> ease) {
  const std::vector<double> targets = gap_targets(examples, folds.rows);
  const std::vector<double> weights = weights_of(examples, folds.rows);
  std::vector<double> by_length(folds.rows.size()), gaps;
  for (const Fold& fold : folds.folds) {
    const model::PiecewiseLinear curve = fit_length_gap(examples, fold.outside);
    for (size_t i = 0; i < fold.inside.size(); ++i)
      by_length[fold.inside_positions[i]] = curve(log_chars(examples, fold.inside[i]));
  }
  GapSearch best{.correlation = -2};
  for (size_t i = 0; i < predicted.size(); ++i) {
    const std::array columns{StackColumn{.values = predicted[i]}, StackColumn{.values = by_length}};
    Stack stack = fit_stack(columns, targets, weights);
    std::vector<double> stacked = stacked_gaps(stack, columns);
    const double fits = correlation(stacked, targets, weights);
    if (fits <= best.correlation) continue;
    best.best = i, best.correlation = fits;
    best.stack = std::move(stack), gaps = std::move(stacked);
  }
  if (!ease.empty()) gaps = bend(predicted[best.best], ease, by_length, targets, weights, best);
  best.map = fit_probability(examples, folds.rows, gaps);
  for (const double gap : gaps)
    best.scores.push_back(best.map(gap));
  return best;
}

void store_gap_parts(const Examples& examples, const Rows& rows, const GapSearch& search,
                     Fit& fit) {
  const model::PiecewiseLinear curve = fit_length_gap(examples, rows);
  std::vector<double> values;
  for (const double value : curve.values())
    values.push_back(search.stack.weights[1] * value);
  fit.weights[std::string(section::kLengthKnots)] = curve.knots();
  fit.weights[std::string(section::kLengthValues)] = std::move(values);
  fit.weights[std::string(section::kToProbability)] = {search.map.slope, search.map.offset};
}

}  // namespace weir::train
