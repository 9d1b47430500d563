#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

#include "model/mf.h"
#include "train/battles.h"
#include "train/factorize.h"
#include "train/fit.h"

namespace weir::train {

namespace section = model::section;

std::expected<Fit, Error> fit_mf(const Examples& examples, const Rows& rows,
                                 const TrainOptions& options) {
  const std::vector<Battle> battles = battles_of(examples.rows, rows, options.seed);
  const auto decided = std::ranges::count(battles, Outcome::kWin, &Battle::outcome);
  if (decided == 0)
    return fail(ErrorCode::kInvalidArgument,
                "no row has two models with different scores, so there is nothing to learn");
  const size_t served = options.models.size(), models = std::max(served, examples.models.size());
  FactorizeOptions factorize_options;
  factorize_options.seed = options.seed;
  Factorized factors = factorize(examples, battles, models, factorize_options);
  factors.models.resize(served * factorize_options.width);
  Fit fit;
  fit.weights[std::string(section::kMfProjection)] = std::move(factors.projection);
  fit.weights[std::string(section::kMfModels)] = std::move(factors.models);
  fit.weights[std::string(section::kMfClassifier)] = std::move(factors.classifier);
  fit.summary =
      fmt::format("{} battles of {} models ({} ties left out), width {}, {} epochs, loss {:.4f}",
                  decided, models, battles.size() - static_cast<size_t>(decided),
                  factorize_options.width, factors.epochs, factors.loss);
  return fit;
}

}  // namespace weir::train
