// Station 5: from scores and estimates to a plan. Pure: no clock, no socket, no hidden randomness,
// so that evaluation replays exactly what was served.
//
// The choice, by the route's rule (Inputs::rule), among the models that can take the request:
//   kThreshold     the last model at score >= threshold, else the first
//   kValue         the largest V * quality - cost, V the worth of one unit of quality in money; the
//                  lambda form of the literature is lambda = 1 / V. With two models that is: strong
//                  iff V * (q_strong - q_weak) > c_strong - c_weak. CARROT, arXiv 2502.03261.
//   kQualityFloor  the cheapest model of at least that quality, else the best
// A router of named routes names the model itself (Inputs::wanted), whatever the rule. A router
// that explores (Inputs::explore) draws between first and last in place of the threshold.
//
// The experiment. A unit (a conversation) is in the control group when its draw lies below
// `control_share`; control units are served by the last model whatever the score. All others are
// served by the tier of the score. The tier of the score is kept for a conversation and may only
// rise, at a new user turn; it is kept for control units too, so that the propensity of every turn
// is that of the whole conversation so far:
//   tier of the score strong -> P(strong) = 1
//   tier of the score lower  -> P(that tier) = 1 - control_share, P(strong) = control_share
// With exploration the tier of the score stays weak and the largest P(strong) so far is kept in its
// place, p; the same draw decides at every turn, so that
//   P(strong) = control_share + (1 - control_share) * p, P(weak) = (1 - control_share) * (1 - p).
// Thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::policy {

enum class Reason {
  kScore,        // score or estimates against the route's rule
  kSemantic,     // the named route that is nearest says so
  kCascade,      // weak first, its answer decides (policy/cascade.h)
  kExplore,      // drawn with the score's probability
  kControl,      // forced strong, whatever the score
  kSticky,       // the conversation's earlier decision
  kUntrained,    // no router: strong
  kCannotJudge,  // nothing to score (no known token, harness text only): strong
  kNamed,        // the client named a model
  kHeader,       // x-weir-route: strong | weak | a model of the route
  kOff,          // x-weir-route: off
  kCapability,   // the preferred candidate cannot take the request
  kObserve,      // the route only observes: served as asked
};
std::string_view to_string(Reason reason);

// The place of a model on its route's ladder. The last is kStrong, however many there are; the
// others count up from kWeak. Ordered.
enum class Tier : uint8_t { kWeak = 0, kStrong = 255 };
inline constexpr size_t kMostCandidates = 64;
// "strong" for the last model of a route, "weak" for every other.
constexpr std::string_view to_string(Tier t) {
  return t == Tier::kStrong ? "strong" : "weak";
}
// The tier of candidate `index` of `count`, weakest first. Requires index < count.
constexpr Tier tier_of(size_t index, size_t count) {
  return index + 1 == count ? Tier::kStrong : static_cast<Tier>(index);
}

// One model that may serve, after capability filters; index into the route's candidates.
struct Candidate {
  Tier tier = Tier::kStrong;
  bool eligible = true;                // false: cannot take this request
  std::string why_not = {};            // names the fact ("context window 8192 < 12000 tokens")
  std::optional<double> quality = {};  // expected, in [0, 1]; nullopt: not estimated
  std::optional<int64_t> cost_nanousd = {};  // expected; nullopt: not known
};

enum class Rule { kThreshold, kValue, kQualityFloor };
std::string_view to_string(Rule rule);  // "threshold", "value_usd", "quality_floor"

struct Inputs {
  std::vector<Candidate> candidates;  // weakest first, tier_of each; at least one
  std::optional<double> score;        // P(strong needed); nullopt: could not be judged
  bool trained = false;
  Rule rule = Rule::kThreshold;
  double threshold = 0.5;
  double value_nanousd = 0;      // kValue: of one unit of quality
  double quality_floor = 0;      // kQualityFloor
  bool weak_first = false;       // a cascade that can judge the weak model's answer
  std::optional<size_t> wanted;  // candidate that a router of named routes names
  // A router that explores: its score is P(strong) and is held in [explore, 1 - explore].
  std::optional<double> explore;
  double explore_draw = 0;                   // another keyed hash of the conversation in [0, 1)
  double control_share = 0.05;               // share of units forced to strong
  double unit_draw = 0;                      // keyed hash of the conversation in [0, 1)
  std::optional<Tier> sticky;                // the conversation's tier of the score so far
  std::optional<double> sticky_prob_strong;  // of Plan::prob_strong so far, when exploring
  // What has really served the conversation: strong also after a fallback. Never moves down.
  std::optional<Tier> served_so_far;
  bool may_move_up = false;   // a new user turn without an open tool call
  std::optional<Tier> asked;  // x-weir-route
  bool in_experiment = true;  // false: named models, router-*, header
};

struct Plan {
  std::vector<size_t> attempts;  // candidate indexes in order; empty: no candidate can serve
  Reason reason = Reason::kScore;
  Tier assigned = Tier::kStrong;      // by the experiment and the score, before a fallback
  Tier by_score = Tier::kStrong;      // what the score alone has given; the next turn's `sticky`
  std::optional<double> prob_strong;  // when exploring: the largest so far, without the control
  bool control = false;
  // Probability that `assigned` was chosen under this policy for this score (1 outside it).
  double propensity = 1;
};

// Whether the score can change anything for this conversation, so that it is worth computing.
bool needs_score(const Inputs& inputs);

Plan choose(const Inputs& inputs);

}  // namespace weir::policy
