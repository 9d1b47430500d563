// Hashes. sha256 and hmac for what must resist attack (OpenSSL), siphash for keyed assignment
// (Aumasson and Bernstein, 2012: SipHash-2-4), fnv1a only for buckets that no one attacks.
// Pure functions, thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace weir {

using Sha256 = std::array<uint8_t, 32>;

Sha256 sha256(std::string_view bytes);
std::string to_hex(std::string_view bytes);
std::string to_hex(uint64_t number);  // 16 digits
inline std::string to_hex(const Sha256& digest) {
  return to_hex({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

// Time that does not depend on where the two differ; false at once when the lengths differ.
bool equal_constant_time(std::string_view a, std::string_view b);

struct SipKey {
  uint64_t k0 = 0, k1 = 0;
};
uint64_t siphash(SipKey key, std::string_view bytes);

// A hash in [0, 1) with 53 bits, for comparing with a share.
inline double to_unit_interval(uint64_t hash) {
  return static_cast<double>(hash >> 11) * 0x1p-53;
}

constexpr uint64_t fnv1a(std::string_view bytes, uint64_t seed = 0xcbf29ce484222325) {
  uint64_t hash = seed;
  for (const char c : bytes)
    hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  return hash;
}

}  // namespace weir
