// Labelled rows with what a router says of them, for the commands that measure routers.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include "apps/call_cost.h"
#include "apps/progress.h"
#include "base/error.h"
#include "eval/transfer.h"
#include "model/router.h"
#include "train/labelled_rows.h"

namespace weir::apps {

struct ScoredData {
  std::vector<std::string> words;                            // own words of each row
  std::vector<model::Score> scores;                          // one a row
  std::vector<std::vector<model::ModelEstimate>> estimates;  // of each model; empty: pair only
  std::vector<float> vectors;  // [rows, dimension]; empty where the kind has none
};

// In order, with progress. Fails as score_texts.
[[nodiscard]] std::expected<ScoredData, Error> score_rows(
    const model::Router& router, const std::vector<train::LabelledRow>& rows, Show progress);

// Similarity of the rows to the router's labels; nullopt where vectors are unknown.
std::optional<eval::Transfer> transfer_of(const model::Router& router, const ScoredData& data);

// Mean tokens of a query (characters / 4) and of an answer of the two models (as recorded, else
// 300).
CallTokens mean_tokens(const std::vector<train::LabelledRow>& rows);

}  // namespace weir::apps
