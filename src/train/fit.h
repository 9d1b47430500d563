// The fits of all kinds of router, one .cc file each; trainer.cc holds their table and does what is
// common to them. For this folder and for measuring kinds on splits. Pure, thread-safe.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "train/examples.h"
#include "train/trainer.h"

namespace weir::train {

using Rows = std::vector<uint32_t>;  // indexes of the examples that take part

// Scores of rows by fits that have not seen them.
struct Measured {
  Rows rows = {};
  std::vector<double> scores = {};
};

// What a fit contributes to the router file, and one line for people.
struct Fit {
  std::map<std::string, std::vector<double>, std::less<>> weights = {};
  std::map<std::string, std::string, std::less<>> blobs = {};
  std::map<std::string, std::string, std::less<>> settings = {};
  std::string summary = {};
  // Not empty where the fit itself follows the rule of the threshold, because its scores are the
  // probabilities of a draw: then strong share and recall are means of scores.
  std::string threshold_origin = {};
  // Where the fit makes them on its way: scores of rows by fits that have not seen them.
  Measured out_of_fold = {};
};

// By the table of kinds; options.kind says which.
[[nodiscard]] std::expected<Fit, Error> fit_kind(const Examples& examples, const Rows& rows,
                                                 const TrainOptions& options);

// Of at most kCrossValidationRows rows: those that `fit` made on its way, which are taken out of
// it, or by fitting again without each fold. Nothing where the rows without one fold cannot be
// fitted, because their labels are all the same.
[[nodiscard]] std::expected<std::optional<Measured>, Error> out_of_fold_scores(
    const Examples& examples, const Rows& rows, const TrainOptions& options, Fit& fit);

// Writes scores[row] for each of `rows`, with the forward pass that serves them. Requires
// scores.size() == examples.rows.size().
[[nodiscard]] std::expected<void, Error> score_rows(const Examples& examples, const Rows& rows,
                                                    const TrainOptions& options, const Fit& fit,
                                                    std::vector<double>& scores);

// All fail as train_router does.
std::expected<Fit, Error> fit_random(const Examples& examples, const Rows& rows,
                                     const TrainOptions& options);
std::expected<Fit, Error> fit_length(const Examples& examples, const Rows& rows,
                                     const TrainOptions& options);
std::expected<Fit, Error> fit_ngram(const Examples& examples, const Rows& rows,
                                    const TrainOptions& options);
std::expected<Fit, Error> fit_cawr(const Examples& examples, const Rows& rows,
                                   const TrainOptions& options);
std::expected<Fit, Error> fit_kernel(const Examples& examples, const Rows& rows,
                                     const TrainOptions& options);
std::expected<Fit, Error> fit_bert(const Examples& examples, const Rows& rows,
                                   const TrainOptions& options);
std::expected<Fit, Error> fit_auto(const Examples& examples, const Rows& rows,
                                   const TrainOptions& options);
std::expected<Fit, Error> fit_knn(const Examples& examples, const Rows& rows,
                                  const TrainOptions& options);
std::expected<Fit, Error> fit_cluster(const Examples& examples, const Rows& rows,
                                      const TrainOptions& options);
std::expected<Fit, Error> fit_mf(const Examples& examples, const Rows& rows,
                                 const TrainOptions& options);
std::expected<Fit, Error> fit_sw(const Examples& examples, const Rows& rows,
                                 const TrainOptions& options);
std::expected<Fit, Error> fit_lr(const Examples& examples, const Rows& rows,
                                 const TrainOptions& options);

}  // namespace weir::train
