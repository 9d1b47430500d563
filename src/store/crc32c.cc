#include "store/crc32c.h"

#include <array>
#include <bit>
#include <cstring>

namespace weir::store {
namespace {

constexpr auto make_tables() {
  std::array<std::array<uint32_t, 256>, 8> tables{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit)
      crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0u);
    tables[0][i] = crc;
  }
  for (size_t k = 1; k < 8; ++k)
    for (uint32_t i = 0; i < 256; ++i) {
      const uint32_t previous = tables[k - 1][i];
      tables[k][i] = previous >> 8 ^ tables[0][previous & 0xff];
    }
  return tables;
}

constexpr auto kTables = make_tables();

#if defined(__x86_64__)
// The processor's own instruction; every one since 2009 has it.
__attribute__((target("sse4.2"))) uint32_t crc32c_sse42(std::string_view bytes) {
  uint64_t crc = ~0u;
  const char* p = bytes.data();
  size_t left = bytes.size();
  for (; left >= 8; p += 8, left -= 8) {
    uint64_t word = 0;
    std::memcpy(&word, p, 8);
    crc = __builtin_ia32_crc32di(crc, word);
  }
  auto crc32 = static_cast<uint32_t>(crc);
  for (; left > 0; ++p, --left)
    crc32 = __builtin_ia32_crc32qi(crc32, static_cast<uint8_t>(*p));
  return ~crc32;
}
#endif

}  // namespace

uint32_t crc32c(std::string_view bytes) {
#if defined(__x86_64__)
  static const bool has_sse42 = __builtin_cpu_supports("sse4.2") != 0;
  if (has_sse42) return crc32c_sse42(bytes);
#endif
  return crc32c_portable(bytes);
}

uint32_t crc32c_portable(std::string_view bytes) {
  static_assert(std::endian::native == std::endian::little);
  uint32_t crc = ~0u;
  const char* p = bytes.data();
  size_t left = bytes.size();
  for (; left >= 8; p += 8, left -= 8) {
    uint64_t word = 0;
    std::memcpy(&word, p, 8);
    word ^= crc;
    crc = 0;
    for (size_t k = 0; k < 8; ++k)
      crc ^= kTables[7 - k][word >> (8 * k) & 0xff];
  }
  for (; left > 0; ++p, --left)
    crc = crc >> 8 ^ kTables[0][(crc ^ static_cast<uint8_t>(*p)) & 0xff];
  return ~crc;
}

}  // namespace weir::store
