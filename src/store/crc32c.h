// CRC-32C (Castagnoli, RFC 3720 appendix B.4), the checksum of journal records. By the processor's
// instruction where it has one, else eight bytes a step from tables (Kounavis and Berry, 2005).
// Pure, thread-safe.
#pragma once

#include <cstdint>
#include <string_view>

namespace weir::store {

uint32_t crc32c(std::string_view bytes);
// What crc32c() does without the instruction; for the test of both.
uint32_t crc32c_portable(std::string_view bytes);

}  // namespace weir::store
