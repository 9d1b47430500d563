// Decoding of compressed bodies and files (RFC 1951, 1952, 8878) within a limit, so that a small
// body cannot grow without bound. Pure functions, thread-safe.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace weir {

enum class ContentCoding { kIdentity, kGzip, kDeflate, kZstd };

// The coding named by a Content-Encoding value ("x-gzip" counts as gzip); nullopt when unknown.
std::optional<ContentCoding> parse_content_coding(std::string_view name);

// "deflate" accepts both the zlib wrapper that RFC 9110 means and the bare stream that some send.
// Several gzip members or zstd frames in a row are one text.
// Fails: kTooLarge when the result exceeds limit_bytes, kCorrupt when the stream is broken or cut.
[[nodiscard]] std::expected<std::string, Error> decompress(ContentCoding coding,
                                                           std::string_view bytes,
                                                           size_t limit_bytes);

// gzip with a zero time stamp, so that equal input gives equal bytes.
std::string compress_gzip(std::string_view bytes);

}  // namespace weir
