// Tests by betting for values that come one at a time: capital that grows without bound when a
// hypothesis is wrong and, by Ville's inequality, rarely when it is right.
// One thread at a time; add() takes the next value in order. State is small and copyable, so that
// it can be stored and resumed exactly.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace weir::stats {

// Against "E[y | past] <= 0" for values y >= -floor: the mean of kBets capitals, each of which bets
// a fixed share. At any time the chance that the capital has ever reached 1 / alpha is at most
// alpha when the hypothesis holds throughout; when the mean moves, the current capital speaks of
// the running mean, and what it once was speaks of nothing.
class BettingTest {
 public:
  static constexpr int kBets = 32;

  // `floor`: the most that a value can lie below 0. Requires floor > 0.
  explicit BettingTest(double floor);
  // Requires y >= -floor.
  void add(double y);
  double log_capital() const;
  // Whether the current capital is at least 1 / alpha.
  bool rejects(double alpha) const;
  int64_t count() const { return count_; }

 private:
  double floor_;
  int64_t count_ = 0;
  std::vector<double> bets_, log_capital_;
};

// Against "the mean has always been at most `limit`", for values in [0, 1]: finds a change whenever
// it comes. Shin, Ramdas and Rinaldo 2022 (arXiv 2203.03532), e-detector in sum form: every bet's
// capital is M <- (M + 1) (1 + l (x - limit)), and their average is compared with the threshold A.
// While the mean is at or below the limit the expected number of values until an alarm is at least
// A. Its delay does not grow with the history.
class ChangeDetector {
 public:
  static constexpr int kBets = 32;

  // Requires 0 < limit < 1, threshold > 1.
  ChangeDetector(double limit, double threshold);
  // Requires x in [0, 1]. True from the alarm on.
  bool add(double x);
  bool alarm() const { return alarm_at_ > 0; }
  int64_t alarm_at() const { return alarm_at_; }  // number of the value that raised it; 0: none
  double statistic() const;                       // stands still after the alarm
  int64_t count() const { return count_; }

 private:
  double limit_, threshold_;
  int64_t count_ = 0, alarm_at_ = 0;
  std::vector<double> bets_, capital_;
};

}  // namespace weir::stats
