// What `weir demo` asks, and how it knows whether an answer is right: fresh simulated questions, or
// the questions of a recording. Pure apart from reading the recording; thread-safe once made.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "simulate/recording.h"
#include "train/labelled_rows.h"

namespace weir::apps {

struct DemoCases {
  std::vector<std::string> queries;
  std::string weak, strong;  // model names at the provider
  // Set when the answers are recorded ones; queries then come from it.
  std::shared_ptr<const simulate::Recording> recording;
  std::vector<std::string> truths;  // of simulated questions

  bool simulated() const { return recording == nullptr; }
  // How good the text is as an answer to query `index`, in [0, 1]. nullopt: no model of ours ever
  // said that, so it was damaged on its way.
  std::optional<double> judge(size_t index, std::string_view model, std::string_view text) const;
};

DemoCases simulated_cases(size_t count, uint64_t seed);

// All questions that both models answered, at most `count`. The recording must hold exactly two
// models; the one with the lower mean score is weak. Fails: kInvalidArgument, as Recording::load.
[[nodiscard]] std::expected<DemoCases, Error> recorded_cases(const std::string& file, size_t count);

// Simulated questions with the results of both models, to train a router on.
train::LabelledRows labelled_questions(size_t count, uint64_t question_seed, uint64_t answer_seed);

}  // namespace weir::apps
