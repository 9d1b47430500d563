#include "model/estimator.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/check.h"
#include "model/estimators.h"

namespace weir::model {
namespace {

constexpr std::array kKinds{
    KindInfo{Kind::kLr, "lr", Needs::kEmbedding, "logistic regression on an embedding", make_lr},
    KindInfo{Kind::kLength, "length", Needs::kFeatures, "longer queries go to strong", make_length},
    KindInfo{Kind::kNgram, "ngram", Needs::kCharNgrams, "ridge on hashed n-grams, microseconds",
             make_ngram},
    KindInfo{Kind::kKernel, "kernel", Needs::kEmbedding,
             "kernel ridge regression on likeness to labelled queries", make_kernel},
    KindInfo{Kind::kBert, "bert", Needs::kEmbedding, "a transformer encoder with a trained head",
             make_bert},
    KindInfo{Kind::kAuto, "auto", Needs::kCharNgramsAndEmbedding, "several kinds put together",
             make_auto},
    KindInfo{Kind::kKnn, "knn", Needs::kEmbedding, "the nearest labelled queries decide", make_knn,
             Judges::kEveryModel},
    KindInfo{Kind::kCluster, "cluster", Needs::kEmbedding, "a table of models by groups of queries",
             make_cluster, Judges::kEveryModel},
    KindInfo{Kind::kMf, "mf", Needs::kEmbedding, "matrix factorisation of battles", make_mf,
             Judges::kEveryModel},
    KindInfo{Kind::kSw, "sw", Needs::kEmbedding, "similarity-weighted ranking of battles", make_sw,
             Judges::kEveryModel},
    KindInfo{Kind::kRandom, "random", Needs::kFeatures, "a fixed random number per query",
             make_random},
    KindInfo{Kind::kSemantic, "semantic", Needs::kEmbedding, "the nearest of named routes",
             make_semantic},
    KindInfo{Kind::kCawr, "cawr", Needs::kEmbedding, "draws with a calibrated, bounded probability",
             make_cawr},
    KindInfo{Kind::kCausal, "causal", Needs::kEmbedding, "a language model gives labels 1 to 5",
             make_causal},
    KindInfo{Kind::kLlm, "llm", Needs::kEmbedding, "a language model says YES or NO", make_llm},
    KindInfo{Kind::kCascade, "cascade", Needs::kFeatures, "weak first, strong when it shows",
             make_cascade},
};

}  // namespace

const KindInfo& kind_info(Kind kind) {
  const auto found = std::ranges::find(kKinds, kind, &KindInfo::kind);
  CHECK(found != kKinds.end());
  return *found;
}

MadeEstimator make_estimator(const RouterFile& file) {
  CHECK(file.trained);
  return kind_info(file.kind).make(file);
}

std::string_view to_string(Kind kind) {
  return kind_info(kind).name;
}

std::optional<Kind> parse_kind(std::string_view name) {
  const auto found = std::ranges::find(kKinds, name, &KindInfo::name);
  if (found == kKinds.end()) return std::nullopt;
  return found->kind;
}

std::string kind_names() {
  std::string names;
  for (const KindInfo& row : kKinds)
    names += fmt::format("{}{}", names.empty() ? "" : ", ", row.name);
  return names;
}

}  // namespace weir::model
