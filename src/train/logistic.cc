#include "train/logistic.h"

#include <fmt/format.h>

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"

namespace weir::train {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;
using Index = Eigen::Index;

constexpr size_t kBlockRows = 512;
constexpr int kMaxSteps = 100;
constexpr int kMaxHalvings = 40;
constexpr double kStepTolerance = 1e-11;  // relative to the largest coefficient

double log1p_exp(double x) {
  return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x));
}

double sigmoid(double x) {
  if (x >= 0) return 1 / (1 + std::exp(-x));
  const double e = std::exp(x);
  return e / (1 + e);
}

struct Derivatives {
  double objective = 0;
  VectorXd gradient;
  MatrixXd hessian;  // lower triangle
};

// The penalised objective at b = (coefficients, intercept).
class Problem {
 public:
  Problem(const Samples& samples, const Scaler& scaler, double c)
      : samples_(samples),
        size_(static_cast<Index>(samples.dimension) + 1),
        c_(c),
        mean_(VectorXd::Map(scaler.mean.data(), size_ - 1)),
        inverse_scale_(VectorXd::Map(scaler.scale.data(), size_ - 1).cwiseInverse()) {}

  Index size() const { return size_; }

  double objective(const VectorXd& b) const {
    double loss = 0;
    for_each_block(b, [&](std::span<const uint32_t> rows, const MatrixXd&, const VectorXd& logits) {
      loss += block_loss(rows, logits);
    });
    return loss + penalty(b);
  }

  Derivatives derivatives(const VectorXd& b) const {
    Derivatives at{0, VectorXd::Zero(size_), MatrixXd::Zero(size_, size_)};
    for_each_block(b,
                   [&](std::span<const uint32_t> rows, const MatrixXd& z, const VectorXd& logits) {
                     at.objective += block_loss(rows, logits);
                     VectorXd residual(z.rows()), root(z.rows());
                     for (Index i = 0; i < z.rows(); ++i) {
                       const uint32_t row = rows[static_cast<size_t>(i)];
                       const double weight = c_ * samples_.weights[row];
                       // 1 - p would lose the digits that heavy weights bring back.
                       const double p = sigmoid(logits[i]), rest = sigmoid(-logits[i]);
                       residual[i] = samples_.labels[row] == 1 ? -weight * rest : weight * p;
                       root[i] = std::sqrt(weight * p * rest);
                     }
                     at.gradient.noalias() += z.transpose() * residual;
                     const MatrixXd scaled = root.asDiagonal() * z;
                     at.hessian.selfadjointView<Eigen::Lower>().rankUpdate(scaled.transpose());
                   });
    at.objective += penalty(b);
    at.gradient.head(size_ - 1) += b.head(size_ - 1);
    at.hessian.diagonal().head(size_ - 1).array() += 1;
    return at;
  }

 private:
  double penalty(const VectorXd& b) const { return 0.5 * b.head(size_ - 1).squaredNorm(); }

  double block_loss(std::span<const uint32_t> rows, const VectorXd& logits) const {
    double loss = 0;
    for (size_t i = 0; i < rows.size(); ++i) {
      const double logit = logits[static_cast<Index>(i)];
      const double margin = samples_.labels[rows[i]] == 1 ? logit : -logit;
      loss += c_ * samples_.weights[rows[i]] * log1p_exp(-margin);
    }
    return loss;
  }

  // Standardised rows with a column of ones at the end, some hundred at a time.
  template <typename Visit>
  void for_each_block(const VectorXd& b, Visit&& visit) const {
    MatrixXd z;
    for (size_t begin = 0; begin < samples_.rows.size(); begin += kBlockRows) {
      const size_t count = std::min(kBlockRows, samples_.rows.size() - begin);
      const auto rows = samples_.rows.subspan(begin, count);
      z.resize(static_cast<Index>(count), size_);
      for (size_t i = 0; i < count; ++i) {
        const float* row = samples_.features.data() + rows[i] * samples_.dimension;
        const auto raw = Eigen::VectorXf::Map(row, size_ - 1).cast<double>();
        z.row(static_cast<Index>(i)).head(size_ - 1) =
            (raw - mean_).cwiseProduct(inverse_scale_).transpose();
      }
      z.col(size_ - 1).setOnes();
      const VectorXd logits = z * b;
      visit(rows, z, logits);
    }
  }

  const Samples& samples_;
  Index size_;
  double c_;
  VectorXd mean_, inverse_scale_;
};

std::expected<void, Error> check_classes(const Samples& samples) {
  double weight[2] = {0, 0};
  for (const uint32_t row : samples.rows)
    weight[samples.labels[row]] += samples.weights[row];
  for (const int label : {0, 1}) {
    if (weight[label] > 0) continue;
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("all {} rows have label {} (or the others weight 0): a router learns "
                            "only from both kinds",
                            samples.rows.size(), 1 - label));
  }
  return {};
}

}  // namespace

Scaler fit_scaler(const Samples& samples) {
  const size_t dimension = samples.dimension;
  CHECK(!samples.rows.empty());
  const auto n = static_cast<double>(samples.rows.size());
  Scaler scaler{std::vector<double>(dimension), std::vector<double>(dimension)};
  const auto each = [&](auto&& add) {
    for (const uint32_t row : samples.rows)
      for (size_t j = 0; j < dimension; ++j)
        add(j, double{samples.features[row * dimension + j]});
  };
  each([&](size_t j, double x) { scaler.mean[j] += x; });
  for (double& mean : scaler.mean)
    mean /= n;
  each([&](size_t j, double x) { scaler.scale[j] += (x - scaler.mean[j]) * (x - scaler.mean[j]); });
  for (size_t j = 0; j < dimension; ++j) {
    const double variance = scaler.scale[j] / n;
    // scikit-learn's bound on what rounding alone can leave of a constant feature.
    const double mean_error = n * scaler.mean[j] * std::numeric_limits<double>::epsilon();
    const double noise =
        n * std::numeric_limits<double>::epsilon() * variance + mean_error * mean_error;
    scaler.scale[j] = variance <= noise ? 1 : std::sqrt(variance);
  }
  return scaler;
}

std::expected<LogisticFit, Error> fit_logistic(const Samples& samples, const Scaler& scaler,
                                               double c) {
  TRY(check_classes(samples));
  const Problem problem(samples, scaler, c);
  VectorXd b = VectorXd::Zero(problem.size());
  Derivatives at = problem.derivatives(b);
  for (int step = 1; step <= kMaxSteps; ++step) {
    const Eigen::LDLT<MatrixXd, Eigen::Lower> factors(at.hessian);
    const VectorXd direction = factors.solve(-at.gradient);
    const double slope = at.gradient.dot(direction);
    if (factors.info() != Eigen::Success || !direction.allFinite()) break;
    double length = 1;
    // Near the optimum the objective no longer resolves the gain: a full step is right there.
    const double resolution = 1e-12 * (1 + std::abs(at.objective));
    for (int i = 0; i < kMaxHalvings && -slope > resolution; ++i, length /= 2)
      if (problem.objective(b + length * direction) <= at.objective + 1e-4 * length * slope) break;
    b += length * direction;
    at = problem.derivatives(b);
    const double moved = length * direction.lpNorm<Eigen::Infinity>();
    if (moved > kStepTolerance * std::max(1e-6, b.lpNorm<Eigen::Infinity>())) continue;
    LogisticFit fit{.coefficients = std::vector<double>(b.data(), b.data() + b.size() - 1),
                    .intercept = b[b.size() - 1],
                    .steps = step,
                    .gradient_norm = at.gradient.lpNorm<Eigen::Infinity>()};
    return fit;
  }
  return fail(ErrorCode::kInternal,
              "the logistic regression found no optimum; do the weights span many orders of "
              "magnitude?");
}

}  // namespace weir::train
