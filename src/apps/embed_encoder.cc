#include "apps/embed_encoder.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <filesystem>
#include <optional>
#include <thread>
#include <vector>

#include "apps/vector_cache.h"
#include "model/shared_encoder.h"

namespace weir::apps {
namespace {

void embed_rows(const model::Encoder& encoder, std::span<const std::string> texts,
                std::span<const size_t> rows, Progress& progress, Vectors& vectors) {
  std::atomic<size_t> next = 0;
  const auto work = [&] {
    model::EncoderScratch scratch;
    for (size_t i = next++; i < rows.size(); i = next++) {
      const auto out =
          std::span(vectors.values).subspan(rows[i] * vectors.dimension, vectors.dimension);
      (void)encoder.embed(texts[rows[i]], out, scratch);  // zeros say that it cannot be judged
      progress.advance();
    }
  };
  std::vector<std::jthread> threads;
  const size_t cores = std::max(1U, std::thread::hardware_concurrency());
  for (size_t i = 1; i < std::min(cores, rows.size()); ++i)
    threads.emplace_back(work);
  work();
}

}  // namespace

void add_encoder_options(CLI::App& app, EncoderOptions& options) {
  app.add_option("--encoder", options.file,
                 "with --embed encoder: the encoder file (default: encoder.weir of the model "
                 "files; tools/models/get_encoder makes it)");
  app.add_option("--vectors", options.vectors,
                 "with --embed encoder: a file that keeps the vectors from run to run");
}

std::expected<NamedEncoder, Error> load_encoder(const EncoderOptions& options,
                                                const std::string& router_path) {
  const std::filesystem::path folder = std::filesystem::path(router_path).parent_path();
  std::filesystem::path path = options.file;
  if (path.empty()) {
    TRY_ASSIGN(path, model::find_encoder(model::kEncoderFile, folder));
  }
  NamedEncoder named;
  TRY_ASSIGN(named.encoder, model::shared_encoder(path));
  named.source.from = model::EmbedFrom::kEncoder;
  named.source.dimension = named.encoder->dimension();
  named.source.static_hash = named.encoder->hash();
  named.source.model = path.filename().string();
  if (router_path.empty() || options.file.empty()) return named;
  const auto found = model::find_encoder(named.source.model, folder);
  std::error_code error;
  if (found && std::filesystem::equivalent(*found, path, error)) return named;
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("a router '{}' would not find the encoder '{}': put both into one "
                          "folder, or the encoder into the folder that WEIR_MODELS names",
                          router_path, path.string()));
}

std::expected<Vectors, Error> embed_with_encoder(const model::Encoder& encoder,
                                                 const EncoderOptions& options,
                                                 std::span<const std::string> texts, Show show) {
  Vectors vectors{.dimension = encoder.dimension(), .values = {}};
  vectors.values.resize(texts.size() * vectors.dimension);
  std::optional<VectorCache> cache;
  if (!options.vectors.empty()) {
    TRY_ASSIGN(cache, VectorCache::open(options.vectors, encoder.hash(), vectors.dimension));
  }
  std::vector<size_t> missing;
  for (size_t row = 0; row < texts.size(); ++row) {
    const auto known = cache ? cache->find(texts[row]) : std::span<const float>();
    if (known.empty())
      missing.push_back(row);
    else
      std::ranges::copy(
          known, vectors.values.begin() + static_cast<std::ptrdiff_t>(row * vectors.dimension));
  }
  Progress progress("vectors", missing.size(), show);
  embed_rows(encoder, texts, missing, progress, vectors);
  progress.finish();
  if (!cache || missing.empty()) return vectors;
  for (const size_t row : missing)
    cache->put(
        texts[row],
        std::span<const float>(vectors.values).subspan(row * vectors.dimension, vectors.dimension));
  TRY(cache->save());
  return vectors;
}

}  // namespace weir::apps
