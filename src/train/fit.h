// The fits of all kinds of router, one .cc file each; trainer.cc holds their table and does what is
// common to them. Internal to the folder. Pure, thread-safe.
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
};

// All fail as train_router does.
std::expected<Fit, Error> fit_random(const Examples& examples, const Rows& rows,
                                     const TrainOptions& options);
std::expected<Fit, Error> fit_length(const Examples& examples, const Rows& rows,
                                     const TrainOptions& options);
std::expected<Fit, Error> fit_lr(const Examples& examples, const Rows& rows,
                                 const TrainOptions& options);

}  // namespace weir::train
