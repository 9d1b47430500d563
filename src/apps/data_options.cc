#include "apps/data_options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <optional>
#include <utility>

#include "label/query_file.h"
#include "model/model_files.h"

namespace weir::apps {

std::string check_share(const std::string& text) {
  double number = 0;
  const bool fits = CLI::detail::lexical_cast(text, number) && number >= 0 && number <= 1;
  return fits ? "" : fmt::format("{} is no number from 0 to 1", text);
}

void add_data_options(CLI::App& app, DataOptions& options) {
  app.add_option("--data", options.data,
                 "JSONL or JSONL.gz files with `query` and `label`, `scores` or `winner`");
  app.add_option("--weak", options.weak, "the weak model's name in `scores`");
  app.add_option("--strong", options.strong, "the strong model's name in `scores`");
  app.add_option("--models", options.models,
                 "more than two models by their names in `scores`, weakest first: A,B,C")
      ->delimiter(',');
  app.add_option("--source", options.sources,
                 "a file with a pair of its own: FILE WEAK STRONG (repeat it for more)");
  app.add_option("--leave-out", options.leave_out,
                 "leave out rows whose text member matches: FIELD=PATTERN, such as task=gsm8k")
      ->take_all();
  app.add_option("--leave-out-near", options.leave_out_near,
                 "leave out rows that are nearly the same as one of these files: what will be "
                 "evaluated on");
  app.add_flag("--include-contaminated", options.include_contaminated,
               "keep rows marked contaminated: true");
  app.add_flag("--include-in-bench", options.include_in_bench, "keep rows marked in_bench: true");
}

std::vector<std::string> model_names(const DataOptions& options) {
  if (!options.models.empty()) return options.models;
  if (!options.weak.empty()) return {options.weak, options.strong};
  return {"weak", "strong"};
}

namespace {

std::expected<void, Error> check_names(const DataOptions& options) {
  if (options.weak.empty() != options.strong.empty())
    return fail(ErrorCode::kInvalidArgument, "--weak and --strong belong together");
  if (options.models.empty()) return {};
  if (!options.weak.empty() || !options.sources.empty())
    return fail(ErrorCode::kInvalidArgument,
                "--models names all models; leave out --weak, --strong and --source");
  if (options.models.size() >= 2) return {};
  return fail(ErrorCode::kInvalidArgument,
              "--models needs two names or more, weakest first: --models A,B,C");
}

std::expected<void, Error> leave_out_near(const DataOptions& options, train::LabelledRows& rows) {
  if (options.leave_out_near.empty()) return {};
  TRY_ASSIGN(const train::ShingleIndex index, index_queries(options.leave_out_near));
  std::erase_if(rows.rows, [&](const train::LabelledRow& row) {
    if (!index.find(row.query)) return false;
    --rows.counts[row.source].kept;
    ++rows.counts[row.source].left_out;
    return true;
  });
  return {};
}

}  // namespace

std::expected<train::LabelledRows, Error> read_data(const DataOptions& options,
                                                    train::Labels labels, train::Partial partial,
                                                    train::Absent absent) {
  TRY(check_names(options));
  std::vector<train::DataSource> sources;
  const bool named = !options.models.empty() || !options.weak.empty();
  const std::vector<std::string> models = model_names(options);
  for (const std::string& file : options.data) {
    train::DataSource source{.file = file, .pair = std::nullopt};
    if (named) source.pair = {models.front(), models.back()};
    if (models.size() > 2) source.models = models;
    sources.push_back(std::move(source));
  }
  for (const auto& [file, weak, strong] : options.sources)
    sources.push_back({.file = file, .pair = train::ModelPair{weak, strong}});
  if (sources.empty())
    return fail(ErrorCode::kInvalidArgument,
                "no data: name files with --data FILE... or --source FILE WEAK STRONG");
  train::ReadOptions read{.labels = labels, .partial = partial, .absent = absent};
  if (options.include_contaminated) read.contaminated = train::Marked::kInclude;
  if (options.include_in_bench) read.in_bench = train::Marked::kInclude;
  for (const std::string& text : options.leave_out) {
    TRY_ASSIGN(train::LeaveOut rule, train::LeaveOut::parse(text));
    read.leave_out.push_back(std::move(rule));
  }
  TRY_ASSIGN(train::LabelledRows rows, read_labelled_rows(std::move(sources), read));
  TRY(leave_out_near(options, rows));
  return rows;
}

std::expected<train::ShingleIndex, Error> index_queries(
    const std::vector<std::filesystem::path>& files) {
  TRY_ASSIGN(const label::QueryFile read, label::read_queries(files));
  train::ShingleIndex index;
  for (const label::Query& query : read.queries)
    index.add(query.text);
  return index;
}

std::string describe_counts(const train::RowCounts& counts, int64_t unjudged) {
  std::vector<std::string> left_out;
  const auto add = [&](int64_t count, std::string_view what) {
    if (count > 0) left_out.push_back(fmt::format("{} {}", count, what));
  };
  add(counts.contaminated, "contaminated");
  add(counts.in_bench, "in bench");
  add(counts.left_out, "by --leave-out");
  add(counts.without_scores, "without a score of both models");
  add(unjudged, "without a known word");
  const int64_t kept = counts.kept - unjudged;
  if (left_out.empty()) return fmt::format("{} rows", kept);
  return fmt::format("{} rows (left out: {})", kept, fmt::join(left_out, ", "));
}

std::expected<model::StaticEmbedder, Error> load_static_embedder() {
  TRY_ASSIGN(const auto path, model::find_model_file(model::kStaticEmbeddingFile));
  return model::StaticEmbedder::load(path);
}

}  // namespace weir::apps
