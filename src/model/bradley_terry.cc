#include "model/bradley_terry.h"

#include <algorithm>

#include "base/check.h"

namespace weir::model {
namespace {

constexpr int kMaxSteps = 200;
constexpr int kMaxHalvings = 40;
constexpr double kSmallStep = 1e-10;

class Solver {
 public:
  Solver(std::span<const double> wins, std::span<double> ratings, std::vector<double>& memory)
      : wins_(wins), ratings_(ratings), size_(ratings.size()) {
    memory.resize(size_ * size_ + 3 * size_);
    hessian_ = std::span(memory).first(size_ * size_);
    gradient_ = std::span(memory).subspan(size_ * size_, size_);
    step_ = std::span(memory).subspan(size_ * size_ + size_, size_);
    tried_ = std::span(memory).subspan(size_ * size_ + 2 * size_, size_);
    for (size_t i = 0; i < size_; ++i)
      for (size_t j = 0; j < size_; ++j)
        if (i != j) total_ += wins_[i * size_ + j];
  }

  void run() {
    std::ranges::fill(ratings_, 0.0);
    if (!(total_ > 0)) return;
    double loss = loss_at(ratings_);
    for (int i = 0; i < kMaxSteps; ++i) {
      derive();
      solve();
      double largest = 0;
      for (const double x : step_)
        largest = std::max(largest, std::abs(x));
      if (!advance(loss) || largest < kSmallStep) return;
    }
  }

 private:
  double loss_at(std::span<const double> ratings) const {
    double sum = 0, squares = 0;
    for (size_t i = 0; i < size_; ++i) {
      squares += ratings[i] * ratings[i];
      for (size_t j = 0; j < size_; ++j) {
        const double weight = wins_[i * size_ + j];
        if (i == j || weight == 0) continue;
        const double behind = ratings[j] - ratings[i];
        sum += weight * (std::max(behind, 0.0) + std::log1p(std::exp(-std::abs(behind))));
      }
    }
    return sum / total_ + kRatingPull / 2 * squares;
  }

  void derive() {
    std::ranges::fill(hessian_, 0.0);
    for (size_t i = 0; i < size_; ++i) {
      gradient_[i] = kRatingPull * ratings_[i];
      hessian_[i * size_ + i] = kRatingPull;
    }
    for (size_t i = 0; i < size_; ++i) {
      for (size_t j = 0; j < i; ++j) {
        const double won = wins_[i * size_ + j] / total_, lost = wins_[j * size_ + i] / total_;
        if (won + lost == 0) continue;
        // The smaller of p and 1 - p is computed directly, so that it keeps its digits.
        const double p = win_probability(ratings_[i], ratings_[j]);
        const double q = win_probability(ratings_[j], ratings_[i]);
        const double slope = lost * p - won * q, curvature = (won + lost) * p * q;
        gradient_[i] += slope, gradient_[j] -= slope;
        hessian_[i * size_ + i] += curvature, hessian_[j * size_ + j] += curvature;
        hessian_[i * size_ + j] -= curvature, hessian_[j * size_ + i] -= curvature;
      }
    }
  }

  // step = hessian^-1 gradient by Cholesky's method; the pull keeps the matrix positive.
  void solve() {
    for (size_t i = 0; i < size_; ++i) {
      for (size_t j = 0; j <= i; ++j) {
        double sum = hessian_[i * size_ + j];
        for (size_t k = 0; k < j; ++k)
          sum -= hessian_[i * size_ + k] * hessian_[j * size_ + k];
        hessian_[i * size_ + j] =
            i == j ? std::sqrt(std::max(sum, kRatingPull / 4)) : sum / hessian_[j * size_ + j];
      }
    }
    for (size_t i = 0; i < size_; ++i) {
      double sum = gradient_[i];
      for (size_t k = 0; k < i; ++k)
        sum -= hessian_[i * size_ + k] * step_[k];
      step_[i] = sum / hessian_[i * size_ + i];
    }
    for (size_t i = size_; i-- > 0;) {
      double sum = step_[i];
      for (size_t k = i + 1; k < size_; ++k)
        sum -= hessian_[k * size_ + i] * step_[k];
      step_[i] = sum / hessian_[i * size_ + i];
    }
    // The loss does not tell all ratings shifted by a constant apart but for the pull, where
    // rounding is large.
    double mean = 0;
    for (const double x : step_)
      mean += x / static_cast<double>(size_);
    for (double& x : step_)
      x -= mean;
  }

  // Halves the step until the loss does not grow; false when no step helps.
  bool advance(double& loss) {
    double share = 1;
    for (int i = 0; i < kMaxHalvings; ++i, share /= 2) {
      for (size_t k = 0; k < size_; ++k)
        tried_[k] = ratings_[k] - share * step_[k];
      const double tried_loss = loss_at(tried_);
      if (!(tried_loss <= loss)) continue;
      std::ranges::copy(tried_, ratings_.begin());
      loss = tried_loss;
      return true;
    }
    return false;
  }

  std::span<const double> wins_;
  std::span<double> ratings_;
  size_t size_;
  double total_ = 0;
  std::span<double> hessian_, gradient_, step_, tried_;
};

}  // namespace

void bradley_terry(std::span<const double> wins, std::span<double> ratings,
                   std::vector<double>& memory) {
  CHECK(wins.size() == ratings.size() * ratings.size());
  Solver(wins, ratings, memory).run();
}

}  // namespace weir::model
