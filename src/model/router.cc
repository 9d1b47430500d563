#include "model/router.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/files.h"
#include "model/estimator.h"
#include "model/query_hash.h"
#include "model/shared_encoder.h"

namespace weir::model {

struct Router::State {
  RouterFile file;
  std::unique_ptr<const Estimator> estimator;  // null when untrained
  const StaticEmbedder* embedder = nullptr;
  std::shared_ptr<const Encoder> encoder;  // null unless the vectors come from one
  text::Ngrams ngrams = text::Ngrams::kWords;
  uint64_t hash = 0;
};

Router::Router(std::unique_ptr<State> state) : state_(std::move(state)) {}
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;
Router::~Router() = default;

namespace {

std::expected<void, Error> check_fits(const RouterFile& file, const StaticEmbedder& embedder) {
  if (file.feature_spec != text::kFeatureSpec) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("trained on features '{}', but this program computes '{}'; train it "
                            "again",
                            file.feature_spec, text::kFeatureSpec));
  }
  if (file.embed.from != EmbedFrom::kStatic) return {};
  if (file.embed.static_hash == embedder.hash() &&
      file.embed.dimension == static_cast<uint32_t>(embedder.dimension()))
    return {};
  return fail(ErrorCode::kUnsupported,
              fmt::format("trained with embedding table {:016x}, but the one in use is {:016x}; "
                          "train it again or set WEIR_MODELS to the folder of that table",
                          file.embed.static_hash, embedder.hash()));
}

std::expected<std::shared_ptr<const Encoder>, Error> encoder_of(
    const EmbedSource& source, const std::filesystem::path& folder) {
  TRY_ASSIGN(const auto path, find_encoder(source.model, folder));
  TRY_ASSIGN(auto encoder, shared_encoder(path));
  if (encoder->hash() == source.static_hash && encoder->dimension() == source.dimension)
    return encoder;
  return fail(ErrorCode::kUnsupported,
              fmt::format("trained with encoder {:016x}, but '{}' is {:016x}; train it again or "
                          "put that encoder beside it",
                          source.static_hash, path.string(), encoder->hash()));
}

Score judged(const RouterFile& file, double raw) {
  if (std::isnan(raw)) return {};
  return {file.calibration ? file.calibration->map.apply(raw) : raw, true, raw};
}

}  // namespace

std::expected<Router, Error> Router::from_bytes(std::string_view bytes,
                                                const StaticEmbedder& embedder,
                                                const std::filesystem::path& folder) {
  auto state = std::make_unique<State>();
  TRY_ASSIGN(state->file, parse_router_file(bytes));
  TRY(check_fits(state->file, embedder));
  if (state->file.trained) {
    TRY_ASSIGN(state->estimator, make_estimator(state->file));
    if (state->file.embed.from == EmbedFrom::kEncoder) {
      TRY_ASSIGN(state->encoder, encoder_of(state->file.embed, folder));
    }
  }
  state->hash = router_file_hash(bytes);
  state->embedder = &embedder;
  state->ngrams = ngrams_for(kind_info(state->file.kind).needs);
  return Router(std::move(state));
}

std::expected<Router, Error> Router::load(const std::filesystem::path& path,
                                          const StaticEmbedder& embedder) {
  TRY_ASSIGN(const std::string bytes, read_file(path, kRouterFileLimit));
  auto router = from_bytes(bytes, embedder, path.parent_path());
  if (router) return router;
  return fail(router.error().code,
              fmt::format("router '{}': {}", path.string(), router.error().message));
}

Score Router::score(std::string_view query, Scratch& scratch) const {
  scratch.workspace.clear();
  if (!trained() || embed_source().from == EmbedFrom::kUrl) return {};
  text::featurize(state_->embedder->vocabulary(), query, scratch.features, state_->ngrams);
  if (scratch.features.empty()) return {};
  std::span<const float> embedding;
  if (embed_source().from == EmbedFrom::kStatic) {
    scratch.embedding.resize(embed_source().dimension);
    if (!state_->embedder->embed(scratch.features.token_ids, scratch.embedding)) return {};
    embedding = scratch.embedding;
  }
  if (state_->encoder) {
    scratch.embedding.resize(embed_source().dimension);
    if (!state_->encoder->embed(query, scratch.embedding, scratch.encoder)) return {};
    embedding = scratch.embedding;
  }
  return judged(state_->file,
                state_->estimator->score({query, scratch.features, embedding}, scratch.workspace));
}

Score Router::score(std::string_view query, std::span<const float> embedding,
                    Scratch& scratch) const {
  scratch.workspace.clear();
  if (!trained() || embedding.size() != embed_source().dimension) return {};
  text::featurize(state_->embedder->vocabulary(), query, scratch.features, state_->ngrams);
  if (scratch.features.empty()) return {};
  return judged(state_->file,
                state_->estimator->score({query, scratch.features, embedding}, scratch.workspace));
}

Score Router::score_embedding(std::span<const float> embedding, Scratch& scratch) const {
  scratch.workspace.clear();
  if (!trained() || embedding.size() != embed_source().dimension) return {};
  const auto finite = [](float x) { return std::isfinite(x); };
  const auto zero = [](float x) { return x == 0; };
  if (!std::ranges::all_of(embedding, finite) || std::ranges::all_of(embedding, zero)) return {};
  static const text::Features kNoFeatures;
  return judged(state_->file,
                state_->estimator->score({{}, kNoFeatures, embedding}, scratch.workspace));
}

Kind Router::kind() const {
  return state_->file.kind;
}
bool Router::trained() const {
  return state_->file.trained;
}
double Router::threshold() const {
  return state_->file.threshold;
}
std::string_view Router::threshold_origin() const {
  return state_->file.threshold_origin;
}
const std::vector<std::string>& Router::models() const {
  return state_->file.models;
}
const EmbedSource& Router::embed_source() const {
  return state_->file.embed;
}
const RouterFile& Router::file() const {
  return state_->file;
}
uint64_t Router::hash() const {
  return state_->hash;
}

std::shared_ptr<const Encoder> Router::encoder() const {
  return state_->encoder;
}

bool Router::was_trained_on(std::string_view query) const {
  return std::ranges::binary_search(state_->file.query_hashes, query_hash(query));
}

std::string Router::describe() const {
  const RouterFile& file = state_->file;
  if (!file.trained)
    return fmt::format("{} router, untrained: every query goes to {}", to_string(file.kind),
                       file.models.back());
  int64_t rows = 0;
  for (const TrainingSource& source : file.sources)
    rows += source.rows;
  return fmt::format("{} router for {}, trained on {} rows, threshold {:.6g} ({})",
                     to_string(file.kind), fmt::join(file.models, " < "), rows, file.threshold,
                     file.threshold_origin);
}

}  // namespace weir::model
