// Holds the share of conversations that a score sends to weak below a limit. A threshold that was
// set on other traffic says nothing about this traffic's share (the shipped router's 50 % became 12
// % to 54 % strong on three benchmarks, docs/results.md), so a route may bound it: the threshold in
// force is never above the matching quantile of the route's latest scores, the one being decided
// included. It can only send more to strong.
// The window starts with kHeadStart scores of 1, so that the first easy question of a new
// installation is not refused the weak model; that lets about 17 turns more than the share through
// among the first 200, and none later. Thread-safe: one mutex, held for a selection among at most
// kWindow numbers.
#pragma once

#include <cstddef>
#include <mutex>
#include <vector>

namespace weir::gateway {

class ShareLimit {
 public:
  static constexpr size_t kWindow = 255;
  static constexpr size_t kHeadStart = 8;

  // weak_share: at most this share of the latest scores lies below the threshold, in [0, 1].
  explicit ShareLimit(double weak_share) : weak_share_(weak_share), latest_(kHeadStart, 1.0) {}

  // Takes in `score`; gives the threshold in force for it.
  double threshold(double score, double own_threshold);
  // The same without taking it in.
  double peek(double score, double own_threshold);

 private:
  double lowered(double own_threshold);  // requires the mutex, and sorted_ filled

  const double weak_share_;
  std::mutex mutex_;
  std::vector<double> latest_;  // ring of kWindow
  size_t next_ = 0;
  std::vector<double> sorted_;  // scratch
};

}  // namespace weir::gateway
