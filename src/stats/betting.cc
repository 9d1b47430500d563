#include "stats/betting.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/check.h"

namespace weir::stats {
namespace {

constexpr double kSmallestShare = 1.0 / 512;  // of the largest bet

// Bets from kSmallestShare to almost all of what may be bet, evenly on the logarithmic scale: the
// best bet of an effect of any size is then within a tenth of one of them.
std::vector<double> bets_up_to(double largest, int count) {
  std::vector<double> bets;
  const double step = std::pow(0.98 / kSmallestShare, 1.0 / (count - 1));
  double share = kSmallestShare;
  for (int i = 0; i < count; ++i, share *= step)
    bets.push_back(largest * share);
  return bets;
}

// ln of the mean of exp(values).
double log_mean_exp(std::span<const double> values) {
  const double most = *std::ranges::max_element(values);
  if (most == -std::numeric_limits<double>::infinity()) return most;
  double sum = 0;
  for (const double value : values)
    sum += std::exp(value - most);
  return most + std::log(sum / static_cast<double>(values.size()));
}

}  // namespace

BettingTest::BettingTest(double floor)
    : floor_(floor), bets_(bets_up_to(1 / floor, kBets)), log_capital_(kBets, 0.0) {
  CHECK(floor > 0);
}

void BettingTest::add(double y) {
  CHECK(y >= -floor_);
  ++count_;
  for (size_t i = 0; i < bets_.size(); ++i)
    log_capital_[i] += std::log1p(bets_[i] * y);
}

double BettingTest::log_capital() const {
  return log_mean_exp(log_capital_);
}

bool BettingTest::rejects(double alpha) const {
  return log_capital() >= std::log(1 / alpha);
}

ChangeDetector::ChangeDetector(double limit, double threshold)
    : limit_(limit),
      threshold_(threshold),
      bets_(bets_up_to(1 / limit, kBets)),
      capital_(kBets, 0.0) {
  CHECK(limit > 0 && limit < 1 && threshold > 1);
}

bool ChangeDetector::add(double x) {
  CHECK(x >= 0 && x <= 1);
  ++count_;
  if (alarm()) return true;
  for (size_t i = 0; i < bets_.size(); ++i)
    capital_[i] = (capital_[i] + 1) * (1 + bets_[i] * (x - limit_));
  if (statistic() >= threshold_) alarm_at_ = count_;
  return alarm();
}

double ChangeDetector::statistic() const {
  return std::accumulate(capital_.begin(), capital_.end(), 0.0) / kBets;
}

}  // namespace weir::stats
