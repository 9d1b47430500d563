#include "base/random.h"

#include <sys/random.h>

#include <bit>

#include "base/check.h"
#include "base/digest.h"

namespace weir {

Random::Random(uint64_t seed) {
  // splitmix64 spreads a small seed over the whole state, as the authors of xoshiro advise.
  for (uint64_t& word : state_) {
    uint64_t z = (seed += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    word = z ^ (z >> 31);
  }
}

uint64_t Random::operator()() {
  auto& s = state_;
  const uint64_t result = std::rotl(s[0] + s[3], 23) + s[0];
  const uint64_t t = s[1] << 17;
  s[2] ^= s[0], s[3] ^= s[1], s[1] ^= s[2], s[0] ^= s[3];
  s[2] ^= t;
  s[3] = std::rotl(s[3], 45);
  return result;
}

double Random::uniform() {
  return static_cast<double>((*this)() >> 11) * 0x1p-53;
}

uint64_t Random::below(uint64_t bound) {
  CHECK(bound > 0);
  __extension__ using uint128 = unsigned __int128;
  uint128 product = static_cast<uint128>((*this)()) * bound;
  if (static_cast<uint64_t>(product) < bound) {
    const uint64_t threshold = (0 - bound) % bound;
    while (static_cast<uint64_t>(product) < threshold)
      product = static_cast<uint128>((*this)()) * bound;
  }
  return static_cast<uint64_t>(product >> 64);
}

void secure_random(std::span<uint8_t> out) {
  while (!out.empty()) {
    const ssize_t n = getrandom(out.data(), out.size(), 0);
    CHECK(n > 0);
    out = out.subspan(static_cast<size_t>(n));
  }
}

std::string make_uuid7(int64_t unix_us, Random& random) {
  const uint64_t a = random(), b = random();
  const uint64_t ms = static_cast<uint64_t>(unix_us / 1000) & 0xffffffffffff;
  const std::string high = to_hex(ms << 16 | 0x7000 | (a & 0xfff));
  const std::string low = to_hex((0x8000 | (a >> 16 & 0x3fff)) << 48 | (b & 0xffffffffffff));
  std::string id;
  id.reserve(36);
  id.append(high, 0, 8).append(1, '-').append(high, 8, 4).append(1, '-').append(high, 12, 4);
  return id.append(1, '-').append(low, 0, 4).append(1, '-').append(low, 4, 12);
}

}  // namespace weir
