#include "train/krylov.h"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.h"

namespace weir::train {
namespace {

using Eigen::VectorXd;

// The tridiagonal matrix that A is on the basis.
struct Tridiagonal {
  std::vector<double> diagonal, beside;  // beside[i] stands between i and i + 1

  // Solves (T + lambda I) y = norm e_1 (Thomas' algorithm; definite, so no pivots are needed).
  std::vector<double> solve(double lambda, double norm) const {
    const size_t n = diagonal.size();
    std::vector<double> ratio(n), y(n);
    double pivot = diagonal[0] + lambda;
    y[0] = norm / pivot;
    for (size_t i = 1; i < n; ++i) {
      ratio[i] = beside[i - 1] / pivot;
      pivot = diagonal[i] + lambda - beside[i - 1] * ratio[i];
      y[i] = -beside[i - 1] * y[i - 1] / pivot;
    }
    for (size_t i = n - 1; i > 0; --i)
      y[i - 1] -= ratio[i] * y[i];
    return y;
  }
};

}  // namespace

std::vector<std::vector<double>> solve_shifted(const LinearMap& apply, std::span<const double> b,
                                               std::span<const double> lambdas,
                                               const KrylovOptions& options) {
  CHECK(!lambdas.empty() && std::ranges::min(lambdas) > 0);
  const auto n = static_cast<Eigen::Index>(b.size());
  const double least = std::ranges::min(lambdas);
  const VectorXd start = VectorXd::Map(b.data(), n);
  const double norm = start.norm();
  std::vector<std::vector<double>> solutions(lambdas.size(), std::vector<double>(b.size(), 0.0));
  if (norm == 0) return solutions;
  std::vector<VectorXd> basis{start / norm};
  Tridiagonal t;
  for (int step = 0; step < options.max_steps; ++step) {
    VectorXd next(n);
    apply({basis.back().data(), b.size()}, {next.data(), b.size()});
    t.diagonal.push_back(std::max(0.0, basis.back().dot(next)));
    // Against all of the basis, because rounding makes the short recurrence lose orthogonality.
    for (int round = 0; round < 2; ++round)
      for (const VectorXd& earlier : basis)
        next -= earlier.dot(next) * earlier;
    const double beta = next.norm();
    const double residual = beta * std::abs(t.solve(least, norm).back());
    if (residual <= options.tolerance * norm) break;
    t.beside.push_back(beta);
    basis.push_back(next / beta);
  }
  t.beside.resize(t.diagonal.size());
  for (size_t i = 0; i < lambdas.size(); ++i) {
    const std::vector<double> y = t.solve(lambdas[i], norm);
    auto x = VectorXd::Map(solutions[i].data(), n);
    for (size_t j = 0; j < y.size(); ++j)
      x += y[j] * basis[j];
  }
  return solutions;
}

}  // namespace weir::train
