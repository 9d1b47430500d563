#include <fmt/format.h>

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "model/estimator.h"
#include "model/kernel.h"
#include "train/fit.h"
#include "train/gap_search.h"
#include "train/parallel.h"

namespace weir::train {
namespace {

namespace section = model::section;
using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::MatrixXf;
using Eigen::VectorXd;
using RowMatrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr std::array kLambdas{1.0, 2.5, 6.0, 15.0, 40.0, 100.0};
constexpr Index kBlockRows = 1024;
constexpr double kJitter = 1e-4;  // on the diagonal of the anchors' own likenesses

// Labelled queries as they are stored: int8 rows with a scale each.
struct Anchors {
  std::string bytes;
  std::vector<double> scales;
  RowMatrix vectors;  // what the bytes stand for

  Index count() const { return vectors.rows(); }
};

Anchors choose_anchors(const Examples& examples, const Rows& rows, int64_t seed) {
  Rows chosen = rows;
  Random random(static_cast<uint64_t>(seed));
  const size_t count = std::min(chosen.size(), model::kMostKernelAnchors);
  for (size_t i = 0; i < count; ++i)
    std::swap(chosen[i], chosen[i + random.below(chosen.size() - i)]);
  chosen.resize(count);
  const auto dimension = static_cast<Index>(examples.dimension());
  Anchors anchors{.bytes = {}, .scales = {}, .vectors = {static_cast<Index>(count), dimension}};
  std::vector<int8_t> bytes(examples.dimension());
  for (size_t i = 0; i < count; ++i) {
    const float step = model::quantize(examples.embedding(chosen[i]), bytes);
    anchors.scales.push_back(double{step});
    anchors.bytes.append(bytes.begin(), bytes.end());
    for (Index j = 0; j < dimension; ++j)
      anchors.vectors(static_cast<Index>(i), j) =
          step * static_cast<float>(bytes[static_cast<size_t>(j)]);
  }
  return anchors;
}

MatrixXf likenesses(const Eigen::Ref<const RowMatrix>& queries, const Anchors& anchors) {
  const auto width = static_cast<float>(model::kKernelWidth);
  const MatrixXf cosines = queries * anchors.vectors.transpose();
  return (width * (cosines.array() - 1)).exp().matrix();
}

RowMatrix vectors_of(const Examples& examples, std::span<const uint32_t> rows) {
  const auto dimension = static_cast<Index>(examples.dimension());
  RowMatrix queries(static_cast<Index>(rows.size()), dimension);
  for (size_t i = 0; i < rows.size(); ++i)
    queries.row(static_cast<Index>(i)) =
        Eigen::RowVectorXf::Map(examples.embedding(rows[i]).data(), dimension);
  return queries;
}

// Weighted sums over rows, from which a fit is made; sums of disjoint rows add up.
struct Sums {
  MatrixXd kk;  // lower triangle
  VectorXd k, ky;
  double weight = 0, y = 0;

  explicit Sums(Index size)
      : kk(MatrixXd::Zero(size, size)), k(VectorXd::Zero(size)), ky(VectorXd::Zero(size)) {}
  Sums& operator+=(const Sums& other) {
    kk += other.kk, k += other.k, ky += other.ky, weight += other.weight, y += other.y;
    return *this;
  }
  Sums& operator-=(const Sums& other) {
    kk -= other.kk, k -= other.k, ky -= other.ky, weight -= other.weight, y -= other.y;
    return *this;
  }
};

Sums sum_up(const Examples& examples, const Rows& rows, const Anchors& anchors) {
  const std::vector<double> gaps = gap_targets(examples, rows);
  const Index size = anchors.count();
  Sums sums(size);
  MatrixXf kk(size, size);
  for (size_t begin = 0; begin < rows.size(); begin += kBlockRows) {
    const size_t count = std::min<size_t>(kBlockRows, rows.size() - begin);
    const auto block = std::span(rows).subspan(begin, count);
    MatrixXf k = likenesses(vectors_of(examples, block), anchors);
    VectorXd weights(static_cast<Index>(count)), weighted(static_cast<Index>(count));
    for (size_t i = 0; i < count; ++i) {
      const double weight = examples.rows[block[i]].weight;
      weights[static_cast<Index>(i)] = weight;
      weighted[static_cast<Index>(i)] = weight * gaps[begin + i];
    }
    sums.k += k.cast<double>().transpose() * weights;
    sums.ky += k.cast<double>().transpose() * weighted;
    sums.weight += weights.sum(), sums.y += weighted.sum();
    k = weights.cwiseSqrt().cast<float>().asDiagonal() * k;
    kk.setZero();
    kk.selfadjointView<Eigen::Lower>().rankUpdate(k.transpose());
    sums.kk.triangularView<Eigen::Lower>() += kk.cast<double>();
  }
  return sums;
}

struct KernelFit {
  VectorXd weights;
  double intercept = 0;
};

// Minimises sum_i s_i (y_i - b0 - k_i.a)^2 + lambda a'K a, K the anchors' own likenesses: kernel
// ridge regression on the span of the anchors (Nystrom; Williams and Seeger 2001).
KernelFit solve(const Sums& sums, const MatrixXd& own, double lambda) {
  if (!(sums.weight > 0)) return {VectorXd::Zero(sums.k.size()), 0};
  MatrixXd a = sums.kk + lambda * own;
  a.selfadjointView<Eigen::Lower>().rankUpdate(sums.k, -1 / sums.weight);
  const VectorXd right = sums.ky - sums.k * (sums.y / sums.weight);
  KernelFit fit{.weights = a.selfadjointView<Eigen::Lower>().llt().solve(right)};
  fit.intercept = (sums.y - sums.k.dot(fit.weights)) / sums.weight;
  return fit;
}

std::vector<double> predict(const Examples& examples, const Rows& rows, const Anchors& anchors,
                            const KernelFit& fit) {
  std::vector<double> gaps;
  for (size_t begin = 0; begin < rows.size(); begin += kBlockRows) {
    const auto block =
        std::span(rows).subspan(begin, std::min<size_t>(kBlockRows, rows.size() - begin));
    const MatrixXf k = likenesses(vectors_of(examples, block), anchors);
    const VectorXd sum = (k.cast<double>() * fit.weights).array() + fit.intercept;
    gaps.insert(gaps.end(), sum.begin(), sum.end());
  }
  return gaps;
}

}  // namespace

std::expected<Fit, Error> fit_kernel(const Examples& examples, const Rows& rows,
                                     const TrainOptions& options) {
  TRY_ASSIGN(const Folds folds, make_folds(examples, rows, options));
  const Anchors anchors = choose_anchors(examples, rows, options.seed);
  MatrixXd own = likenesses(anchors.vectors, anchors).cast<double>();
  own.diagonal().array() += kJitter;
  std::vector<Sums> parts(folds.folds.size(), Sums(anchors.count()));
  parallel_for(parts.size(),
               [&](size_t at) { parts[at] = sum_up(examples, folds.folds[at].inside, anchors); });
  Sums sampled(anchors.count());
  for (const Sums& part : parts)
    sampled += part;
  std::vector predicted(kLambdas.size(), std::vector<double>(folds.rows.size()));
  parallel_for(parts.size() * kLambdas.size(), [&](size_t task) {
    const Fold& fold = folds.folds[task / kLambdas.size()];
    const size_t l = task % kLambdas.size();
    Sums outside = sampled;
    outside -= parts[task / kLambdas.size()];
    const auto gaps = predict(examples, fold.inside, anchors, solve(outside, own, kLambdas[l]));
    for (size_t i = 0; i < gaps.size(); ++i)
      predicted[l][fold.inside_positions[i]] = gaps[i];
  });
  GapSearch search = search_gap(examples, folds, predicted);
  const double lambda = kLambdas[search.best];
  const bool all_sampled = folds.rows.size() == rows.size();
  const KernelFit kernel =
      solve(all_sampled ? sampled : sum_up(examples, rows, anchors), own, lambda);

  Fit fit;
  const VectorXd weights = search.stack.weights[0] * kernel.weights;
  fit.blobs[std::string(section::kKernelAnchors)] = anchors.bytes;
  fit.weights[std::string(section::kKernelScales)] = anchors.scales;
  fit.weights[std::string(section::kKernelWeights)] = {weights.begin(), weights.end()};
  fit.weights[std::string(section::kIntercept)] = {search.stack.intercept +
                                                   search.stack.weights[0] * kernel.intercept};
  store_gap_parts(examples, rows, search, fit);
  fit.out_of_fold = {.rows = folds.rows, .scores = std::move(search.scores)};
  fit.summary = fmt::format(
      "kernel ridge regression on {} anchors, lambda {} by cross-validation on {} rows, with the "
      "length: correlation with the gap {:.3f}",
      anchors.count(), lambda, folds.rows.size(), search.correlation);
  return fit;
}

}  // namespace weir::train
