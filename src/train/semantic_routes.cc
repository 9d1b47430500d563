#include "train/semantic_routes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>
#include <unordered_map>
#include <utility>

#include "model/estimator.h"
#include "model/query_hash.h"
#include "model/sections.h"
#include "text/features.h"
#include "train/examples.h"
#include "train/trainer.h"

namespace weir::train {
namespace {

namespace section = model::section;

struct Example {
  size_t route;
  std::vector<float> vector;  // of length 1
  std::vector<text::Ngram> ngrams;
};

std::expected<void, Error> check(const SemanticRoutes& routes) {
  const auto wrong = [](std::string_view route, std::string_view what) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("route '{}' {}", route, what));
  };
  if (routes.routes.empty() || routes.routes.size() > model::kMostNamedRoutes)
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} routes; there must be 1 to {}", routes.routes.size(),
                            model::kMostNamedRoutes));
  for (const SemanticRoute& one : routes.routes) {
    const std::string& name = one.route.name;
    if (name.empty()) return wrong(name, "has no name");
    if (one.examples.empty()) return wrong(name, "has no examples");
    if (std::ranges::find(routes.models, one.route.model) == routes.models.end())
      return wrong(name, fmt::format("names the model '{}', which is not among the models",
                                     one.route.model));
    const auto twice = std::ranges::count_if(
        routes.routes, [&](const SemanticRoute& other) { return other.route.name == name; });
    if (twice > 1) return wrong(name, "stands twice");
  }
  const auto is_default = [&](const SemanticRoute& one) {
    return one.route.name == routes.default_route;
  };
  if (!routes.default_route.empty() && std::ranges::none_of(routes.routes, is_default))
    return wrong(routes.default_route, "is named as the default and is not there");
  return {};
}

std::expected<std::vector<Example>, Error> read_examples(const SemanticRoutes& routes,
                                                         const model::StaticEmbedder& embedder) {
  std::vector<Example> examples;
  text::Features features;
  for (size_t route = 0; route < routes.routes.size(); ++route)
    for (const std::string& text : routes.routes[route].examples) {
      featurize(embedder.vocabulary(), scored_words(text), features);
      Example& example = examples.emplace_back();
      example.route = route;
      example.vector.resize(static_cast<size_t>(embedder.dimension()));
      example.ngrams = features.ngrams;
      if (!embedder.embed(features.token_ids, example.vector))
        return fail(ErrorCode::kInvalidArgument,
                    fmt::format("route '{}': the example '{}' holds no known word",
                                routes.routes[route].route.name, text.substr(0, 80)));
    }
  return examples;
}

void put_vectors(const std::vector<Example>& examples, size_t route_count,
                 model::RouterFile& file) {
  const size_t dimension = file.embed.dimension;
  std::vector<double> sums(route_count * dimension);
  for (const Example& example : examples)
    for (size_t i = 0; i < dimension; ++i)
      sums[example.route * dimension + i] += static_cast<double>(example.vector[i]);
  for (size_t route = 0; route < route_count; ++route) {
    const std::span sum = std::span(sums).subspan(route * dimension, dimension);
    const double norm = std::sqrt(std::inner_product(sum.begin(), sum.end(), sum.begin(), 0.0));
    for (double& x : sum)
      x = norm > 0 ? x / norm : 0;
  }
  file.weights[std::string(section::kRouteVectors)] = std::move(sums);
}

// bucket -> route -> weight in the route's centroid, by bucket and route.
using Centroids = std::map<uint32_t, std::map<size_t, double>>;

Centroids sum_grams(const std::vector<Example>& examples, size_t route_count,
                    const std::unordered_map<uint32_t, double>& idf) {
  Centroids centroids;
  for (const Example& example : examples) {
    double norm = 0;
    std::vector<double> values;
    for (const text::Ngram& ngram : example.ngrams) {
      values.push_back((1 + std::log(static_cast<double>(ngram.count))) * idf.at(ngram.bucket));
      norm += values.back() * values.back();
    }
    for (size_t i = 0; i < values.size(); ++i)
      centroids[example.ngrams[i].bucket][example.route] += values[i] / std::sqrt(norm);
  }
  std::vector<double> squares(route_count);
  for (const auto& [bucket, routes] : centroids)
    for (const auto& [route, weight] : routes)
      squares[route] += weight * weight;
  for (auto& [bucket, routes] : centroids)
    for (auto& [route, weight] : routes)
      weight /= std::sqrt(squares[route]);
  return centroids;
}

void put_grams(const std::vector<Example>& examples, size_t route_count, model::RouterFile& file) {
  std::unordered_map<uint32_t, double> idf;
  for (const Example& example : examples)
    for (const text::Ngram& ngram : example.ngrams)
      ++idf[ngram.bucket];
  const double count = static_cast<double>(examples.size());
  for (auto& [bucket, value] : idf)
    value = std::log((1 + count) / (1 + value)) + 1;
  const auto section_of = [&](std::string_view name) -> std::vector<double>& {
    return file.weights[std::string(name)];
  };
  section_of(section::kGramIdfUnseen) = {std::log(1 + count) + 1};
  std::vector<double>& routes = section_of(section::kGramPostingRoutes);
  std::vector<double>& weights = section_of(section::kGramPostingWeights);
  for (const auto& [bucket, postings] : sum_grams(examples, route_count, idf)) {
    for (const auto& [route, weight] : postings) {
      routes.push_back(static_cast<double>(route));
      weights.push_back(weight);
    }
    section_of(section::kGramBuckets).push_back(bucket);
    section_of(section::kGramIdf).push_back(idf.at(bucket));
    section_of(section::kGramPostingEnds).push_back(static_cast<double>(routes.size()));
  }
}

struct Judged {
  std::optional<size_t> nearest;  // nullopt: no known word
  float similarity = 0;           // to the nearest
  bool belongs = false;           // is labelled with the nearest
  bool right_when_refused = false;
};

// The file's thresholds must let everything through.
std::expected<std::vector<Judged>, Error> judge(std::span<const Utterance> utterances,
                                                const model::StaticEmbedder& embedder,
                                                const std::vector<model::NamedRoute>& routes,
                                                const model::RouterFile& file) {
  TRY_ASSIGN(const auto estimator, model::make_estimator(file));
  TRY_ASSIGN(const auto fallback, model::setting_of(file, section::kDefaultRoute));
  std::vector<Judged> judged;
  text::Features features;
  std::vector<float> vector(static_cast<size_t>(embedder.dimension()));
  model::Workspace workspace;
  for (const Utterance& utterance : utterances) {
    const bool none = utterance.route.empty() || utterance.route == kNoRoute;
    const bool known =
        std::ranges::find(routes, utterance.route, &model::NamedRoute::name) != routes.end();
    if (!none && !known)
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("the utterance '{}' is labelled '{}', which is none of the routes",
                              utterance.query.substr(0, 80), utterance.route));
    Judged& one = judged.emplace_back();
    one.right_when_refused = none || utterance.route == fallback;
    const std::string words = scored_words(utterance.query);
    featurize(embedder.vocabulary(), words, features);
    if (!embedder.embed(features.token_ids, vector)) continue;
    workspace.clear();
    (void)estimator->score({words, features, vector}, workspace);
    one.nearest = *workspace.route;
    one.similarity = workspace.similarities[*one.nearest];
    one.belongs = routes[*one.nearest].name == utterance.route;
  }
  return judged;
}

// The similarity below which a route should refuse: `scored` holds (similarity, belongs).
double best_threshold(std::vector<std::pair<float, bool>> scored) {
  std::ranges::sort(scored);
  // Refusing the first k: right are the strangers among them and the own ones behind them.
  int right =
      static_cast<int>(std::ranges::count_if(scored, [](const auto& one) { return one.second; }));
  int best = right;
  double threshold = -1;
  for (size_t k = 0; k < scored.size(); ++k) {
    right += scored[k].second ? -1 : 1;
    const bool last = k + 1 == scored.size();
    if (!last && scored[k + 1].first == scored[k].first) continue;
    if (right <= best) continue;
    best = right;
    threshold =
        last
            ? std::min(1.0, static_cast<double>(scored[k].first) + 1e-3)
            : (static_cast<double>(scored[k].first) + static_cast<double>(scored[k + 1].first)) / 2;
  }
  return threshold;
}

// The threshold of every route from the utterances at the places that `take` lets in.
template <typename Take>
std::vector<double> thresholds_for(std::span<const Judged> judged, size_t route_count, Take take) {
  std::vector<std::vector<std::pair<float, bool>>> scored(route_count);
  for (size_t i = 0; i < judged.size(); ++i)
    if (judged[i].nearest && take(i))
      scored[*judged[i].nearest].emplace_back(judged[i].similarity, judged[i].belongs);
  std::vector<double> thresholds;
  for (auto& of_route : scored)
    thresholds.push_back(best_threshold(std::move(of_route)));
  return thresholds;
}

bool is_right(const Judged& one, std::span<const double> thresholds) {
  const bool taken = one.nearest && static_cast<double>(one.similarity) >= thresholds[*one.nearest];
  return taken ? one.belongs : one.right_when_refused;
}

// Each utterance under thresholds that have not seen it nor its like.
size_t count_held_out(std::span<const Utterance> utterances, std::span<const Judged> judged,
                      size_t route_count) {
  constexpr uint32_t kFolds = 5;
  std::vector<std::string> words;
  for (const Utterance& utterance : utterances)
    words.push_back(scored_words(utterance.query));
  const auto fold_of = assign_folds(words, kFolds, 0);
  size_t right = 0;
  for (uint32_t fold = 0; fold < kFolds; ++fold) {
    const auto thresholds =
        thresholds_for(judged, route_count, [&](size_t i) { return fold_of[i] != fold; });
    for (size_t i = 0; i < judged.size(); ++i)
      if (fold_of[i] == fold) right += is_right(judged[i], thresholds);
  }
  return right;
}

}  // namespace

std::expected<model::RouterFile, Error> fit_semantic(const SemanticRoutes& routes,
                                                     const model::StaticEmbedder& embedder) {
  TRY(check(routes));
  TRY_ASSIGN(const std::vector<Example> examples, read_examples(routes, embedder));
  model::RouterFile file;
  file.kind = model::Kind::kSemantic;
  file.trained = true;
  file.feature_spec = text::kFeatureSpec;
  file.embed.from = model::EmbedFrom::kStatic;
  file.embed.dimension = static_cast<uint32_t>(embedder.dimension());
  file.embed.static_hash = embedder.hash();
  file.models = routes.models;
  file.threshold_origin = "named routes";
  put_vectors(examples, routes.routes.size(), file);
  put_grams(examples, routes.routes.size(), file);
  file.weights[std::string(section::kVectorWeight)] = {kVectorWeight};
  std::vector<model::NamedRoute> named;
  for (const SemanticRoute& one : routes.routes) {
    named.push_back(one.route);
    file.weights[std::string(section::kRouteThresholds)].push_back(one.threshold.value_or(-1));
    for (const std::string& text : one.examples)
      file.query_hashes.push_back(model::query_hash(scored_words(text)));
  }
  file.settings[std::string(section::kNamedRoutes)] = model::encode_named_routes(named);
  file.settings[std::string(section::kDefaultRoute)] = routes.default_route;
  std::ranges::sort(file.query_hashes);
  file.query_hashes.erase(std::unique(file.query_hashes.begin(), file.query_hashes.end()),
                          file.query_hashes.end());
  return file;
}

std::expected<ThresholdFit, Error> fit_route_thresholds(std::span<const Utterance> utterances,
                                                        const model::StaticEmbedder& embedder,
                                                        model::RouterFile& file) {
  TRY_ASSIGN(const auto routes, model::named_routes(file));
  if (routes.empty())
    return fail(ErrorCode::kInvalidArgument, "thresholds of routes need a router of kind semantic");
  if (utterances.empty()) return fail(ErrorCode::kInvalidArgument, "there are no utterances");
  std::vector<double>& thresholds = file.weights[std::string(section::kRouteThresholds)];
  thresholds.assign(routes.size(), -1);
  TRY_ASSIGN(const std::vector<Judged> judged, judge(utterances, embedder, routes, file));

  ThresholdFit fit{.routes = {}, .utterances = utterances.size()};
  for (const Judged& one : judged)
    fit.right_before += is_right(one, thresholds);
  fit.right_held_out = count_held_out(utterances, judged, thresholds.size());
  thresholds = thresholds_for(judged, thresholds.size(), [](size_t) { return true; });
  for (const Judged& one : judged)
    fit.right_after += is_right(one, thresholds);
  for (size_t route = 0; route < routes.size(); ++route) {
    RouteFit& found = fit.routes.emplace_back();
    found.route = routes[route].name;
    found.threshold = thresholds[route];
    for (const Judged& one : judged) {
      if (one.nearest != route) continue;
      ++found.nearest;
      found.belong += one.belongs;
    }
  }
  return fit;
}

}  // namespace weir::train
