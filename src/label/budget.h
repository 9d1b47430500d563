// Money that may still be spent. Before a call its worst case is reserved, afterwards what it cost
// is settled: the sum of both never exceeds the limit, however many calls are under way.
// Belongs to one thread.
#pragma once

#include <cstdint>
#include <optional>

namespace weir::label {

class Budget {
 public:
  // Without a limit everything is granted. `spent`: by earlier runs of the same job.
  explicit Budget(std::optional<int64_t> limit_nanousd = {}, int64_t spent_nanousd = 0)
      : limit_(limit_nanousd), spent_(spent_nanousd) {}

  // False when this amount on top of all that is spent and reserved would exceed the limit.
  [[nodiscard]] bool reserve(int64_t nanousd) {
    if (limit_ && nanousd > *limit_ - spent_ - reserved_) return false;
    reserved_ += nanousd;
    return true;
  }
  // Ends a reservation.
  void settle(int64_t reserved_nanousd, int64_t spent_nanousd) {
    reserved_ -= reserved_nanousd;
    spent_ += spent_nanousd;
  }
  // Whether the amount can still be granted once everything under way is settled for nothing.
  bool may_fit(int64_t nanousd) const { return !limit_ || nanousd <= *limit_ - spent_; }

  std::optional<int64_t> limit_nanousd() const { return limit_; }
  int64_t spent_nanousd() const { return spent_; }

 private:
  std::optional<int64_t> limit_;
  int64_t spent_ = 0;
  int64_t reserved_ = 0;
};

}  // namespace weir::label
