#include "train/examples.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"
#include "text/own_words.h"

namespace weir::train {
namespace {

// Calls embed(row, features, vector), which returns false for a row that cannot be judged.
template <typename Embed>
Examples collect(LabelledRows rows, const model::StaticEmbedder& embedder,
                 model::EmbedSource source, text::Ngrams ngrams, Embed&& embed) {
  Examples result{.embed = std::move(source), .sources = std::move(rows.sources)};
  result.models = std::move(rows.models);
  std::vector<float> vector(result.embed.dimension);
  text::Features features;
  for (size_t row = 0; row < rows.rows.size(); ++row) {
    std::string words = scored_words(rows.rows[row].query);
    text::featurize(embedder.vocabulary(), words, features, ngrams);
    if (features.empty() || !embed(row, features, std::span<float>(vector))) {
      ++result.unjudged;
      continue;
    }
    result.rows.push_back(std::move(rows.rows[row]));
    result.words.push_back(std::move(words));
    result.prompts.push_back(features.prompt);
    if (ngrams != text::Ngrams::kNone) result.ngrams.push(features);
    result.embeddings.insert(result.embeddings.end(), vector.begin(), vector.end());
  }
  return result;
}

}  // namespace

std::string scored_words(std::string_view query) {
  const std::array parts{query};
  return text::own_words(parts);
}

Examples make_examples(LabelledRows rows, const model::StaticEmbedder& embedder,
                       WithEmbeddings with, text::Ngrams ngrams) {
  model::EmbedSource source;
  if (with == WithEmbeddings::kYes) {
    source = {.from = model::EmbedFrom::kStatic,
              .dimension = static_cast<uint32_t>(embedder.dimension()),
              .static_hash = embedder.hash(),
              .url = {},
              .model = {}};
  }
  return collect(std::move(rows), embedder, source, ngrams,
                 [&](size_t, const text::Features& features, std::span<float> vector) {
                   return vector.empty() || embedder.embed(features.token_ids, vector);
                 });
}

Examples make_examples(LabelledRows rows, const model::StaticEmbedder& embedder,
                       model::EmbedSource embed, std::span<const float> vectors,
                       text::Ngrams ngrams) {
  const size_t dimension = embed.dimension;
  CHECK(vectors.size() == rows.rows.size() * dimension);
  return collect(std::move(rows), embedder, std::move(embed), ngrams,
                 [&](size_t row, const text::Features&, std::span<float> vector) {
                   std::ranges::copy(vectors.subspan(row * dimension, dimension), vector.begin());
                   return std::ranges::any_of(vector, [](float x) { return x != 0; });
                 });
}

}  // namespace weir::train
