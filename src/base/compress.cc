#include "base/compress.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <memory>

#include "base/check.h"

namespace weir {
namespace {

constexpr size_t kStepBytes = 1 << 16;
constexpr int kGzipWindow = 15 + 16;
constexpr int kZlibWindow = 15;
constexpr int kRawWindow = -15;

std::unexpected<Error> too_large(size_t limit_bytes) {
  return fail(ErrorCode::kTooLarge,
              "decompressed content is larger than " + std::to_string(limit_bytes) + " bytes");
}

std::unexpected<Error> broken(const char* coding) {
  return fail(ErrorCode::kCorrupt, std::string("broken or incomplete ") + coding + " data");
}

struct InflateEnd {
  void operator()(z_stream* stream) const { inflateEnd(stream); }
};

std::expected<std::string, Error> inflate_all(std::string_view bytes, int window,
                                              size_t limit_bytes, const char* coding) {
  z_stream stream{};
  if (inflateInit2(&stream, window) != Z_OK) return fail(ErrorCode::kInternal, "zlib failed");
  const std::unique_ptr<z_stream, InflateEnd> cleanup(&stream);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  std::string out;
  for (;;) {
    const size_t before = out.size();
    out.resize(before + kStepBytes);
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + before);
    stream.avail_out = kStepBytes;
    const int status = inflate(&stream, Z_NO_FLUSH);
    out.resize(before + kStepBytes - stream.avail_out);
    if (out.size() > limit_bytes) return too_large(limit_bytes);
    if (status == Z_STREAM_END) {
      if (window != kGzipWindow || stream.avail_in == 0) return out;
      if (inflateReset(&stream) != Z_OK) return broken(coding);
    } else if (status != Z_OK || (stream.avail_in == 0 && stream.avail_out != 0)) {
      return broken(coding);
    }
  }
}

// RFC 8878, 3.1: a frame or a skippable frame. The library may also know formats from before the
// standard, which nobody sends in good faith.
bool begins_zstd_frame(std::string_view bytes) {
  return bytes.starts_with("\x28\xB5\x2F\xFD") ||
         (bytes.size() >= 4 && (static_cast<unsigned char>(bytes[0]) & 0xF0) == 0x50 &&
          bytes.substr(1, 3) == "\x2A\x4D\x18");
}

std::expected<std::string, Error> decompress_zstd(std::string_view bytes, size_t limit_bytes) {
  const std::unique_ptr<ZSTD_DStream, decltype(&ZSTD_freeDStream)> stream(ZSTD_createDStream(),
                                                                          &ZSTD_freeDStream);
  CHECK(stream != nullptr);
  // 8 MiB is the window that RFC 8878 asks every decoder to support; larger ones are an attack.
  ZSTD_DCtx_setParameter(stream.get(), ZSTD_d_windowLogMax, 23);
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  std::string out;
  size_t hint = 0;
  for (;;) {
    if (hint == 0 && !begins_zstd_frame(bytes.substr(in.pos))) return broken("zstd");
    const size_t before = out.size();
    out.resize(before + kStepBytes);
    ZSTD_outBuffer step{out.data() + before, kStepBytes, 0};
    hint = ZSTD_decompressStream(stream.get(), &step, &in);
    out.resize(before + step.pos);
    if (ZSTD_isError(hint)) return broken("zstd");
    if (out.size() > limit_bytes) return too_large(limit_bytes);
    if (in.pos == in.size && step.pos < kStepBytes) break;
  }
  if (hint != 0) return broken("zstd");
  return out;
}

}  // namespace

std::optional<ContentCoding> parse_content_coding(std::string_view name) {
  std::string lower(name);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  if (lower.empty() || lower == "identity") return ContentCoding::kIdentity;
  if (lower == "gzip" || lower == "x-gzip") return ContentCoding::kGzip;
  if (lower == "deflate") return ContentCoding::kDeflate;
  if (lower == "zstd") return ContentCoding::kZstd;
  return std::nullopt;
}

std::expected<std::string, Error> decompress(ContentCoding coding, std::string_view bytes,
                                             size_t limit_bytes) {
  switch (coding) {
    case ContentCoding::kIdentity:
      if (bytes.size() > limit_bytes) return too_large(limit_bytes);
      return std::string(bytes);
    case ContentCoding::kGzip:
      return inflate_all(bytes, kGzipWindow, limit_bytes, "gzip");
    case ContentCoding::kDeflate: {
      auto wrapped = inflate_all(bytes, kZlibWindow, limit_bytes, "deflate");
      if (wrapped || wrapped.error().code == ErrorCode::kTooLarge) return wrapped;
      return inflate_all(bytes, kRawWindow, limit_bytes, "deflate");
    }
    case ContentCoding::kZstd:
      return decompress_zstd(bytes, limit_bytes);
  }
  return fail(ErrorCode::kUnsupported, "unknown content coding");
}

std::string compress_gzip(std::string_view bytes) {
  z_stream stream{};
  CHECK(deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) ==
        Z_OK);
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

}  // namespace weir
