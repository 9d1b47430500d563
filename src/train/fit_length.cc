#include <fmt/format.h>

#include "model/estimator.h"
#include "stats/quantile.h"
#include "train/fit.h"

namespace weir::train {

namespace section = model::section;

std::expected<Fit, Error> fit_length(const Examples& examples, const Rows& rows,
                                     const TrainOptions&) {
  std::vector<double> chars;
  for (const uint32_t row : rows)
    chars.push_back(static_cast<double>(examples.prompts[row].chars));
  Fit result;
  const double median = stats::quantile(chars, 0.5);
  result.weights[std::string(section::kMedianChars)] = {median};
  result.summary = fmt::format("median length {:.1f} characters; labels are not used", median);
  return result;
}

}  // namespace weir::train
