// Token counts between the providers' words and the disjoint buckets of catalog::Usage.
// OpenAI counts cached tokens inside prompt_tokens, Anthropic beside input_tokens; reasoning tokens
// are a part of the output in both. Pure.
#pragma once

#include "base/json.h"
#include "catalog/usage.h"
#include "wire/dialect.h"

namespace weir::wire {

// Reads a usage object of a whole answer or of OpenAI's usage chunk. Counts that contradict each
// other are cut to what is possible; no object, or one without any count: source kNone.
catalog::Usage read_usage(Dialect provider, json::Value usage);

// Anthropic streams: message_start carries a first usage, message_delta the final counts; a later
// count replaces an earlier one. `raw` becomes the array of both objects.
void merge_anthropic_delta(json::Value delta_usage, catalog::Usage& usage);

// Writes the object's value; all counts are 0 when nothing was reported.
void write_usage(Dialect client, const catalog::Usage& usage, json::Writer& out);

}  // namespace weir::wire
