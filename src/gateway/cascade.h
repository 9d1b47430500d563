// The cascade: the weak model answers first, and the strong one is asked when that answer shows
// that it is not good enough. Its steps stand in serve() between call and relay; what the client
// sees is the last answer only, without anything that weir asked for itself. docs/routers.md.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "gateway/cascade_options.h"
#include "http/message.h"
#include "http/server.h"
#include "model/calibration.h"
#include "model/router_file.h"
#include "policy/cascade.h"
#include "quality/checkers.h"
#include "quality/signals.h"
#include "upstream/call.h"
#include "wire/chat.h"

namespace weir::gateway {

class Gateway;
struct Decided;
struct Deployment;

// A cascade made ready for requests. Immutable.
struct Cascade {
  std::vector<quality::Signal> signals;
  model::CalibrationMap map;                     // raw confidence -> P(weak answer is right)
  policy::CascadeRule rule;                      // on the mapped scale
  std::vector<std::string> uncertainty_phrases;  // folded
  std::optional<quality::Checker> checker;
  int samples = 3;
  int64_t answer_ms = 60'000;

  bool reads(quality::Signal signal) const;
  bool needs(quality::SignalNeeds needs) const;  // of one of its signals
};

// `file`: of kind cascade, nullptr for none; what `options` names stands above it. Fails:
// kInvalidArgument naming the setting (unknown signal, no signal, thresholds out of order, checker
// that needs a reference), kCorrupt for a file.
[[nodiscard]] std::expected<Cascade, Error> make_cascade(const CascadeOptions& options,
                                                         const model::RouterFile* file);

// Whether a weak answer to this request could be judged by every graded signal. A request that
// cannot be judged goes to strong at once.
bool can_judge(const Cascade& cascade, const wire::Chat& chat, const Deployment& weak);

// What the call of the weak model must bring along.
void judge_target(const Cascade& cascade, upstream::Target& target);

// How a weak answer was judged, for the ledger and the client.
struct Judgement {
  std::optional<policy::CascadeVerdict> verdict;  // nullopt: there was no weak answer to judge
  std::optional<double> confidence;               // raw
  std::string_view alarm;                         // name of the signal that raised it, or ""
  bool strong_failed = false;                     // the weak answer serves after all

  bool escalates() const { return verdict == policy::CascadeVerdict::kEscalated; }
  // "accepted", "escalated", "gave_up", "strong_failed", "" without a verdict.
  std::string_view text() const;
};

// Takes what weir asked for out of the answer, reads the signals (further samples and outside
// checkers are asked here) and gives the verdict. Nothing happens unless the decision cascades and
// the weak model has answered.
http::Task<Judgement> judge_answer(Gateway& gateway, http::Exchange& exchange,
                                   const Decided& decided, upstream::Outcome& outcome);

// Asks the strong model in place of the weak answer, whose attempts stay in the outcome with what
// they used. When the strong model fails, the weak answer is put back.
http::Task<void> escalate(Gateway& gateway, http::Exchange& exchange, const Decided& decided,
                          upstream::Outcome& outcome, Judgement& judgement);

// x-weir-cascade and x-weir-weak-confidence, where there is a verdict.
void add_cascade_headers(const Judgement& judgement, http::Headers& headers);

// A file of kind cascade: its calibration maps the raw confidence to P(weak answer is right), its
// threshold is escalate_below; and these sections and settings, all of which may be missing.
namespace cascade_section {
inline constexpr std::string_view kGiveUpBelow = "give_up_below";  // [1]
inline constexpr std::string_view kSignals = "signals";            // names, spaces between
inline constexpr std::string_view kChecker = "checker";            // quality::Checker
}  // namespace cascade_section

}  // namespace weir::gateway
