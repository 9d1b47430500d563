// Trouble on request: a phrase [[sim:NAME]], [[sim:NAME:NUMBER]] or [[sim:NAME@weak]] in the last
// user message, or the same words in the header x-sim-fault. A status takes two numbers, how many
// requests fail and the Retry-After of a 429: [[sim:429:2:1]]. The list is in docs/simulator.md.
// Pure, thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace weir::simulate {

enum class FaultKind {
  kNone,
  kStatus,      // an error status instead of an answer; `times` first requests only, 0 = all
  kSlowHead,    // `number` ms before the head of the response
  kSlow,        // `number` ms before every piece of a stream
  kStall,       // the head, then nothing until the client goes
  kStallMid,    // half of the content, then nothing until the client goes
  kCut,         // half of the content, then the connection closes
  kNoEnd,       // all content, but no terminal event
  kGarbage,     // status 200 and bytes that are no answer
  kErrorFirst,  // an error as the first event, or an error body with status 200
  kNoUsage,     // no usage anywhere
  kWrongUsage,  // ten times the tokens
};

struct Fault {
  FaultKind kind = FaultKind::kNone;
  int status = 0;
  int64_t number = 0;
  int64_t times = 0;
};

// The fault asked for by `words` ("stall", "429:2", "cut@weak"); kNone for other words and for a
// fault that is meant for the other tier ("weak" or "strong").
Fault parse_fault(std::string_view words, std::string_view tier);

// The last such phrase in a text.
Fault find_fault(std::string_view text, std::string_view tier);

}  // namespace weir::simulate
