// `calibration` and `thresholds` in the JSON header of a router file. Internal to the folder.
// Pure functions, thread-safe. Keys: docs/formats/weir_file.md.
#pragma once

#include <expected>
#include <optional>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "model/calibration.h"

namespace weir::model {

inline constexpr size_t kMostKnots = 10'000;
inline constexpr size_t kMostThresholds = 100;

// Both fail with kCorrupt, naming the field; read_calibration with kUnsupported for a map that this
// program does not know.
[[nodiscard]] std::expected<std::optional<Calibration>, Error> read_calibration(json::Value header);
[[nodiscard]] std::expected<std::vector<StoredThreshold>, Error> read_thresholds(
    json::Value header);

// Write the member with its key; no thresholds, no member.
void write_calibration(const std::optional<Calibration>& calibration, json::Writer& out);
void write_thresholds(const std::vector<StoredThreshold>& thresholds, json::Writer& out);

}  // namespace weir::model
