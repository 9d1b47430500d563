// The part of `weir eval` that is about money: from prices to a verdict.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>

#include "apps/call_cost.h"
#include "apps/data_options.h"
#include "apps/scored_data.h"
#include "eval/report.h"
#include "model/router.h"

namespace weir::apps {

struct CostQuestion {
  const CostOptions& costs;
  const DataOptions& data;
  uint64_t seed = 0;
};

// nullopt when no option names a cost. Fails as read_costs.
[[nodiscard]] std::expected<std::optional<eval::CostFigures>, Error> cost_figures(
    const CostQuestion& question, const model::Router& router, const train::LabelledRows& rows,
    const ScoredData& data);

}  // namespace weir::apps
