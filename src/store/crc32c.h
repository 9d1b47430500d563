// CRC-32C (Castagnoli, RFC 3720 appendix B.4), the checksum of journal records. Eight bytes a step
// from tables (Kounavis and Berry, 2005). Pure, thread-safe.
#pragma once

#include <cstdint>
#include <string_view>

namespace weir::store {

uint32_t crc32c(std::string_view bytes);

}  // namespace weir::store
