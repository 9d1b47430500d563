// What differs between the kinds of router: how a query's features become a score. A kind is one
// row of the table in estimator.cc; everything else about routers is common.
// An Estimator is immutable and thread-safe; score does not allocate once the caller's Workspace is
// warm. A kind is one .cc file here (lr.cc, length.cc ...), declared in estimators.h.
#pragma once

#include <cstdint>
#include <expected>
#include <limits>
#include <memory>
#include <span>
#include <string_view>

#include "base/error.h"
#include "model/router_file.h"
#include "model/workspace.h"
#include "text/features.h"

namespace weir::model {

// What is known of one query. A router that needs an embedding is never asked without one.
struct Inputs {
  std::string_view query;
  const text::Features& features;
  std::span<const float> embedding;  // empty when the kind needs none
};

// A score of queries like none that the router was trained on: they go to strong.
inline constexpr double kNotJudged = std::numeric_limits<double>::quiet_NaN();

class Estimator {
 public:
  virtual ~Estimator() = default;
  // P(strong needed), or for baselines a rank, in [0, 1]; or kNotJudged. What else the kind knows
  // of the query (estimates of every model, neighbours, similarities to named routes) it leaves in
  // `workspace`, which is cleared before.
  virtual double score(const Inputs& inputs, Workspace& workspace) const noexcept = 0;
};

enum class Needs { kFeatures, kEmbedding, kCharNgrams, kCharNgramsAndEmbedding };

constexpr bool needs_embedding(Needs needs) {
  return needs == Needs::kEmbedding || needs == Needs::kCharNgramsAndEmbedding;
}
// N-grams of words are always there.
constexpr text::Ngrams ngrams_for(Needs needs) {
  return needs == Needs::kCharNgrams || needs == Needs::kCharNgramsAndEmbedding
             ? text::Ngrams::kWordsAndChars
             : text::Ngrams::kWords;
}

// kEveryModel: leaves an estimate of each of RouterFile::models, for every query that it judges.
enum class Judges { kPair, kEveryModel };

struct KindInfo {
  Kind kind;
  std::string_view name;
  Needs needs;
  std::string_view summary;  // for people
  std::expected<std::unique_ptr<const Estimator>, Error> (*make)(const RouterFile& file);
  Judges judges = Judges::kPair;
};

const KindInfo& kind_info(Kind kind);

// Reads the kind's sections. Fails: kCorrupt, naming the section that is missing, too many, of the
// wrong length or out of range. Requires file.trained.
[[nodiscard]] std::expected<std::unique_ptr<const Estimator>, Error> make_estimator(
    const RouterFile& file);

// Names of the sections, shared with the trainers.
namespace section {
inline constexpr std::string_view kMean = "scaler_mean";            // lr [dimension]
inline constexpr std::string_view kScale = "scaler_scale";          // lr [dimension], > 0
inline constexpr std::string_view kCoefficients = "coefficients";   // lr [dimension]
inline constexpr std::string_view kIntercept = "intercept";         // lr [1]
inline constexpr std::string_view kLengthKnots = "length_knots";    // of ln(1 + characters)
inline constexpr std::string_view kLengthValues = "length_values";  // as many
inline constexpr std::string_view kSeed = "seed";                   // random [1], integer
inline constexpr std::string_view kNamedRoutes = "named_routes";    // semantic: a setting, JSON
inline constexpr std::string_view kDefaultRoute = "default_route";  // semantic: a setting, "" none
inline constexpr std::string_view kRouteVectors = "route_vectors";  // semantic [routes, dimension]
inline constexpr std::string_view kRouteThresholds = "route_thresholds";  // semantic [routes]
inline constexpr std::string_view kVectorWeight = "vector_weight";        // semantic [1], 0 to 1
// semantic, where vector_weight < 1: centroids of hashed n-grams, kept by n-gram.
inline constexpr std::string_view kGramBuckets = "gram_buckets";                 // [grams]
inline constexpr std::string_view kGramIdf = "gram_idf";                         // [grams]
inline constexpr std::string_view kGramIdfUnseen = "gram_idf_unseen";            // [1]
inline constexpr std::string_view kGramPostingEnds = "gram_posting_ends";        // [grams]
inline constexpr std::string_view kGramPostingRoutes = "gram_posting_routes";    // [postings]
inline constexpr std::string_view kGramPostingWeights = "gram_posting_weights";  // [postings]
inline constexpr std::string_view kAnchorVectors = "anchor_vectors";  // cawr, bytes: int8
inline constexpr std::string_view kAnchorLabels = "anchor_labels";    // cawr [anchors]
inline constexpr std::string_view kAnchorWeights = "anchor_weights";  // cawr [anchors]
inline constexpr std::string_view kKernel = "kernel";  // cawr: width, prior, mass of the prior
inline constexpr std::string_view kPlatt = "platt";    // cawr: slope, offset
inline constexpr std::string_view kDraw = "draw";      // cawr: even odds at, explore
}  // namespace section

}  // namespace weir::model
