// Stations 4 and 5: from a chat to the models that are to serve it. Pure, but for recall().
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gateway/evidence.h"
#include "gateway/resolve.h"
#include "gateway/sessions.h"
#include "gateway/unit.h"
#include "policy/choose.h"
#include "wire/chat.h"

namespace weir::gateway {

// The question as the router sees it, and what is known of its conversation.
struct Question {
  Unit unit;
  uint64_t session_key = 0;      // unit, route and threshold
  std::string words;             // to be scored
  std::optional<Memory> memory;  // of the conversation so far
  bool new_turn = true;          // not a tool step, not the turn last decided on
};
// Without `memory` and `new_turn`: recall() fills them.
Question read_question(const Snapshot& snapshot, std::string_view key_id,
                       const http::Headers& headers, const wire::Chat& chat, const Asked& asked);

void recall(Sessions& sessions, const wire::Chat& chat, int64_t now_us, Question& question);

struct Estimate {
  std::optional<double> score;  // P(strong needed); nullopt: not judged, or not needed
  bool trained = false;
  std::vector<model::ModelEstimate> models;  // of the route's models; empty when not estimated
  std::optional<size_t> named;               // the named route that won, of Scorer::named
  std::vector<float> similarities;           // to each of Scorer::named
};

// What a call of the model would cost: the request's estimated input, and as many output tokens as
// are expected of it (nullopt or NaN: as many as the client allows, at most 500). nullopt: its
// price is not known.
std::optional<int64_t> expected_cost_nanousd(const Deployment& deployment, const wire::Chat& chat,
                                             std::optional<double> output_tokens);

// One model that was looked at, weakest first.
struct Option {
  const Deployment* deployment = nullptr;
  policy::Candidate candidate;
};

struct Decision {
  policy::Plan plan;
  std::vector<Option> options;                 // of the route; empty for a named model
  std::vector<const Deployment*> deployments;  // to be called, in order; empty: none can serve
  std::vector<policy::Tier> tiers;             // of them; empty for a model outside the route
  std::string mode;                            // "route" | "observe" | "named", as in the ledger
  bool in_experiment = false;
  std::optional<double> score, threshold;
  // The weak model's answer is to be judged before the client sees it (gateway/cascade.h).
  bool cascades = false;
  std::string named_route;  // of a router of named routes: the one that decided, "" for none
  std::string decision_id;  // of the earlier request that decided, "" when this one did
  std::string refusal;      // why no model can serve
};

// The inputs of policy::choose without score and estimates; empty for a named model.
policy::Inputs policy_inputs(const Asked& asked, const Question& question, const wire::Chat& chat);

// Scores the words if that can change anything. `inputs` from policy_inputs.
Estimate estimate(const Asked& asked, const Question& question, const Evidence& evidence,
                  const policy::Inputs& inputs, model::Scratch& scratch);

Decision decide(const Asked& asked, const Question& question, const Estimate& estimate,
                policy::Inputs inputs, const wire::Chat& chat);

// What to remember of the conversation now; nullopt: nothing (named, or chosen by the client).
std::optional<Memory> memory_after(const Asked& asked, const Question& question,
                                   const Decision& decision, std::string_view request_id);

// Why the model cannot take the request, "" when it can.
std::string why_not(const wire::Chat& chat, const Deployment& deployment);

}  // namespace weir::gateway
