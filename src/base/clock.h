// Time as a value. Code that decides by time takes a Clock, so that tests move it by hand; a
// Deadline is made once, when a request is read, and bounds everything that is done for it.
// Thread-safe: SystemClock is stateless; ManualClock may be advanced from any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

namespace weir {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual int64_t steady_us() const = 0;  // monotonic, from an arbitrary origin
  virtual int64_t unix_us() const = 0;    // microseconds since 1970-01-01 UTC
};

class SystemClock final : public Clock {
 public:
  int64_t steady_us() const override;
  int64_t unix_us() const override;
  static const SystemClock& instance();
};

class ManualClock final : public Clock {
 public:
  explicit ManualClock(int64_t unix_us) : unix_us_(unix_us) {}
  int64_t steady_us() const override { return unix_us_; }
  int64_t unix_us() const override { return unix_us_; }
  void advance_us(int64_t us) { unix_us_ += us; }

 private:
  std::atomic<int64_t> unix_us_;
};

// A point on the steady clock after which nobody waits any more.
struct Deadline {
  int64_t at_us = INT64_MAX;

  static Deadline after_ms(const Clock& clock, int64_t ms) {
    return {clock.steady_us() + ms * 1000};
  }
  static Deadline never() { return {}; }
  int64_t left_ms(const Clock& clock) const {
    const int64_t left_us = at_us - clock.steady_us();
    return left_us <= 0 ? 0 : left_us / 1000;
  }
  bool passed(const Clock& clock) const { return clock.steady_us() >= at_us; }
  Deadline earlier(Deadline other) const { return at_us < other.at_us ? *this : other; }
};

// "2026-11-23T20:19:51.123456Z" (RFC 3339, UTC).
std::string format_rfc3339(int64_t unix_us);
// The inverse; accepts fewer fraction digits and offsets such as +02:00. INT64_MIN when malformed.
int64_t parse_rfc3339(const std::string& text);

}  // namespace weir
