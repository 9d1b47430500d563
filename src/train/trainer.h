// From labelled examples to a router file, for every kind. What differs between kinds is one row of
// the table in trainer.cc; folds, thresholds and bookkeeping are common.
// Pure, thread-safe; the same input and seed give the same file.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "model/router_file.h"
#include "train/examples.h"

namespace weir::train {

// How the stored threshold is found. Recall and strong share are measured on out-of-fold scores,
// because scores of rows that a router was fitted on are too good; only where there are none, as
// with so few strong-needed rows that a fit without one fold sees one kind of label, on those. The
// threshold's origin says which.
struct ThresholdRule {
  enum class By { kDefault, kFixed, kRecall, kStrongShare };
  By by = By::kDefault;
  double value = 0.5;
};

// Kind bert: what reads the encoder's vector. kBest: cross-validation chooses; kOwn: the encoder
// was fine-tuned with a head, whose outputs are the vector.
enum class Head { kBest, kRidge, kLogistic, kMlp, kOwn };

struct TrainOptions {
  model::Kind kind = model::Kind::kLr;
  std::vector<std::string> models;  // weakest first
  ThresholdRule threshold;
  int64_t seed = 0;  // of the folds and of kind random; at most 2^53
  std::string cut_time;
  double c = 1;  // inverse strength of the L2 penalty
  uint32_t folds = 5;
  size_t max_anchors = 100'000;       // that kind knn keeps; of more rows a sample by seed
  std::function<void()> on_fit = {};  // called after each of the 1 + folds fits
  Head head = Head::kBest;
  double explore = 0.05;  // kind cawr: P(strong) stays in [explore, 1 - explore], in (0, 0.5)
};

// Whether the kind learns from rows that say nothing of one of the pair.
Partial partial_rows_for(model::Kind kind);

struct TrainReport {
  int64_t rows = 0;
  int64_t strong_needed = 0;
  // Thresholds at 80 % recall of the strong-needed rows: the linear 20th percentile of their
  // scores. Nothing where there are no out-of-fold scores.
  double recall80_in_sample = 0;
  std::optional<double> recall80_out_of_fold;
  // At the stored threshold, on out-of-fold scores.
  std::optional<double> strong_share;
  std::optional<double> recall;
  std::string fit;  // one line for people: how the optimum was reached
};

struct Trained {
  model::RouterFile file;
  TrainReport report;
};

// Fails: kInvalidArgument when there are too few rows, a label is unknown or only one kind of label
// is there; kInternal when the optimiser gives up.
[[nodiscard]] std::expected<Trained, Error> train_router(const Examples& examples,
                                                         const TrainOptions& options);

// A file without weights: every query goes to the last model, reason "untrained".
model::RouterFile untrained_router(const TrainOptions& options, model::EmbedSource embed);

// The fold of every row, in [0, folds): rows with equal normalised queries share one, so that no
// row is scored by a fit that has seen its twin.
std::vector<uint32_t> assign_folds(std::span<const std::string> words, uint32_t folds,
                                   int64_t seed);

}  // namespace weir::train
