// What differs between the kinds of router: how a query's features become a score. A kind is one
// row of the table in estimator.cc; everything else about routers is common.
// An Estimator is immutable and thread-safe; score does not allocate once the caller's Workspace is
// warm. A kind is one .cc file here (lr.cc, length.cc ...), declared in estimators.h.
#pragma once

#include <cstdint>
#include <expected>
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

class Estimator {
 public:
  virtual ~Estimator() = default;
  // P(strong needed), or for baselines a rank, in [0, 1]. What else the kind knows of the query
  // (estimates of every model, neighbours, similarities to named routes) it leaves in `workspace`,
  // which is cleared before.
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

struct KindInfo {
  Kind kind;
  std::string_view name;
  Needs needs;
  std::string_view summary;  // for people
  std::expected<std::unique_ptr<const Estimator>, Error> (*make)(const RouterFile& file);
};

const KindInfo& kind_info(Kind kind);

// Reads the kind's sections. Fails: kCorrupt, naming the section that is missing, too many, of the
// wrong length or out of range. Requires file.trained.
[[nodiscard]] std::expected<std::unique_ptr<const Estimator>, Error> make_estimator(
    const RouterFile& file);

// Names of the sections, shared with the trainers.
namespace section {
inline constexpr std::string_view kMean = "scaler_mean";           // lr [dimension]
inline constexpr std::string_view kScale = "scaler_scale";         // lr [dimension], > 0
inline constexpr std::string_view kCoefficients = "coefficients";  // lr [dimension]
inline constexpr std::string_view kIntercept = "intercept";        // lr [1]
inline constexpr std::string_view kLengthKnots = "length_knots";    // of ln(1 + characters)
inline constexpr std::string_view kLengthValues = "length_values";  // as many
inline constexpr std::string_view kSeed = "seed";                  // random [1], integer
}  // namespace section

}  // namespace weir::model
