#include "stats/running.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/check.h"
#include "stats/boundary.h"

namespace weir::stats {
namespace {

constexpr double kLargestBet = 0.5;

// The bet of the next value, number `next` from 1, from the values before it.
double plug_in_bet(int64_t next, double square_sum, double log_inverse_alpha) {
  const auto t = static_cast<double>(next);
  const double variance = (0.25 + square_sum) / t;
  return std::sqrt(2 * log_inverse_alpha / (t * std::log1p(t) * variance));
}

// The mean of `count` values and one of 1/2.
double shrunken_mean(double sum, int64_t count) {
  return (0.5 + sum) / static_cast<double>(count + 1);
}

double square(double x) {
  return x * x;
}

}  // namespace

PlugInBound::PlugInBound(double alpha) : log_inverse_alpha_(std::log(1 / alpha)) {
  CHECK(alpha > 0 && alpha < 1);
}

void PlugInBound::add(double x) {
  CHECK(x >= 0 && x <= 1);
  const double bet =
      std::min(kLargestBet, plug_in_bet(count_ + 1, square_sum_, log_inverse_alpha_));
  const double mean_before = count_ == 0 ? 0 : sum_ / static_cast<double>(count_);
  bet_sum_ += bet;
  bet_x_sum_ += bet * x;
  penalty_sum_ += square(x - mean_before) * (-std::log1p(-bet) - bet);
  ++count_;
  sum_ += x;
  square_sum_ += square(x - shrunken_mean(sum_, count_));
}

double PlugInBound::lower() const {
  if (count_ == 0) return 0;
  return std::max(0.0, (bet_x_sum_ - log_inverse_alpha_ - penalty_sum_) / bet_sum_);
}

BettingInterval::BettingInterval(double alpha, int grid)
    : log_inverse_alpha_(std::log(1 / alpha)),
      log_up_(static_cast<size_t>(grid) + 1),
      log_down_(static_cast<size_t>(grid) + 1) {
  CHECK(alpha > 0 && alpha < 1 && grid >= 2);
}

void BettingInterval::add(double x) {
  CHECK(x >= 0 && x <= 1);
  const double bet = plug_in_bet(count_ + 1, square_sum_, log_inverse_alpha_ + std::numbers::ln2);
  const double cells = static_cast<double>(log_up_.size() - 1);
  for (size_t i = 0; i < log_up_.size(); ++i) {
    const double mean = static_cast<double>(i) / cells;
    const double up = i == 0 ? bet : std::min(bet, kLargestBet / mean);
    const double down = mean == 1 ? bet : std::min(bet, kLargestBet / (1 - mean));
    log_up_[i] += std::log1p(up * (x - mean));
    log_down_[i] += std::log1p(-down * (x - mean));
  }
  ++count_;
  sum_ += x;
  square_sum_ += square(x - shrunken_mean(sum_, count_));
}

Interval BettingInterval::interval() const {
  const double limit = log_inverse_alpha_ + std::numbers::ln2;
  const double cell = 1 / static_cast<double>(log_up_.size() - 1);
  const auto kept = [&](size_t i) { return log_up_[i] <= limit && log_down_[i] <= limit; };
  size_t first = 0, last = log_up_.size() - 1;
  while (first < last && !kept(first))
    ++first;
  while (last > first && !kept(last))
    --last;
  return {std::max(0.0, static_cast<double>(first) * cell - cell),
          std::min(1.0, static_cast<double>(last) * cell + cell)};
}

RunningInterval::RunningInterval(double alpha, double v_min) : alpha_(alpha), v_min_(v_min) {
  CHECK(alpha > 0 && alpha < 1 && v_min > 0);
}

void RunningInterval::add(double x) {
  CHECK(x >= 0 && x <= 1);
  variance_ += square(x - shrunken_mean(sum_, count_));
  sum_ += x;
  ++count_;
}

Interval RunningInterval::interval() const {
  if (count_ == 0) return {0, 1};
  const auto t = static_cast<double>(count_);
  const double mean = sum_ / t;
  const double width = poly_stitching(variance_, alpha_ / 2, v_min_, 1) / t;
  return {std::max(0.0, mean - width), std::min(1.0, mean + width)};
}

}  // namespace weir::stats
