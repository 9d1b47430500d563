// Station 5: from scores to a plan. Pure: no clock, no socket, no hidden randomness, so that
// evaluation replays exactly what was served.
// Thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::policy {

enum class Reason {
  kScore,        // score against threshold
  kControl,      // forced strong, whatever the score
  kSticky,       // the conversation's earlier decision
  kUntrained,    // no router: strong
  kCannotJudge,  // nothing to score (no known token, harness text only): strong
  kNamed,        // the client named a model
  kHeader,       // x-weir-route: strong | weak
  kOff,          // x-weir-route: off
  kCapability,   // the preferred candidate cannot take the request
  kObserve,      // the route only observes: served as asked
};
std::string_view to_string(Reason reason);

enum class Tier { kWeak, kStrong };
constexpr std::string_view to_string(Tier t) { return t == Tier::kWeak ? "weak" : "strong"; }

// One model that may serve, after capability filters; index into the route's candidates.
struct Candidate {
  Tier tier = Tier::kStrong;
  bool eligible = true;        // false: cannot take this request
  std::string why_not;         // names the fact ("context window 8192 < 12000 tokens")
};

struct Inputs {
  std::vector<Candidate> candidates;    // weakest first, at least one
  std::optional<double> score;          // P(strong needed); nullopt: could not be judged
  bool trained = false;
  double threshold = 0.5;
  double control_share = 0.05;          // share of units forced to strong
  double unit_draw = 0;                 // keyed hash of the conversation in [0, 1)
  std::optional<Tier> sticky;           // the conversation's tier so far
  bool may_move_up = false;             // a new user turn without an open tool call
  std::optional<Tier> asked;            // x-weir-route: strong | weak
  bool in_experiment = true;            // false: named models, router-*, header
};

struct Plan {
  std::vector<size_t> attempts;  // candidate indexes in order; empty: no candidate can serve
  Reason reason = Reason::kScore;
  Tier assigned = Tier::kStrong; // by the experiment and the score, before capability filters
  bool control = false;
  // Probability that `assigned` was chosen under this policy for this score (1 outside it).
  double propensity = 1;
};

Plan choose(const Inputs& inputs);

}  // namespace weir::policy
