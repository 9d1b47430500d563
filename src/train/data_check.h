// What is in files of queries, before anything is trained on them: counts, label balance, repeated
// and contradictory rows, near-duplicates within and between files, languages, lengths.
// Pure apart from reading the files, thread-safe. Memory: the queries.
#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace weir::train {

struct Lengths {  // characters
  uint64_t least = 0, median = 0, p90 = 0, most = 0;
};

struct FileCheck {
  std::string file;
  int64_t rows = 0;
  int64_t without_query = 0;  // no text `query`: not looked at further
  int64_t label_1 = 0, label_0 = 0, label_null = 0, battles = 0;
  struct ModelScores {
    int64_t rows = 0;
    double sum = 0;
  };
  std::map<std::string, ModelScores> scores;  // by model
  int64_t contaminated = 0, in_bench = 0;
  int64_t repeated = 0;       // the same query stood before in this file
  int64_t contradictory = 0;  // of those: with another label
  int64_t near = 0;           // near-duplicates of an earlier row, repeated ones not counted
  std::map<std::string, int64_t> languages;
  Lengths lengths;
};

// Rows of `second` that are also (nearly) in `first`, in another file.
struct Overlap {
  std::string first, second;
  int64_t equal = 0;
  int64_t near = 0;
  std::string example = {};  // a query of `second`
};

struct DataCheck {
  std::vector<FileCheck> files;
  std::vector<Overlap> overlaps;  // of every pair of files that share anything
};

// Fails: as read_maybe_gzip; kInvalidArgument naming file and line of what is no JSON object.
[[nodiscard]] std::expected<DataCheck, Error> check_data(
    const std::vector<std::filesystem::path>& files);

// "English", "German" ... for Latin script by its commonest words, "Latin" when they do not tell;
// otherwise the script: "Cyrillic", "Chinese", "Japanese", "Korean", "Arabic" ...; "none" without
// letters. A rule of thumb for an overview.
std::string_view guess_language(std::string_view text);

}  // namespace weir::train
