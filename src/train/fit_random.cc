#include "model/estimator.h"
#include "train/fit.h"

namespace weir::train {

namespace section = model::section;

std::expected<Fit, Error> fit_random(const Examples&, const Rows&, const TrainOptions& options) {
  Fit result;
  result.weights[std::string(section::kSeed)] = {static_cast<double>(options.seed)};
  result.summary = "nothing to fit";
  return result;
}

}  // namespace weir::train
