// The queries of a job and a sample of them.
// Rows: JSONL or JSONL.gz with `query`, and where known `id`, `reference` (or `answer`, `gold`: a
// right answer), `checker` (its text, quality/checkers.h) and `human` {model: 0..1} (what people
// said about the models' answers).
// Pure apart from reading the file, thread-safe.
#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"

namespace weir::label {

struct Query {
  std::string text;
  std::string id = {};
  std::string reference = {};
  std::string checker = {};
  std::map<std::string, double> human = {};

  uint64_t key() const;  // of text and reference: the same query is asked once
};

struct QueryFile {
  std::vector<Query> queries;
  int64_t rows = 0;
  int64_t repeated = 0;  // left out: the same text and reference stood before
  int64_t empty = 0;     // left out: nothing to ask
};

// Fails: as read_maybe_gzip; kInvalidArgument naming file and line.
[[nodiscard]] std::expected<QueryFile, Error> read_queries(
    const std::vector<std::filesystem::path>& files);

// At most `size` of them, each equally likely, in random order; the same seed gives the same ones.
std::vector<Query> sample(std::vector<Query> queries, size_t size, uint64_t seed);

}  // namespace weir::label
