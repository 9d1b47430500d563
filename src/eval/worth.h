// Is a router worth it here? Beside it stand what needs no router: the best single model, and a
// random mix of models at equal cost. The answer is a plain sentence, `do not use a router`
// included. Pure for a given seed, thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "eval/cost_multiplier.h"
#include "eval/frontier.h"
#include "stats/interval.h"

namespace weir::eval {

// One model over all rows.
struct ModelRow {
  std::string name;
  std::vector<double> quality;  // one a query
  double call_usd = 0;
};

struct WorthInput {
  std::vector<ModelRow> models;  // at least two
  std::vector<uint32_t> choice;  // the router's model of each query, by the threshold in force
  double router_usd = 0;         // of a decision
  // What the router does at other thresholds, its own cost included, for AIQ.
  std::vector<CostQuality> curve;
  double keep = 0.95;  // quality of the best model that a cheaper one must keep to be enough
};

enum class Verdict {
  kUse,              // better than every mix of equal cost, shown
  kNotShown,         // the interval of the difference holds 0
  kWorseThanMix,     // do not use a router
  kBestIsCheapest,   // do not use a router: the cheapest model is the best
  kCheaperIsEnough,  // do not use a router: a cheap model alone keeps enough, and routing gains
                     // nothing
};

struct Worth {
  std::vector<CostQuality> models;  // mean cost of a call and quality, in the order given
  size_t best = 0;                  // the best single model, the cheaper of equals
  size_t enough = 0;                // the cheapest that keeps `keep` of the best
  CostQuality router;               // at the threshold in force, its own cost included
  double mix = 0;                   // quality of the best random mix at the router's cost
  std::optional<stats::Interval> over_mix_ci95;  // router - mix on the same resamples
  double saving = 1;                             // cost of the best model / cost of the router
  double quality_kept = 1;                       // quality of the router / of the best model
  double aiq = 0, mix_aiq = 0, routerbench_aiq = 0;
  double arena = 0;            // RouterArena's score of the router
  double quality_per_usd = 0;  // mean quality / mean cost
  Verdict verdict = Verdict::kNotShown;
};

// Requires equal sizes, at least one query, at least two models.
Worth judge_worth(const WorthInput& input, uint64_t seed, int resamples = 1000);

// The sentence, for instance "do not use a router here: ...".
std::string verdict_text(const WorthInput& input, const Worth& worth);

// The table with the sentence under it; JSON with the same figures (keys: docs/evaluation.md).
std::string to_text(const WorthInput& input, const Worth& worth);
std::string to_json(const WorthInput& input, const Worth& worth);

}  // namespace weir::eval
