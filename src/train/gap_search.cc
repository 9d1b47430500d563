#include "train/gap_search.h"

#include <algorithm>
#include <cmath>
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

GapSearch search_gap(const Examples& examples, const Folds& folds,
                     std::span<const std::vector<double>> predicted) {
  const std::vector<double> gaps = gap_targets(examples, folds.rows);
  const std::vector<double> weights = weights_of(examples, folds.rows);
  std::vector<std::vector<double>> columns(2, std::vector<double>(folds.rows.size()));
  for (const Fold& fold : folds.folds) {
    const model::PiecewiseLinear curve = fit_length_gap(examples, fold.outside);
    for (size_t i = 0; i < fold.inside.size(); ++i)
      columns[1][fold.inside_positions[i]] = curve(log_chars(examples, fold.inside[i]));
  }
  GapSearch best{.correlation = -2};
  std::vector<double> best_stacked;
  for (size_t candidate = 0; candidate < predicted.size(); ++candidate) {
    columns[0] = predicted[candidate];
    const Stack stack = fit_stack(columns, gaps, weights);
    std::vector<double> stacked;
    for (size_t i = 0; i < gaps.size(); ++i)
      stacked.push_back(stack(std::array{columns[0][i], columns[1][i]}));
    const double fits = correlation(stacked, gaps, weights);
    if (fits <= best.correlation) continue;
    best = {.best = candidate, .correlation = fits, .stack = stack, .map = {}, .scores = {}};
    best_stacked = std::move(stacked);
  }
  best.map = fit_probability(examples, folds.rows, best_stacked);
  for (const double gap : best_stacked)
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
