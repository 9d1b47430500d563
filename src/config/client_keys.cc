#include "config/client_keys.h"

#include <array>

#include "base/digest.h"
#include "base/random.h"

namespace weir::config {

std::string make_client_key() {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::array<uint8_t, 32> bytes;
  secure_random(bytes);
  std::string key = "weir-";
  uint32_t bits = 0;
  int held = 0;
  for (const uint8_t byte : bytes) {
    bits = bits << 8 | byte;
    held += 8;
    for (; held >= 6; held -= 6)
      key += kAlphabet[bits >> (held - 6) & 63];
  }
  key += kAlphabet[bits << (6 - held) & 63];
  return key;
}

std::string hash_client_key(std::string_view key) {
  return "sha256:" + to_hex(sha256(key));
}

}  // namespace weir::config
