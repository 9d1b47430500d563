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
#include "train/krylov.h"
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
constexpr double kSearchTolerance = 1e-3, kFinalTolerance = 1e-7;
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

constexpr size_t kGap = 0, kEase = 1;  // what is predicted

// Weighted sums over rows, from which a fit is made; sums of disjoint rows add up.
struct Sums {
  MatrixXd kk;  // lower triangle
  VectorXd k;
  std::array<VectorXd, 2> ky;
  double weight = 0;
  std::array<double, 2> y{};

  explicit Sums(Index size)
      : kk(MatrixXd::Zero(size, size)),
        k(VectorXd::Zero(size)),
        ky{VectorXd::Zero(size), VectorXd::Zero(size)} {}

  void add(const Sums& other, double sign) {
    kk += sign * other.kk, k += sign * other.k, weight += sign * other.weight;
    for (const size_t t : {kGap, kEase}) {
      ky[t] += sign * other.ky[t];
      y[t] += sign * other.y[t];
    }
  }
};

Sums sum_up(const Examples& examples, const Rows& rows, const Anchors& anchors) {
  const std::array targets{gap_targets(examples, rows), ease_targets(examples, rows)};
  const Index size = anchors.count();
  Sums sums(size);
  MatrixXf kk(size, size);
  for (size_t begin = 0; begin < rows.size(); begin += kBlockRows) {
    const size_t count = std::min<size_t>(kBlockRows, rows.size() - begin);
    const auto block = std::span(rows).subspan(begin, count);
    MatrixXf k = likenesses(vectors_of(examples, block), anchors);
    VectorXd weights(static_cast<Index>(count));
    for (size_t i = 0; i < count; ++i)
      weights[static_cast<Index>(i)] = examples.rows[block[i]].weight;
    sums.weight += weights.sum();
    sums.k += (k.transpose() * weights.cast<float>()).cast<double>();
    for (const size_t t : {kGap, kEase}) {
      const VectorXd weighted =
          weights.cwiseProduct(VectorXd::Map(&targets[t][begin], static_cast<Index>(count)));
      sums.ky[t] += (k.transpose() * weighted.cast<float>()).cast<double>();
      sums.y[t] += weighted.sum();
    }
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

// Minimises sum_i s_i (y_i - b0 - k_i.a)^2 + lambda a'K a, K = L L' the anchors' own likenesses:
// kernel ridge regression on the span of the anchors (Nystrom; Williams and Seeger 2001). In
// u = L' a the penalty is |u|^2, so that all lambdas share one Krylov space. One fit a lambda.
std::vector<KernelFit> solve(const Sums& sums, size_t target, const MatrixXd& l,
                             std::span<const double> lambdas, double tolerance) {
  const Index size = sums.k.size();
  if (!(sums.weight > 0)) return std::vector<KernelFit>(lambdas.size(), {VectorXd::Zero(size), 0});
  const auto lower = l.triangularView<Eigen::Lower>();
  VectorXd right = sums.ky[target] - sums.k * (sums.y[target] / sums.weight);
  lower.solveInPlace(right);
  const auto apply = [&](std::span<const double> in, std::span<double> out) {
    VectorXd a = VectorXd::Map(in.data(), size);
    lower.transpose().solveInPlace(a);
    VectorXd product = sums.kk.selfadjointView<Eigen::Lower>() * a;
    product -= sums.k * (sums.k.dot(a) / sums.weight);
    lower.solveInPlace(product);
    VectorXd::Map(out.data(), size) = product;
  };
  std::vector<KernelFit> fits;
  const std::span<const double> start(right.data(), static_cast<size_t>(size));
  for (const std::vector<double>& u :
       solve_shifted(apply, start, lambdas, {.tolerance = tolerance})) {
    KernelFit fit{.weights = VectorXd::Map(u.data(), size)};
    lower.transpose().solveInPlace(fit.weights);
    fit.intercept = (sums.y[target] - sums.k.dot(fit.weights)) / sums.weight;
    fits.push_back(std::move(fit));
  }
  return fits;
}

// The values that every fit predicts, [rows][fits].
MatrixXd predict(const Examples& examples, const Rows& rows, const Anchors& anchors,
                 std::span<const KernelFit> fits) {
  MatrixXf weights(anchors.count(), static_cast<Index>(fits.size()));
  MatrixXd predicted(static_cast<Index>(rows.size()), static_cast<Index>(fits.size()));
  for (size_t f = 0; f < fits.size(); ++f)
    weights.col(static_cast<Index>(f)) = fits[f].weights.cast<float>();
  for (size_t begin = 0; begin < rows.size(); begin += kBlockRows) {
    const size_t count = std::min<size_t>(kBlockRows, rows.size() - begin);
    const auto block = std::span(rows).subspan(begin, count);
    predicted.middleRows(static_cast<Index>(begin), static_cast<Index>(count)) =
        (likenesses(vectors_of(examples, block), anchors) * weights).cast<double>();
  }
  for (size_t f = 0; f < fits.size(); ++f)
    predicted.col(static_cast<Index>(f)).array() += fits[f].intercept;
  return predicted;
}

// Of gap and ease: one vector a lambda, of the rows of the folds, by fits that have not seen them.
using Predicted = std::array<std::vector<std::vector<double>>, 2>;

Predicted predict_out_of_fold(const Examples& examples, const Folds& folds, const Anchors& anchors,
                              const MatrixXd& l, Sums& all) {
  std::vector<Sums> parts(folds.folds.size(), Sums(anchors.count()));
  parallel_for(parts.size(),
               [&](size_t at) { parts[at] = sum_up(examples, folds.folds[at].inside, anchors); });
  for (const Sums& part : parts)
    all.add(part, 1);
  Predicted predicted;
  predicted.fill(std::vector(kLambdas.size(), std::vector<double>(folds.rows.size())));
  parallel_for(parts.size(), [&](size_t at) {
    const Fold& fold = folds.folds[at];
    Sums outside = all;
    outside.add(parts[at], -1);
    for (const size_t t : {kGap, kEase}) {
      const auto fits = solve(outside, t, l, kLambdas, kSearchTolerance);
      const MatrixXd values = predict(examples, fold.inside, anchors, fits);
      for (size_t f = 0; f < fits.size(); ++f)
        for (size_t i = 0; i < fold.inside.size(); ++i)
          predicted[t][f][fold.inside_positions[i]] =
              values(static_cast<Index>(i), static_cast<Index>(f));
    }
  });
  return predicted;
}

// The lambda whose predictions of the ease are best.
size_t best_for_ease(const Examples& examples, const Folds& folds, const Predicted& predicted) {
  const std::vector<double> ease = ease_targets(examples, folds.rows);
  const std::vector<double> weights = weights_of(examples, folds.rows);
  const auto fits = [&](const std::vector<double>& one) { return correlation(one, ease, weights); };
  const auto best = std::ranges::max_element(predicted[kEase], {}, fits);
  return static_cast<size_t>(best - predicted[kEase].begin());
}

void store(const Anchors& anchors, const model::GapShape& shape, const KernelFit& gap,
           const KernelFit& ease, Fit& fit) {
  fit.blobs[std::string(section::kKernelAnchors)] = anchors.bytes;
  fit.weights[std::string(section::kKernelScales)] = anchors.scales;
  fit.weights[std::string(section::kKernelWeights)] = {gap.weights.begin(), gap.weights.end()};
  fit.weights[std::string(section::kKernelEase)] = {ease.weights.begin(), ease.weights.end()};
  fit.weights[std::string(section::kIntercept)] = {gap.intercept, ease.intercept};
  std::vector<double>& numbers = fit.weights[std::string(section::kGapShape)];
  numbers = {shape.gap_mean, shape.gap_sd, shape.ease_mean,
             shape.ease_sd,  shape.offset, shape.linear};
  numbers.insert(numbers.end(), shape.weights.begin(), shape.weights.end());
}

}  // namespace

std::expected<Fit, Error> fit_kernel(const Examples& examples, const Rows& rows,
                                     const TrainOptions& options) {
  TRY_ASSIGN(const Folds folds, make_folds(examples, rows, options));
  const Anchors anchors = choose_anchors(examples, rows, options.seed);
  MatrixXd own = likenesses(anchors.vectors, anchors).cast<double>();
  own.diagonal().array() += kJitter;
  const MatrixXd l = own.llt().matrixL();
  Sums sums(anchors.count());
  const Predicted predicted = predict_out_of_fold(examples, folds, anchors, l, sums);
  const size_t for_ease = best_for_ease(examples, folds, predicted);
  GapSearch search = search_gap(examples, folds, predicted[kGap], predicted[kEase][for_ease]);
  if (folds.rows.size() != rows.size()) sums = sum_up(examples, rows, anchors);
  const auto final_fit = [&](size_t target, size_t candidate) {
    return solve(sums, target, l, std::array{kLambdas[candidate]}, kFinalTolerance).front();
  };
  Fit fit;
  store(anchors, search.shape, final_fit(kGap, search.best), final_fit(kEase, for_ease), fit);
  store_gap_parts(examples, rows, search, fit);
  fit.out_of_fold = {.rows = folds.rows, .scores = std::move(search.scores)};
  fit.summary = fmt::format(
      "kernel ridge regression on {} anchors, lambda {} by cross-validation on {} rows, with the "
      "length: correlation with the gap {:.3f}",
      anchors.count(), kLambdas[search.best], folds.rows.size(), search.correlation);
  return fit;
}

}  // namespace weir::train
