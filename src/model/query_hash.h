// A 64-bit name for a query that survives changes of case, accents, white space and control
// characters, so that a row which was trained on is recognised when it comes back in an evaluation.
// Pure, thread-safe; allocates. Not secret: whoever has a query can look for its hash.
#pragma once

#include <cstdint>
#include <string_view>

namespace weir::model {

// SipHash-2-4 with key 0 of the tokenizer's words, joined by spaces.
uint64_t query_hash(std::string_view query);

}  // namespace weir::model
