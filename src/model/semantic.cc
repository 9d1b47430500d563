#include "model/semantic.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

#include "base/json.h"
#include "model/estimators.h"
#include "model/sections.h"
#include "simd/kernels.h"
#include "text/features.h"

namespace weir::model {
namespace {

std::unexpected<Error> corrupt(std::string what) {
  return fail(ErrorCode::kCorrupt, std::move(what));
}

size_t count_of(const RouterFile& file, std::string_view section) {
  const auto found = file.weights.find(section);
  return found == file.weights.end() ? 0 : found->second.size();
}

// The section's values as indexes below `limit`.
std::expected<std::vector<uint32_t>, Error> indexes_of(const RouterFile& file,
                                                       std::string_view section, size_t count,
                                                       size_t limit) {
  TRY_ASSIGN(const std::vector<double> numbers, numbers_of(file, section, count));
  std::vector<uint32_t> indexes;
  for (const double number : numbers) {
    if (!(number >= 0 && number < static_cast<double>(limit)) || number != std::floor(number))
      return corrupt(
          fmt::format("'{}' holds {}, must be whole and below {}", section, number, limit));
    indexes.push_back(static_cast<uint32_t>(number));
  }
  return indexes;
}

// Centroids of hashed n-grams, kept by n-gram: which routes have it, and how much.
class GramIndex {
 public:
  static std::expected<GramIndex, Error> make(const RouterFile& file, size_t route_count) {
    GramIndex index;
    const size_t grams = count_of(file, section::kGramBuckets);
    const size_t postings = count_of(file, section::kGramPostingRoutes);
    TRY_ASSIGN(const auto buckets,
               indexes_of(file, section::kGramBuckets, grams, text::kNgramBuckets));
    TRY_ASSIGN(index.idf_, numbers_of(file, section::kGramIdf, grams));
    TRY_ASSIGN(const auto unseen, numbers_of(file, section::kGramIdfUnseen, 1));
    TRY_ASSIGN(index.ends_, indexes_of(file, section::kGramPostingEnds, grams, postings + 1));
    TRY_ASSIGN(index.routes_, indexes_of(file, section::kGramPostingRoutes, postings, route_count));
    TRY_ASSIGN(const auto weights, numbers_of(file, section::kGramPostingWeights, postings));
    if (!std::ranges::is_sorted(index.ends_) ||
        (grams == 0 ? postings != 0 : index.ends_.back() != postings))
      return corrupt(fmt::format("'{}' must rise to {}", section::kGramPostingEnds, postings));
    index.weights_.assign(weights.begin(), weights.end());
    index.unseen_idf_ = unseen[0];
    index.gram_of_.assign(text::kNgramBuckets, kNone);
    for (size_t gram = 0; gram < grams; ++gram)
      index.gram_of_[buckets[gram]] = static_cast<uint32_t>(gram);
    return index;
  }

  // Adds to each route's sum `weight` times the cosine of the query with its centroid.
  void add_cosines(std::span<const text::Ngram> ngrams, float weight, std::span<float> cosines,
                   std::vector<float>& sums) const noexcept {
    sums.assign(cosines.size(), 0);
    double norm = 0;
    for (const text::Ngram& ngram : ngrams) {
      const uint32_t gram = gram_of_[ngram.bucket];
      const double frequency = 1 + std::log(static_cast<double>(ngram.count));
      const double value = frequency * (gram == kNone ? unseen_idf_ : idf_[gram]);
      norm += value * value;
      if (gram == kNone) continue;
      for (uint32_t i = gram == 0 ? 0 : ends_[gram - 1]; i < ends_[gram]; ++i)
        sums[routes_[i]] += static_cast<float>(value) * weights_[i];
    }
    if (norm <= 0) return;
    const float scale = weight / static_cast<float>(std::sqrt(norm));
    for (size_t route = 0; route < cosines.size(); ++route)
      cosines[route] += scale * sums[route];
  }

 private:
  static constexpr uint32_t kNone = ~0U;
  std::vector<uint32_t> gram_of_;  // [kNgramBuckets]
  std::vector<double> idf_;
  double unseen_idf_ = 1;
  std::vector<uint32_t> ends_, routes_;  // postings of a gram: up to ends_, from the one before
  std::vector<float> weights_;
};

// Nearest centroid among named routes. Similarity is the weighted sum of two cosines, that of the
// sentence vectors and that of the n-grams.
class SemanticEstimator final : public Estimator {
 public:
  static MadeEstimator make(const RouterFile& file) {
    auto made = std::make_unique<SemanticEstimator>();
    TRY_ASSIGN(const auto routes, named_routes(file));
    const size_t count = routes.size(), dimension = file.embed.dimension;
    TRY_ASSIGN(const auto vectors, numbers_of(file, section::kRouteVectors, count * dimension));
    made->vectors_.assign(vectors.begin(), vectors.end());
    TRY_ASSIGN(const auto thresholds, numbers_of(file, section::kRouteThresholds, count));
    made->thresholds_.assign(thresholds.begin(), thresholds.end());
    TRY_ASSIGN(const auto weight, numbers_of(file, section::kVectorWeight, 1));
    if (!(weight[0] >= 0 && weight[0] <= 1))
      return corrupt(fmt::format("'{}' is {}, must be 0 to 1", section::kVectorWeight, weight[0]));
    made->vector_weight_ = static_cast<float>(weight[0]);
    if (weight[0] < 1) {
      TRY_ASSIGN(made->grams_, GramIndex::make(file, count));
    }
    for (const NamedRoute& route : routes)
      made->is_strong_.push_back(route.model == file.models.back());
    TRY_ASSIGN(const std::string_view fallback, setting_of(file, section::kDefaultRoute));
    const auto named = std::ranges::find(routes, fallback, &NamedRoute::name);
    if (!fallback.empty() && named == routes.end())
      return corrupt(fmt::format("its default route '{}' is none of its routes", fallback));
    if (named != routes.end()) made->default_route_ = static_cast<uint32_t>(named - routes.begin());
    return made;
  }

  double score(const Inputs& inputs, Workspace& workspace) const noexcept override {
    std::vector<float>& similarities = workspace.similarities;
    const size_t dimension = inputs.embedding.size();
    similarities.resize(thresholds_.size());
    for (size_t route = 0; route < similarities.size(); ++route) {
      const std::span centroid = std::span(vectors_).subspan(route * dimension, dimension);
      similarities[route] = vector_weight_ * simd::dot(inputs.embedding, centroid);
    }
    if (grams_)
      grams_->add_cosines(inputs.features.ngrams, 1 - vector_weight_, similarities,
                          workspace.floats);
    const auto best =
        static_cast<uint32_t>(std::ranges::max_element(similarities) - similarities.begin());
    workspace.route = default_route_;
    if (similarities[best] >= thresholds_[best]) workspace.route = best;
    if (!workspace.route) return 1;
    return graded(*workspace.route, similarities);
  }

 private:
  // At least 0.5 exactly when the route's model is the strongest; the farther from 0.5, the farther
  // the nearest of the other routes.
  double graded(uint32_t route, std::span<const float> similarities) const noexcept {
    float nearest[2] = {-1, -1};
    for (size_t i = 0; i < similarities.size(); ++i)
      nearest[is_strong_[i]] = std::max(nearest[is_strong_[i]], similarities[i]);
    const double gap = std::abs(static_cast<double>(nearest[1]) - static_cast<double>(nearest[0]));
    const double margin = std::clamp(gap / 2, 1e-9, 0.5);
    return is_strong_[route] ? 0.5 + margin : 0.5 - margin;
  }

  std::vector<float> vectors_;     // [routes, dimension], each of length 1
  std::vector<float> thresholds_;  // [routes]
  std::vector<uint8_t> is_strong_;
  float vector_weight_ = 1;
  std::optional<GramIndex> grams_;
  std::optional<uint32_t> default_route_;
};

}  // namespace

MadeEstimator make_semantic(const RouterFile& file) {
  return SemanticEstimator::make(file);
}

std::expected<std::vector<NamedRoute>, Error> named_routes(const RouterFile& file) {
  std::vector<NamedRoute> routes;
  if (file.kind != Kind::kSemantic || !file.trained) return routes;
  TRY_ASSIGN(const std::string_view text, setting_of(file, section::kNamedRoutes));
  const auto list = json::Document::parse(std::string(text));
  if (!list || !list->root().is_array())
    return corrupt(fmt::format("'{}' is no list", section::kNamedRoutes));
  for (const json::Value element : list->root()) {
    NamedRoute& route = routes.emplace_back();
    route.name = element["name"].string_or("");
    route.description = element["description"].string_or("");
    route.model = element["model"].string_or("");
    if (route.name.empty() || std::ranges::count(routes, route.name, &NamedRoute::name) > 1)
      return corrupt("a named route has no name of its own");
    if (std::ranges::find(file.models, route.model) == file.models.end())
      return corrupt(
          fmt::format("the route '{}' names the model '{}', which the router does not "
                      "have",
                      route.name, route.model));
  }
  if (routes.empty() || routes.size() > kMostNamedRoutes)
    return corrupt(
        fmt::format("it has {} named routes, must have 1 to {}", routes.size(), kMostNamedRoutes));
  return routes;
}

std::string encode_named_routes(const std::vector<NamedRoute>& routes) {
  json::Writer out;
  out.begin_array();
  for (const NamedRoute& route : routes)
    out.begin_object()
        .member("name", route.name)
        .member("description", route.description)
        .member("model", route.model)
        .end_object();
  return out.end_array().take();
}

}  // namespace weir::model
