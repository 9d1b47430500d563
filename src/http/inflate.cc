#include "http/inflate.h"

#include <zlib.h>
#include <zstd.h>

#include <string>

#include "base/check.h"

namespace weir::http {
namespace {

constexpr size_t kPieceBytes = 32 << 10;
constexpr int kGzipWindow = 15 + 16;
constexpr int kZlibWindow = 15;
constexpr int kRawWindow = -15;
constexpr int kZstdWindowLog = 23;  // what RFC 8878 asks every decoder to support

// RFC 8878, 3.1. The library may also decode formats from before the standard (0x..27 and below),
// which nobody sends in good faith.
bool is_zstd_magic(std::string_view magic) {
  return magic == "\x28\xB5\x2F\xFD" || ((static_cast<unsigned char>(magic[0]) & 0xF0) == 0x50 &&
                                         magic.substr(1) == "\x2A\x4D\x18");
}

class ZlibInflater final : public Inflater {
 public:
  explicit ZlibInflater(ContentCoding coding) : gzip_(coding == ContentCoding::kGzip) {
    CHECK(inflateInit2(&stream_, gzip_ ? kGzipWindow : kZlibWindow) == Z_OK);
  }
  ~ZlibInflater() override { inflateEnd(&stream_); }

  void push(std::string_view bytes) override {
    if (bytes.empty()) return;
    // Some send the bare stream under the name "deflate"; a zlib header's first byte has 8 below.
    if (!gzip_ && !begun_ && (static_cast<unsigned char>(bytes.front()) & 0x0F) != 8)
      CHECK(inflateReset2(&stream_, kRawWindow) == Z_OK);
    begun_ = true;
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
  }

  std::expected<std::string_view, Error> pull() override {
    stream_.next_out = reinterpret_cast<Bytef*>(out_.data());
    stream_.avail_out = kPieceBytes;
    while (stream_.avail_out == kPieceBytes) {
      if (ended_) {
        if (stream_.avail_in == 0) break;
        if (!gzip_) return fail(ErrorCode::kCorrupt, "bytes behind the compressed answer");
        CHECK(inflateReset(&stream_) == Z_OK);  // another gzip member
        ended_ = false;
      }
      const int status = inflate(&stream_, Z_SYNC_FLUSH);
      if (status == Z_BUF_ERROR) break;
      if (status != Z_OK && status != Z_STREAM_END)
        return fail(ErrorCode::kCorrupt, "the answer is broken compressed data");
      ended_ = status == Z_STREAM_END;
      if (!ended_ && stream_.avail_in == 0) break;
    }
    return std::string_view(out_.data(), kPieceBytes - stream_.avail_out);
  }

  bool complete() const override { return ended_ || !begun_; }

 private:
  const bool gzip_;
  z_stream stream_{};
  std::string out_ = std::string(kPieceBytes, '\0');
  bool begun_ = false, ended_ = false;
};

class ZstdInflater final : public Inflater {
 public:
  ZstdInflater() : stream_(ZSTD_createDStream()) {
    CHECK(stream_ != nullptr);
    ZSTD_DCtx_setParameter(stream_.get(), ZSTD_d_windowLogMax, kZstdWindowLog);
  }

  void push(std::string_view bytes) override { in_ = {bytes.data(), bytes.size(), 0}; }

  std::expected<std::string_view, Error> pull() override {
    ZSTD_outBuffer out{out_.data(), kPieceBytes, 0};
    while (out.pos == 0 && (in_.pos < in_.size || more_)) {
      if (between_frames_) {
        if (!take_magic()) break;
        if (!is_zstd_magic(magic_))
          return fail(ErrorCode::kCorrupt, "the answer is broken compressed data");
        ZSTD_inBuffer magic{magic_.data(), magic_.size(), 0};
        if (ZSTD_isError(ZSTD_decompressStream(stream_.get(), &out, &magic)))
          return fail(ErrorCode::kCorrupt, "the answer is broken compressed data");
        magic_.clear();
        between_frames_ = false;
      }
      const size_t hint = ZSTD_decompressStream(stream_.get(), &out, &in_);
      if (ZSTD_isError(hint))
        return fail(ErrorCode::kCorrupt, "the answer is broken compressed data");
      between_frames_ = hint == 0;
      more_ = !between_frames_ && out.pos == out.size;
    }
    return std::string_view(out_.data(), out.pos);
  }

  bool complete() const override { return between_frames_ && magic_.empty(); }

 private:
  // Collects the magic number of the next frame; false when more input is needed.
  bool take_magic() {
    while (magic_.size() < 4 && in_.pos < in_.size)
      magic_ += static_cast<const char*>(in_.src)[in_.pos++];
    return magic_.size() == 4;
  }

  struct Free {
    void operator()(ZSTD_DStream* stream) const { ZSTD_freeDStream(stream); }
  };
  std::unique_ptr<ZSTD_DStream, Free> stream_;
  ZSTD_inBuffer in_{};
  std::string out_ = std::string(kPieceBytes, '\0');
  std::string magic_;
  bool between_frames_ = true;
  bool more_ = false;  // the decoder may hold output that did not fit
};

}  // namespace

std::unique_ptr<Inflater> make_inflater(ContentCoding coding) {
  if (coding == ContentCoding::kZstd) return std::make_unique<ZstdInflater>();
  return std::make_unique<ZlibInflater>(coding);
}

}  // namespace weir::http
