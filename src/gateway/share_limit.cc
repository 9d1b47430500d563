#include "gateway/share_limit.h"

#include <algorithm>
#include <cmath>

namespace weir::gateway {

double ShareLimit::threshold(double score, double own_threshold) {
  const std::lock_guard lock(mutex_);
  if (latest_.size() < kWindow)
    latest_.push_back(score);
  else
    latest_[next_] = score;
  next_ = (next_ + 1) % kWindow;
  sorted_ = latest_;
  return lowered(own_threshold);
}

double ShareLimit::peek(double score, double own_threshold) {
  const std::lock_guard lock(mutex_);
  sorted_ = latest_;
  sorted_.push_back(score);
  return lowered(own_threshold);
}

double ShareLimit::lowered(double own_threshold) {
  // Of n scores floor(n * share) may lie below the threshold, so it is the next one in order.
  const auto allowed = static_cast<size_t>(
      std::floor(static_cast<double>(sorted_.size()) * std::max(weak_share_, 0.0)));
  if (allowed >= sorted_.size()) return own_threshold;
  const auto at = sorted_.begin() + static_cast<std::ptrdiff_t>(allowed);
  std::nth_element(sorted_.begin(), at, sorted_.end());
  return std::min(own_threshold, *at);
}

}  // namespace weir::gateway
