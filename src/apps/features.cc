// weir features: what routers are trained on, as numbers that other programs read.
#include "text/features.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstring>
#include <limits>

#include "apps/commands.h"
#include "apps/data_options.h"
#include "apps/output.h"
#include "base/files.h"
#include "base/json.h"
#include "train/examples.h"

namespace weir::apps {
namespace {

struct Options {
  DataOptions data;
  std::string out;
  bool tokens = false;
};

double label_or_nan(const train::LabelledRow& row) {
  return row.label < 0 ? std::numeric_limits<double>::quiet_NaN() : row.label;
}

// The format of numpy.save, version 1.0: float64 [rows, 2 + dimension], row-major.
std::string npy_bytes(const train::Examples& examples) {
  std::string header =
      fmt::format("{{'descr': '<f8', 'fortran_order': False, 'shape': ({}, {}), }}",
                  examples.rows.size(), 2 + examples.dimension());
  constexpr size_t kBeforeHeader = 10;
  while ((kBeforeHeader + header.size() + 1) % 64 != 0)
    header += ' ';
  header += '\n';
  std::string bytes("\x93NUMPY\x01\x00", 8);
  const auto size = static_cast<uint16_t>(header.size());
  bytes.append(reinterpret_cast<const char*>(&size), sizeof(size));
  bytes += header;
  const auto append = [&](double number) {
    bytes.append(reinterpret_cast<const char*>(&number), sizeof(number));
  };
  for (size_t row = 0; row < examples.rows.size(); ++row) {
    append(label_or_nan(examples.rows[row]));
    append(examples.rows[row].weight);
    for (const float x : examples.embedding(row))
      append(double{x});
  }
  return bytes;
}

std::string csv_text(const train::Examples& examples) {
  std::string out = "label,weight";
  for (size_t j = 0; j < examples.dimension(); ++j)
    out += fmt::format(",e{}", j);
  out += '\n';
  for (size_t row = 0; row < examples.rows.size(); ++row) {
    out += fmt::format("{},{}", label_or_nan(examples.rows[row]), examples.rows[row].weight);
    for (const float x : examples.embedding(row))
      out += fmt::format(",{}", x);
    out += '\n';
  }
  return out;
}

// One line a row, also for rows without a known word: nothing is dropped here.
std::string tokens_text(const train::LabelledRows& rows, const model::StaticEmbedder& embedder) {
  std::string out;
  text::Features features;
  for (const train::LabelledRow& row : rows.rows) {
    text::featurize(embedder.vocabulary(), train::scored_words(row.query), features);
    json::Writer line;
    line.begin_object().member("query", row.query).key("token_ids").begin_array();
    for (const int32_t id : features.token_ids)
      line.value(int64_t{id});
    line.end_array().end_object();
    out += line.text();
    out += '\n';
  }
  return out;
}

std::expected<void, Error> run(const Options& options) {
  TRY_ASSIGN(const model::StaticEmbedder embedder, load_static_embedder());
  TRY_ASSIGN(train::LabelledRows rows, read_data(options.data, train::Labels::kOptional));
  const train::RowCounts counts = rows.total();
  if (options.tokens) {
    TRY(write_file(options.out, tokens_text(rows, embedder)));
    return write_output(
        fmt::format("wrote {}: token ids of {}\n", options.out, describe_counts(counts)));
  }
  const train::Examples examples =
      make_examples(std::move(rows), embedder, train::WithEmbeddings::kYes);
  const bool csv = options.out.ends_with(".csv");
  TRY(write_file(options.out, csv ? csv_text(examples) : npy_bytes(examples)));
  return write_output(fmt::format("wrote {}: label, weight and {} embedding values of {}\n",
                                  options.out, examples.dimension(),
                                  describe_counts(counts, examples.unjudged)));
}

}  // namespace

int run_features(Arguments arguments) {
  Options options;
  CLI::App app("Exports labels, weights and embeddings of labelled queries: docs/routers.md",
               "weir features");
  add_data_options(app, options.data);
  app.add_option("--out,--csv", options.out, "a .npy file for numpy.load, or a .csv file")
      ->required();
  app.add_flag("--tokens", options.tokens, "write JSONL {query, token_ids} in place of embeddings");
  if (const auto parsed = parse_arguments(app, arguments); !parsed) return parsed.error();
  return exit_status(run(options));
}

}  // namespace weir::apps
