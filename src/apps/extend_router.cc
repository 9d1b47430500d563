#include "apps/extend_router.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <optional>
#include <utility>

#include "apps/embed_url.h"
#include "apps/output.h"
#include "base/files.h"
#include "base/json.h"
#include "model/router.h"
#include "train/cluster_table.h"

namespace weir::apps {
namespace {

std::expected<train::LabelledRows, Error> read_rows(const ExtendOptions& options,
                                                    const DataOptions& data,
                                                    const model::RouterFile& file) {
  if (!data.weak.empty() || !data.strong.empty() || !data.models.empty() || !data.sources.empty())
    return fail(ErrorCode::kInvalidArgument,
                "--extend takes the other models from the router: name the new one by --model and "
                "its rows by --data");
  DataOptions named = data;
  // The reader wants two names; any other than the new one will do.
  named.models = {options.model, file.models.front()};
  return read_data(named, train::Labels::kOptional, train::Partial::kInclude,
                   train::Absent::kAccept);
}

std::expected<train::Examples, Error> embed_rows(train::LabelledRows rows,
                                                 const model::EmbedSource& source,
                                                 const model::StaticEmbedder& embedder) {
  if (source.from == model::EmbedFrom::kStatic)
    return make_examples(std::move(rows), embedder, train::WithEmbeddings::kYes);
  std::vector<std::string> words;
  for (const train::LabelledRow& row : rows.rows)
    words.push_back(train::scored_words(row.query));
  TRY_ASSIGN(const Vectors vectors,
             embed_texts({source.url, source.model, embed_key_for(source.url)}, words));
  if (vectors.dimension != source.dimension)
    return fail(ErrorCode::kUnsupported,
                fmt::format("{} gives vectors of {} numbers, but the router has {}", source.url,
                            vectors.dimension, source.dimension));
  return make_examples(std::move(rows), embedder, source, vectors.values);
}

std::string text(const train::ExtendReport& report, const model::RouterFile& file,
                 const ExtendOptions& options, const std::string& out) {
  std::string lines = fmt::format("{}: mean score {:.4f} over {} rows\n", options.model,
                                  report.mean_score, report.rows);
  if (report.without_rows > 0)
    lines += fmt::format("{} of {} clusters have none of these rows: its mean score stands there\n",
                         report.without_rows, report.clusters);
  lines += fmt::format("models, weakest first: {}\nwrote {}\n", fmt::join(file.models, ", "), out);
  if (report.position == 0 || report.position + 1 == file.models.size())
    lines += "score and threshold now compare with it: set the threshold again (weir calibrate)\n";
  return lines;
}

std::string json_text(const train::ExtendReport& report, const model::RouterFile& file,
                      const ExtendOptions& options, const std::string& out) {
  json::Writer writer;
  writer.begin_object().member("file", out).member("model", options.model);
  writer.member("rows", report.rows).member("mean_score", report.mean_score);
  writer.member("clusters", uint64_t{report.clusters});
  writer.member("clusters_without_rows", uint64_t{report.without_rows});
  writer.key("models").begin_array();
  for (const std::string& model : file.models)
    writer.value(model);
  writer.end_array().end_object();
  return writer.take() + "\n";
}

}  // namespace

std::expected<void, Error> extend_router(const ExtendOptions& options, const DataOptions& data,
                                         const std::string& out, bool json) {
  if (options.router.empty() || options.model.empty())
    return fail(ErrorCode::kInvalidArgument, "--extend ROUTER and --model NAME belong together");
  TRY_ASSIGN(const model::StaticEmbedder embedder, load_static_embedder());
  TRY_ASSIGN(const model::Router router, model::Router::load(options.router, embedder));
  model::RouterFile file = router.file();
  TRY_ASSIGN(train::LabelledRows rows, read_rows(options, data, file));
  TRY_ASSIGN(const train::Examples examples, embed_rows(std::move(rows), file.embed, embedder));
  std::optional<std::string> before;
  if (!options.before.empty()) before = options.before;
  TRY_ASSIGN(const train::ExtendReport report,
             extend_cluster_router(examples, options.model, before, file));
  TRY_ASSIGN(const std::string bytes, encode_router_file(file));
  TRY(write_file(out, bytes));
  return write_output(json ? json_text(report, file, options, out)
                           : text(report, file, options, out));
}

}  // namespace weir::apps
