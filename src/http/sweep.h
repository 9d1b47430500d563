// All time limits of one worker, checked by one coarse timer: an operation states when it has to
// be over by storing a number, so that no timer is armed per operation. What is late is told so up
// to kSweepPeriodMs after its time.
// Single-threaded: belongs to one worker's event loop.
#pragma once

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>

#include "base/clock.h"

namespace weir::http {

inline constexpr int64_t kSweepPeriodMs = 50;
inline constexpr int64_t kNoDeadline = INT64_MAX;

using Timer = boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                                boost::asio::wait_traits<std::chrono::steady_clock>,
                                                boost::asio::io_context::executor_type>;

class Sweep {
 public:
  // Something with a time limit. One that outlives its Sweep has none any more.
  class Entry {
   public:
    explicit Entry(Sweep& sweep);
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    virtual ~Entry();

   protected:
    // Called once from the event loop, with the limit already taken back.
    virtual void deadline_passed() = 0;
    void set_deadline_us(int64_t at_us) { at_us_ = at_us; }
    Sweep& sweep() const { return *sweep_; }

   private:
    friend class Sweep;
    Sweep* sweep_;
    Entry* previous_ = nullptr;
    Entry* next_ = nullptr;
    int64_t at_us_ = kNoDeadline;
  };

  Sweep(boost::asio::io_context& io, const Clock& clock);
  ~Sweep();
  const Clock& clock() const { return clock_; }
  int64_t now_us() const { return clock_.steady_us(); }
  boost::asio::io_context& io() { return io_; }
  // No deadline passes after this; for the end of the loop.
  void stop();

 private:
  void arm();
  void tick();

  boost::asio::io_context& io_;
  const Clock& clock_;
  Timer timer_;
  bool armed_ = false;
  bool stopped_ = false;
  Entry* first_ = nullptr;
  Entry* cursor_ = nullptr;  // next one to look at while tick() runs
};

}  // namespace weir::http
