// Bounds of a mean that hold at every sample size at once, so that they may be looked at after each
// value. Values lie in [0, 1]. Two families, and they differ in what they claim when the mean
// moves:
//   PlugInBound, BettingInterval   Waudby-Smith & Ramdas 2024 (arXiv 2010.09686): the mean that all
//                                  values share. Tight, but silent about a mean that drifts.
//   RunningInterval                Howard et al. 2021, theorem 4 (arXiv 1810.08240): the average of
//                                  the conditional means so far, whatever they do.
// One thread at a time; add() takes the next value in order. Require every value in [0, 1].
#pragma once

#include <cstdint>
#include <vector>

#include "stats/interval.h"

namespace weir::stats {

// Lower bound by empirical Bernstein with predictable plug-in bets. An upper bound of x is 1 minus
// the lower bound of 1 - x.
class PlugInBound {
 public:
  explicit PlugInBound(double alpha);
  void add(double x);
  double lower() const;  // of the values so far; 0 before the first
  int64_t count() const { return count_; }

 private:
  double log_inverse_alpha_;
  int64_t count_ = 0;
  double sum_ = 0, square_sum_ = 0;  // square_sum: of x - (shrunken mean at its time)
  double bet_sum_ = 0, bet_x_sum_ = 0, penalty_sum_ = 0;
};

// Two-sided, by hedged betting against a grid of means.
class BettingInterval {
 public:
  explicit BettingInterval(double alpha, int grid = 1000);
  void add(double x);
  // Widened by one cell of the grid on either side; [0, 1] before the first value.
  Interval interval() const;

 private:
  double log_inverse_alpha_;
  int64_t count_ = 0;
  double sum_ = 0, square_sum_ = 0;
  std::vector<double> log_up_, log_down_;  // capital betting on means above and below, by grid cell
};

// Two-sided, for means that may move.
class RunningInterval {
 public:
  // `v_min`: the intrinsic time from which on it is tight; one unit is a variance of 1.
  explicit RunningInterval(double alpha, double v_min = 1);
  void add(double x);
  Interval interval() const;  // [0, 1] before the first value
  int64_t count() const { return count_; }

 private:
  double alpha_, v_min_;
  int64_t count_ = 0;
  double sum_ = 0, variance_ = 0;
};

}  // namespace weir::stats
