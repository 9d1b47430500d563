// Labelled rows made ready for fitting: the words that a router would see and their embeddings.
// Thread-safe: values and pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/embedder.h"
#include "model/estimator.h"
#include "model/router_file.h"
#include "text/features.h"
#include "train/labelled_rows.h"
#include "train/ngram_rows.h"

namespace weir::train {

// The user's own words in a row's query: what serving would score for the same text.
std::string scored_words(std::string_view query);

struct Examples {
  model::EmbedSource embed = {};  // kNothing: embeddings is empty
  std::vector<DataSource> sources = {};
  std::vector<std::string> models = {};  // as LabelledRows::models
  std::vector<LabelledRow> rows = {};
  std::vector<std::string> words = {};             // scored_words of each row's query
  std::vector<text::PromptFeatures> prompts = {};  // of the words
  NgramRows ngrams = {};                           // of the words; empty when not asked for
  std::vector<float> embeddings = {};              // [rows, embed.dimension]
  int64_t unjudged = 0;  // rows dropped because nothing in them can be judged

  size_t dimension() const { return embed.dimension; }
  std::span<const float> embedding(size_t row) const {
    return std::span(embeddings).subspan(row * dimension(), dimension());
  }
};

enum class WithEmbeddings { kNo, kYes };

// What a kind needs at training: n-grams are kept for those that look at characters too.
constexpr text::Ngrams ngrams_to_keep(model::Needs needs) {
  const text::Ngrams ngrams = ngrams_for(needs);
  return ngrams == text::Ngrams::kWordsAndChars ? ngrams : text::Ngrams::kNone;
}

// With the static table, and with the n-grams that are asked for.
Examples make_examples(LabelledRows rows, const model::StaticEmbedder& embedder,
                       WithEmbeddings with, text::Ngrams ngrams = text::Ngrams::kNone);

// With vectors made elsewhere, [rows, embed.dimension] in the order of `rows`; a zero vector counts
// as not judged. The embedder only cuts texts into tokens. Requires the matching size.
Examples make_examples(LabelledRows rows, const model::StaticEmbedder& embedder,
                       model::EmbedSource embed, std::span<const float> vectors,
                       text::Ngrams ngrams = text::Ngrams::kNone);

}  // namespace weir::train
