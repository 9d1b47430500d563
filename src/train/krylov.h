// Solves (A + lambda I) x = b for several lambda at once, A symmetric and positive semidefinite and
// known only by what it does to a vector: Lanczos' method, which builds one Krylov space that all
// shifted systems share (Golub and Van Loan, Matrix Computations, 10.3; Frommer 2003). In exact
// arithmetic the result of k steps is that of k steps of conjugate gradients.
// Pure, thread-safe. Memory: a vector a step.
#pragma once

#include <functional>
#include <span>
#include <vector>

namespace weir::train {

// out = A in; both of the size of b.
using LinearMap = std::function<void(std::span<const double> in, std::span<double> out)>;

struct KrylovOptions {
  double tolerance = 1e-6;  // of the residual at the least lambda, relative to b
  int max_steps = 200;
};

// One solution a lambda. Requires every lambda > 0 and at least one.
std::vector<std::vector<double>> solve_shifted(const LinearMap& apply, std::span<const double> b,
                                               std::span<const double> lambdas,
                                               const KrylovOptions& options = {});

}  // namespace weir::train
