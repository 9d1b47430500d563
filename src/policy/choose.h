// Station 5: from scores to a plan. Pure: no clock, no socket, no hidden randomness, so that
// evaluation replays exactly what was served.
//
// The experiment. A unit (a conversation) is in the control group when its draw lies below
// `control_share`; control units are served by the strong model whatever the score. All others are
// served by the tier of the score: strong at score >= threshold. The tier of the score is kept for
// a conversation and may only rise, at a new user turn; it is kept for control units too, so that
// the propensity of every turn is that of the whole conversation so far:
//   tier of the score strong -> P(strong) = 1
//   tier of the score weak   -> P(weak) = 1 - control_share, P(strong) = control_share
// Thread-safe.
#pragma once

#include <cstddef>
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
constexpr std::string_view to_string(Tier t) {
  return t == Tier::kWeak ? "weak" : "strong";
}

// One model that may serve, after capability filters; index into the route's candidates.
struct Candidate {
  Tier tier = Tier::kStrong;
  bool eligible = true;      // false: cannot take this request
  std::string why_not = {};  // names the fact ("context window 8192 < 12000 tokens")
};

struct Inputs {
  std::vector<Candidate> candidates;  // weakest first, at least one
  std::optional<double> score;        // P(strong needed); nullopt: could not be judged
  bool trained = false;
  double threshold = 0.5;
  double control_share = 0.05;  // share of units forced to strong
  double unit_draw = 0;         // keyed hash of the conversation in [0, 1)
  std::optional<Tier> sticky;   // the conversation's tier of the score so far
  // What has really served the conversation: strong also after a fallback. Never moves down.
  std::optional<Tier> served_so_far;
  bool may_move_up = false;   // a new user turn without an open tool call
  std::optional<Tier> asked;  // x-weir-route: strong | weak
  bool in_experiment = true;  // false: named models, router-*, header
};

struct Plan {
  std::vector<size_t> attempts;  // candidate indexes in order; empty: no candidate can serve
  Reason reason = Reason::kScore;
  Tier assigned = Tier::kStrong;  // by the experiment and the score, before capability filters
  Tier by_score = Tier::kStrong;  // what the score alone has given; the next turn's `sticky`
  bool control = false;
  // Probability that `assigned` was chosen under this policy for this score (1 outside it).
  double propensity = 1;
};

// Whether the score can change anything for this conversation, so that it is worth computing.
bool needs_score(const Inputs& inputs);

Plan choose(const Inputs& inputs);

}  // namespace weir::policy
