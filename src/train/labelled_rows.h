// Reads labelled queries: JSONL or JSONL.gz, one object a line with `query` and one of
//   `label` (1 = strong needed, 0 = weak suffices) with an optional `weight`;
//   `scores` {model: 0..1}, of which a named pair gives the label (1 when strong scores higher);
//   `model_a`, `model_b` and `winner` (a, b or tie): a battle between any two models.
// Pure functions of the file content, thread-safe. Memory: the decompressed file and its rows.
#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace weir::train {

struct ModelPair {
  std::string weak, strong;
};

struct DataSource {
  std::filesystem::path file;
  std::optional<ModelPair> pair;  // nullopt: only rows with `label` can be read
  // All models that the router chooses between, weakest first, the pair at both ends. Empty: the
  // pair is all. Every source of one reading has as many.
  std::vector<std::string> models = {};
};

// A row is left out when its text member `field` matches the shell pattern.
struct LeaveOut {
  std::string field, pattern;

  // From "origin=ori_mmlu*". Fails: kInvalidArgument.
  [[nodiscard]] static std::expected<LeaveOut, Error> parse(std::string_view text);
};

enum class Marked { kLeaveOut, kInclude };
enum class Labels { kRequired, kOptional };
// A row that does not say how both models of the pair did, but how another did.
enum class Partial { kLeaveOut, kInclude };
// A model that no row of a file has a score of.
enum class Absent { kRefuse, kAccept };

struct ReadOptions {
  Marked contaminated = Marked::kLeaveOut;  // rows with contaminated: true
  Marked in_bench = Marked::kLeaveOut;      // rows with in_bench: true
  std::vector<LeaveOut> leave_out = {};
  Labels labels = Labels::kRequired;     // kOptional: a row may have neither label nor scores
  Partial partial = Partial::kLeaveOut;  // kInclude: such a row is kept, with label -1
  Absent absent = Absent::kRefuse;
};

// What is known of one model's answer to a query.
struct ModelResult {
  uint32_t model = 0;  // index into LabelledRows::models
  double score = 0;    // 0..1; in a battle 1 won, 0 lost, 0.5 tied
  float output_tokens = std::numeric_limits<float>::quiet_NaN();  // NaN: not known
};

struct LabelledRow {
  std::string query;        // as it stands in the file
  int label = 0;            // 1: strong needed; -1: unknown (Labels::kOptional, Partial::kInclude)
  double weight = 1;        // >= 0
  double weak_score = 0;    // from `scores`; without them 1 - label
  double strong_score = 1;  // from `scores`; without them 1
  uint32_t source = 0;      // index into LabelledRows::sources
  std::string id = {};      // its `id`, else "file:line"
  std::vector<ModelResult> results = {};  // one a model that is known, in no order

  // Null when nothing is known of that model here.
  const ModelResult* result_of(size_t model) const;
};

// What became of the rows of one file.
struct RowCounts {
  int64_t read = 0;
  int64_t kept = 0;
  int64_t contaminated = 0;       // left out for their mark
  int64_t in_bench = 0;           // left out for their mark
  int64_t left_out = 0;           // by ReadOptions::leave_out
  int64_t without_scores = 0;     // one of the pair has no score there
  int64_t from_label = 0;         // kept, with scores derived from `label`
  int64_t battles = 0;            // kept, from `winner`
  int64_t tokens_from_chars = 0;  // kept, output tokens estimated as `out_chars` / 4

  RowCounts& operator+=(const RowCounts& other);
};

struct LabelledRows {
  std::vector<DataSource> sources;
  std::vector<RowCounts> counts;  // one a source
  std::vector<LabelledRow> rows;
  // Those to choose between, weakest first ("weak" and "strong" where sources name different ones),
  // then the others that battles name.
  std::vector<std::string> models = {};

  RowCounts total() const;
};

// The models that `scores` of a file name, in the order of their first appearance. Fails:
// kNotFound, kIo, kCorrupt (compression); kInvalidArgument, naming file and line.
[[nodiscard]] std::expected<std::vector<std::string>, Error> models_with_scores(
    const std::filesystem::path& file);

// Fails: kNotFound, kIo, kCorrupt (compression); kInvalidArgument, naming file and line of what is
// malformed; or for a model that no row has, naming those that the file has.
[[nodiscard]] std::expected<LabelledRows, Error> read_labelled_rows(std::vector<DataSource> sources,
                                                                    const ReadOptions& options);

}  // namespace weir::train
