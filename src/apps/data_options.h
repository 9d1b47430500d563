// The options by which train, eval and features name labelled data, and the embedding table that
// they share.
#pragma once

#include <expected>
#include <filesystem>
#include <string>
#include <tuple>
#include <vector>

#include "base/error.h"
#include "model/embedder.h"
#include "train/labelled_rows.h"
#include "train/near_duplicates.h"

namespace CLI {
class App;
}

namespace weir::apps {

struct DataOptions {
  std::vector<std::string> data;  // read with the common pair
  std::string weak, strong;
  std::vector<std::string> models;  // in place of weak and strong: all of them, weakest first
  std::vector<std::tuple<std::string, std::string, std::string>> sources;  // file, weak, strong
  std::vector<std::string> leave_out;
  std::vector<std::filesystem::path> leave_out_near;  // rows nearly the same as one of these files'
  bool include_contaminated = false;
  bool include_in_bench = false;
};

// `options` must live until the arguments are parsed.
void add_data_options(CLI::App& app, DataOptions& options);

// Refuses what is not from 0 to 1, NaN included (CLI::Range lets it pass).
std::string check_share(const std::string& text);

// The models to choose between, weakest first: those named, else "weak" and "strong", because with
// --source every file has names of its own.
std::vector<std::string> model_names(const DataOptions& options);

// Fails: kInvalidArgument when no file is named, only one model of the pair, or both forms of
// naming models; as read_labelled_rows.
[[nodiscard]] std::expected<train::LabelledRows, Error> read_data(
    const DataOptions& options, train::Labels labels,
    train::Partial partial = train::Partial::kLeaveOut,
    train::Absent absent = train::Absent::kRefuse);

// Texts of the files' rows, for finding those that are nearly the same. Fails: as read_queries.
[[nodiscard]] std::expected<train::ShingleIndex, Error> index_queries(
    const std::vector<std::filesystem::path>& files);

// "8123 rows (left out: 12 contaminated, 40 in bench)".
std::string describe_counts(const train::RowCounts& counts, int64_t unjudged = 0);

// The table that ships with weir. Fails: kNotFound, kCorrupt ...
[[nodiscard]] std::expected<model::StaticEmbedder, Error> load_static_embedder();

}  // namespace weir::apps
