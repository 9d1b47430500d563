#include "train/semantic_routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <map>
#include <memory>

#include "model/model_files.h"
#include "model/router.h"
#include "train/examples.h"

namespace weir::train {
namespace {

using testing::DoubleNear;
using testing::HasSubstr;

class SemanticRoutesTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    const auto path = model::find_model_file(model::kStaticEmbeddingFile);
    ASSERT_TRUE(path) << path.error().message;
    embedder_ = std::make_unique<model::StaticEmbedder>(model::StaticEmbedder::load(*path).value());
  }
  static void TearDownTestSuite() { embedder_.reset(); }

  static SemanticRoutes support() {
    SemanticRoutes routes;
    routes.routes = {{{"hours", "opening hours", "small"},
                      {"When do you open?", "Are you open on Sundays?", "What time do you close?"},
                      {}},
                     {{"parcel", "where it is", "middle"},
                      {"Where is my parcel?", "My package has not arrived"},
                      {}},
                     {{"anger", "complaints", "large"},
                      {"I was charged twice and nobody answers", "This is the third broken heater"},
                      {}}};
    routes.models = {"small", "middle", "large"};
    return routes;
  }
  static model::Router router_of(const model::RouterFile& file) {
    auto router = model::Router::from_bytes(encode_router_file(file).value(), *embedder_);
    EXPECT_TRUE(router) << router.error().message;
    return *std::move(router);
  }

  static std::unique_ptr<model::StaticEmbedder> embedder_;
};
std::unique_ptr<model::StaticEmbedder> SemanticRoutesTest::embedder_;

// The similarity once more, densely and from the definitions alone.
class Reference {
 public:
  Reference(const SemanticRoutes& routes, const model::StaticEmbedder& embedder)
      : embedder_(embedder) {
    double count = 0;
    for (const auto& route : routes.routes)
      for (const auto& text : route.examples) {
        ++count;
        for (const auto& ngram : features(text).ngrams)
          ++documents_[ngram.bucket];
      }
    count_ = count;
    for (const auto& route : routes.routes) {
      std::map<int64_t, double> centroid_vector, centroid_grams;
      for (const auto& text : route.examples) {
        for (const auto& [key, x] : vector(text))
          centroid_vector[key] += x;
        for (const auto& [key, x] : grams(text))
          centroid_grams[key] += x;
      }
      centroids_.emplace_back(unit(centroid_vector), unit(centroid_grams));
    }
  }

  double similarity(const std::string& query, size_t route) {
    return kVectorWeight * dot(vector(query), centroids_[route].first) +
           (1 - kVectorWeight) * dot(grams(query), centroids_[route].second);
  }

 private:
  using Sparse = std::map<int64_t, double>;
  static double dot(const Sparse& a, const Sparse& b) {
    double sum = 0;
    for (const auto& [key, x] : a)
      if (const auto found = b.find(key); found != b.end()) sum += x * found->second;
    return sum;
  }
  static Sparse unit(Sparse v) {
    const double norm = std::sqrt(dot(v, v));
    for (auto& [key, x] : v)
      x /= norm;
    return v;
  }
  text::Features features(const std::string& text) const {
    text::Features result;
    featurize(embedder_.vocabulary(), text, result);
    return result;
  }
  Sparse vector(const std::string& text) const {
    std::vector<float> values(static_cast<size_t>(embedder_.dimension()));
    embedder_.embed(features(text).token_ids, values);
    Sparse result;
    for (size_t i = 0; i < values.size(); ++i)
      result[static_cast<int64_t>(i)] = double{values[i]};
    return unit(result);
  }
  Sparse grams(const std::string& text) {
    Sparse result;
    for (const auto& ngram : features(text).ngrams)
      result[ngram.bucket] = (1 + std::log(static_cast<double>(ngram.count))) *
                             (std::log((1 + count_) / (1 + documents_[ngram.bucket])) + 1);
    return unit(result);
  }

  const model::StaticEmbedder& embedder_;
  double count_ = 0;
  std::map<int64_t, double> documents_;
  std::vector<std::pair<Sparse, Sparse>> centroids_;
};

TEST_F(SemanticRoutesTest, SimilaritiesAreThoseOfTheDefinition) {
  const SemanticRoutes routes = support();
  const model::Router router = router_of(fit_semantic(routes, *embedder_).value());
  Reference reference(routes, *embedder_);
  model::Scratch scratch;
  for (const std::string query :
       {"When do you open?", "my parcel, where is my parcel", "Prove Fermat's last theorem",
        "This heater is broken and I was charged"}) {
    ASSERT_TRUE(router.score(query, scratch).judged);
    ASSERT_EQ(scratch.workspace.similarities.size(), 3u);
    for (size_t route = 0; route < 3; ++route)
      EXPECT_NEAR(scratch.workspace.similarities[route], reference.similarity(query, route), 1e-5)
          << query;
  }
}

TEST_F(SemanticRoutesTest, TheNearestRouteWinsAndTheScoreSaysWhetherItIsTheStrongest) {
  const model::Router router = router_of(fit_semantic(support(), *embedder_).value());
  model::Scratch scratch;
  const std::pair<std::string, uint32_t> cases[] = {{"Do you close early on Fridays?", 0},
                                                    {"The package is still not here", 1},
                                                    {"Charged twice for a broken heater!", 2}};
  for (const auto& [query, route] : cases) {
    const double score = router.score(query, scratch).prob_strong_needed;
    EXPECT_EQ(scratch.workspace.route, route) << query;
    EXPECT_EQ(score >= 0.5, route == 2) << query;
  }
  EXPECT_EQ(model::named_routes(router.file())->at(1).model, "middle");
}

TEST_F(SemanticRoutesTest, BelowItsThresholdTheDefaultRouteServesOrTheStrongest) {
  SemanticRoutes routes = support();
  for (auto& one : routes.routes)
    one.threshold = 0.5;
  model::Scratch scratch;
  const std::string far = "Prove Fermat's last theorem";
  const model::Router without = router_of(fit_semantic(routes, *embedder_).value());
  EXPECT_EQ(without.score(far, scratch).prob_strong_needed, 1);
  EXPECT_EQ(scratch.workspace.route, std::nullopt);
  without.score("When do you open?", scratch);
  EXPECT_EQ(scratch.workspace.route, 0u);
  routes.default_route = "parcel";
  const model::Router with = router_of(fit_semantic(routes, *embedder_).value());
  with.score(far, scratch);
  EXPECT_EQ(scratch.workspace.route, 1u);
}

TEST_F(SemanticRoutesTest, MistakesAreNamed) {
  const auto message = [&](const std::function<void(SemanticRoutes&)>& spoil) {
    SemanticRoutes routes = support();
    spoil(routes);
    const auto file = fit_semantic(routes, *embedder_);
    return file ? std::string("none") : file.error().message;
  };
  EXPECT_THAT(message([](auto& r) { r.routes[1].examples.clear(); }),
              HasSubstr("'parcel' has no examples"));
  EXPECT_THAT(message([](auto& r) { r.routes[1].route.name = "hours"; }),
              HasSubstr("'hours' stands twice"));
  EXPECT_THAT(message([](auto& r) { r.models.pop_back(); }), HasSubstr("'large'"));
  EXPECT_THAT(message([](auto& r) { r.default_route = "x"; }), HasSubstr("'x'"));
  EXPECT_THAT(message([](auto& r) { r.routes[0].examples.push_back("\xF0\x9F\xA4\xB7"); }),
              HasSubstr("no known word"));
}

TEST_F(SemanticRoutesTest, ThresholdsAreFittedFromLabelledUtterances) {
  model::RouterFile file = fit_semantic(support(), *embedder_).value();
  const std::vector<Utterance> utterances = {
      {"When do you open tomorrow?", "hours"}, {"Are you open at noon?", "hours"},
      {"Where is my package?", "parcel"},      {"Has my parcel arrived?", "parcel"},
      {"Write a poem about the sea", "none"},  {"Integrate x squared", "none"},
      {"Translate this to French", ""}};
  const auto fit = fit_route_thresholds(utterances, *embedder_, file);
  ASSERT_TRUE(fit) << fit.error().message;
  EXPECT_EQ(fit->right_before, 4u);
  EXPECT_EQ(fit->right_after, 7u);
  EXPECT_LE(fit->right_held_out, 7u);
  const model::Router router = router_of(file);
  model::Scratch scratch;
  for (const Utterance& one : utterances) {
    router.score(one.query, scratch);
    const bool none = one.route.empty() || one.route == kNoRoute;
    EXPECT_EQ(scratch.workspace.route.has_value(), !none) << one.query;
  }
  // A route that no utterance came near keeps everything.
  for (const RouteFit& route : fit->routes)
    EXPECT_EQ(route.nearest == 0, route.threshold == -1 && route.belong == 0) << route.route;
  const std::vector<Utterance> unknown = {{"hello", "nobody"}};
  EXPECT_THAT(fit_route_thresholds(unknown, *embedder_, file).error().message,
              HasSubstr("'nobody'"));
}

}  // namespace
}  // namespace weir::train
