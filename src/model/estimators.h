// The makers of all kinds of estimator, one .cc file each; estimator.cc holds their table. Internal
// to the folder. All fail as make_estimator does.
#pragma once

#include <expected>
#include <memory>

#include "base/error.h"
#include "model/estimator.h"

namespace weir::model {

using MadeEstimator = std::expected<std::unique_ptr<const Estimator>, Error>;

MadeEstimator make_random(const RouterFile& file);
MadeEstimator make_length(const RouterFile& file);
MadeEstimator make_lr(const RouterFile& file);
MadeEstimator make_ngram(const RouterFile& file);
MadeEstimator make_sw(const RouterFile& file);
MadeEstimator make_mf(const RouterFile& file);
MadeEstimator make_cluster(const RouterFile& file);
MadeEstimator make_knn(const RouterFile& file);
MadeEstimator make_auto(const RouterFile& file);
MadeEstimator make_bert(const RouterFile& file);
MadeEstimator make_kernel(const RouterFile& file);
MadeEstimator make_semantic(const RouterFile& file);
MadeEstimator make_cawr(const RouterFile& file);
MadeEstimator make_causal(const RouterFile& file);
MadeEstimator make_llm(const RouterFile& file);
MadeEstimator make_cascade(const RouterFile& file);

}  // namespace weir::model
