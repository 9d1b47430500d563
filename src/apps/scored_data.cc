#include "apps/scored_data.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "apps/embed_url.h"
#include "base/utf8.h"
#include "train/examples.h"

namespace weir::apps {
namespace {

constexpr double kCharactersPerToken = 4;
constexpr double kUsualOutputTokens = 300;

}  // namespace

std::expected<ScoredData, Error> score_rows(const model::Router& router,
                                            const std::vector<train::LabelledRow>& rows,
                                            Show progress) {
  ScoredData data;
  Progress shown("score", rows.size(), progress);
  for (const train::LabelledRow& row : rows)
    data.words.push_back(train::scored_words(row.query));
  const model::EmbedSource& source = router.embed_source();
  if (source.from == model::EmbedFrom::kUrl) {
    TRY_ASSIGN(data.scores, score_texts(router, data.words));
    return data;
  }
  model::Scratch scratch;
  for (const std::string& words : data.words) {
    scratch.embedding.clear();
    data.scores.push_back(router.score(words, scratch));
    data.estimates.push_back(scratch.workspace.estimates);
    scratch.embedding.resize(source.dimension);  // zeros where nothing could be judged
    data.vectors.insert(data.vectors.end(), scratch.embedding.begin(), scratch.embedding.end());
    shown.advance();
  }
  return data;
}

std::optional<eval::Transfer> transfer_of(const model::Router& router, const ScoredData& data) {
  return eval::measure_transfer(router.file().label_sample, data.vectors,
                                router.embed_source().dimension);
}

CallTokens mean_tokens(const std::vector<train::LabelledRow>& rows) {
  double characters = 0, output = 0, known = 0;
  for (const train::LabelledRow& row : rows) {
    characters += static_cast<double>(count_utf8(row.query));
    for (const train::ModelResult& result : row.results) {
      if (!std::isfinite(result.output_tokens)) continue;
      output += static_cast<double>(result.output_tokens);
      known += 1;
    }
  }
  CallTokens tokens;
  if (!rows.empty())
    tokens.input = characters / static_cast<double>(rows.size()) / kCharactersPerToken;
  tokens.output = known > 0 ? output / known : kUsualOutputTokens;
  tokens.origin = fmt::format("input: characters / {:.0f}; output: {}", kCharactersPerToken,
                              known > 0 ? "as recorded" : "assumed");
  return tokens;
}

}  // namespace weir::apps
