// Randomness as an argument. A Random is a small fast generator (xoshiro256++, Blackman and Vigna
// 2019) seeded explicitly; secure_random is for salts, keys and ids.
// A Random belongs to one thread. secure_random is thread-safe and ends the process when the
// system has no entropy.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>

namespace weir {

class Random {
 public:
  using result_type = uint64_t;
  explicit Random(uint64_t seed);
  uint64_t operator()();
  static constexpr uint64_t min() { return 0; }
  static constexpr uint64_t max() { return UINT64_MAX; }
  // Uniform in [0, 1) and in [0, bound); bound > 0 (Lemire's multiplication, without bias).
  double uniform();
  uint64_t below(uint64_t bound);

 private:
  std::array<uint64_t, 4> state_;
};

void secure_random(std::span<uint8_t> out);

// A version 7 UUID (RFC 9562): 48 bits of milliseconds, then random bits. `unix_us` comes from the
// caller's clock.
std::string make_uuid7(int64_t unix_us, Random& random);

}  // namespace weir
