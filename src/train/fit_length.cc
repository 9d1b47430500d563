#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "model/estimator.h"
#include "train/fit.h"
#include "train/monotone.h"
#include "train/targets.h"

namespace weir::train {

namespace section = model::section;

std::expected<Fit, Error> fit_length(const Examples& examples, const Rows& rows,
                                     const TrainOptions&) {
  std::vector<double> chars, labels;
  for (const uint32_t row : rows) {
    chars.push_back(std::log1p(static_cast<double>(examples.prompts[row].chars)));
    labels.push_back(std::max(examples.rows[row].label, 0));
  }
  const model::PiecewiseLinear curve = fit_increasing(chars, labels, weights_of(examples, rows));
  Fit result;
  result.weights[std::string(section::kLengthKnots)] = curve.knots();
  result.weights[std::string(section::kLengthValues)] = curve.values();
  result.summary = fmt::format(
      "increasing curve of ln(1 + characters) with {} knots, from {:.3f} "
      "to {:.3f}",
      curve.knots().size(), curve.values().front(), curve.values().back());
  return result;
}

}  // namespace weir::train
