#include <fmt/format.h>

#include <utility>

#include "model/estimator.h"
#include "train/fit.h"
#include "train/logistic.h"

namespace weir::train {

namespace section = model::section;

std::expected<Fit, Error> fit_lr(const Examples& examples, const Rows& rows,
                                 const TrainOptions& options) {
  std::vector<int> labels;
  std::vector<double> weights;
  for (const LabelledRow& row : examples.rows) {
    labels.push_back(row.label);
    weights.push_back(row.weight);
  }
  const Samples samples{examples.embeddings, examples.dimension(), labels, weights, rows};
  const Scaler scaler = fit_scaler(samples);
  TRY_ASSIGN(const LogisticFit fit, fit_logistic(samples, scaler, options.c));
  Fit result;
  result.weights[std::string(section::kMean)] = scaler.mean;
  result.weights[std::string(section::kScale)] = scaler.scale;
  result.weights[std::string(section::kCoefficients)] = fit.coefficients;
  result.weights[std::string(section::kIntercept)] = {fit.intercept};
  result.summary = fmt::format(
      "logistic regression on {} features, optimum after {} Newton steps "
      "(largest gradient {:.1e})",
      examples.dimension(), fit.steps, fit.gradient_norm);
  return result;
}

}  // namespace weir::train
