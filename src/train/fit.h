// The fits of all kinds of router, one .cc file each; trainer.cc holds their table and does what is
// common to them. For this folder and for measuring kinds on splits. Pure, thread-safe.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "train/examples.h"
#include "train/trainer.h"

namespace weir::train {

using Rows = std::vector<uint32_t>;  // indexes of the examples that take part

// What a fit contributes to the router file, and one line for people.
struct Fit {
  std::map<std::string, std::vector<double>, std::less<>> weights = {};
  std::map<std::string, std::string, std::less<>> blobs = {};
  std::map<std::string, std::string, std::less<>> settings = {};
  std::string summary = {};
  // Where the fit makes them on its way: scores of rows by fits that have not seen them.
  struct {
    Rows rows = {};
    std::vector<double> scores = {};
  } out_of_fold = {};
};

// By the table of kinds; options.kind says which.
[[nodiscard]] std::expected<Fit, Error> fit_kind(const Examples& examples, const Rows& rows,
                                                 const TrainOptions& options);

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
std::expected<Fit, Error> fit_kernel(const Examples& examples, const Rows& rows,
                                     const TrainOptions& options);
std::expected<Fit, Error> fit_bert(const Examples& examples, const Rows& rows,
                                   const TrainOptions& options);
std::expected<Fit, Error> fit_lr(const Examples& examples, const Rows& rows,
                                 const TrainOptions& options);

}  // namespace weir::train
