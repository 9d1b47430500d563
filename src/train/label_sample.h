// A bounded sample of the vectors that a router was trained on, kept in its file, so that a new
// workload can be compared with them (eval/transfer.h). Pure for a given seed, thread-safe.
#pragma once

#include <cstdint>
#include <string>

#include "train/examples.h"

namespace weir::train {

inline constexpr size_t kLabelSample = 512;

// int8 unit vectors x 127 of at most kLabelSample rows, drawn without replacement (reservoir,
// Vitter 1985); empty where the examples hold no vectors.
std::string sample_labels(const Examples& examples, uint64_t seed);

}  // namespace weir::train
