// Whole files, memory maps and locks. Every error names the path and what the system said.
// Thread-safe: nothing here is shared; a MappedFile or FileLock belongs to whoever holds it.
#pragma once

#include <cstddef>
#include <expected>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"

namespace weir {

// Reads a file of at most `limit_bytes`. Fails: kNotFound, kIo, kTooLarge.
[[nodiscard]] std::expected<std::string, Error> read_file(const std::filesystem::path& path,
                                                          size_t limit_bytes = size_t{1} << 31);

// As read_file, and decompresses when the content starts with the gzip magic number.
[[nodiscard]] std::expected<std::string, Error> read_maybe_gzip(const std::filesystem::path& path,
                                                                size_t limit_bytes = size_t{1}
                                                                                     << 31);

enum class FileMode { kPublic, kOwnerOnly };

// Writes to a temporary neighbour and renames it, so that readers see the old or the new content.
// What exists and is no regular file, such as /dev/stdout, is written to as it is. Fails: kIo.
[[nodiscard]] std::expected<void, Error> write_file(const std::filesystem::path& path,
                                                    std::string_view content,
                                                    FileMode mode = FileMode::kPublic);

// A read-only memory map; movable, unmapped at destruction.
class MappedFile {
 public:
  [[nodiscard]] static std::expected<MappedFile, Error> open(const std::filesystem::path& path);
  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();
  std::span<const std::byte> bytes() const { return {data_, size_}; }
  std::string_view text() const { return {reinterpret_cast<const char*>(data_), size_}; }

 private:
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

// An exclusive advisory lock on a file (created when missing), released at destruction or by death
// of the process. Fails: kConflict when another process holds it, kIo.
class FileLock {
 public:
  [[nodiscard]] static std::expected<FileLock, Error> acquire(const std::filesystem::path& path);
  FileLock() = default;
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;
  ~FileLock();

 private:
  int fd_ = -1;
};

// errno in words, for messages.
std::string errno_text(int error_number);

}  // namespace weir
