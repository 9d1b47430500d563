// What `weir calibrate` does for each kind of router. calibrate.cc reads the options and holds the
// table by kind; most kinds share calibrate_scores. A handler prints its result and writes the
// file.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "apps/call_cost.h"
#include "apps/data_options.h"
#include "apps/progress.h"
#include "base/error.h"
#include "eval/thresholds.h"
#include "model/embedder.h"
#include "model/router.h"

namespace weir::apps {

struct CalibrateOptions {
  DataOptions data;
  CostOptions costs;
  std::string router;
  std::string out;  // empty: back into `router`
  bool dry_run = false;
  std::string map = "auto";
  std::vector<eval::ThresholdAim> aims;
  double acceptable_gap = 0.05;  // limit of the sweep
  std::string plot, reliability_plot, scores;
  uint64_t seed = 0;
  bool json = false;

  const std::string& written_to() const { return out.empty() ? router : out; }
  Show progress() const { return json ? Show::kNever : Show::kOnTerminal; }
};

// Fits the map and finds thresholds for a router that gives one score.
[[nodiscard]] std::expected<void, Error> calibrate_scores(const CalibrateOptions& options,
                                                          const model::Router& router);

// Kind semantic: the threshold of each named route, from rows with `query` and `route`.
[[nodiscard]] std::expected<void, Error> calibrate_routes(const CalibrateOptions& options,
                                                          const model::Router& router);

// Kind cawr: its score is the probability of a draw, so a map over it would make the logged
// propensity wrong. Always fails, with what to do instead.
[[nodiscard]] std::expected<void, Error> refuse_drawn(const CalibrateOptions& options,
                                                      const model::Router& router);

}  // namespace weir::apps
