// An evaluation for people, for programs and as a picture. docs/evaluation.md explains the figures.
// Pure functions, thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "eval/cost_multiplier.h"
#include "eval/evaluate.h"
#include "eval/transfer.h"
#include "eval/worth.h"

namespace weir::eval {

// What is known when the costs of calls are.
struct CostFigures {
  WorthInput input;
  Worth worth;
  MultiplierResult keep;  // best multiplier at 95 % of strong's quality
  MultiplierResult both;  // and at most 5 % of all queries answered worse
};

// What stands beside the figures.
struct Context {
  std::string router;         // Router::describe
  double threshold = 0.5;     // the router's stored one
  double strong_share = 0;    // of these rows at that threshold
  double quality = 0;         // mean score at that threshold
  int64_t leaked_rows = 0;    // rows whose query was in the training data
  int64_t dropped_rows = 0;   // contaminated, in_bench, left out, without scores
  int64_t unjudged_rows = 0;  // rows that the router could not judge: strong
  int64_t from_label = 0;     // rows whose scores were made from `label`
  std::optional<Transfer> transfer = {};
  std::optional<CostFigures> costs = {};  // nullopt: no prices were given
};

std::string to_text(const Evaluation& evaluation, const Context& context);

// One object; keys in docs/evaluation.md. Figures that are not defined are null.
std::string to_json(const Evaluation& evaluation, const Context& context);

// Quality against strong share for the router and the baselines, every cut; follows light and dark.
std::string to_svg(const Evaluation& evaluation, const Context& context);

}  // namespace weir::eval
