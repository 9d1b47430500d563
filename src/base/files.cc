#include "base/files.h"

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <system_error>
#include <utility>

#include "base/compress.h"

namespace weir {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  bool ok() const { return fd_ >= 0; }

 private:
  int fd_;
};

std::unexpected<Error> io_failure(const char* verb, const std::filesystem::path& path) {
  const int error_number = errno;
  return fail(error_number == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
              fmt::format("cannot {} {}: {}", verb, path.string(), errno_text(error_number)));
}

bool write_all(int fd, std::string_view content) {
  while (!content.empty()) {
    const ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    content.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

}  // namespace

std::string errno_text(int error_number) {
  return std::generic_category().message(error_number);
}

std::expected<std::string, Error> read_file(const std::filesystem::path& path, size_t limit_bytes) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.ok()) return io_failure("read", path);
  struct stat info{};
  if (::fstat(file.get(), &info) == 0 && S_ISDIR(info.st_mode))
    return fail(ErrorCode::kIo, fmt::format("cannot read {}: it is a directory", path.string()));
  std::string content;
  if (info.st_size > 0) content.reserve(static_cast<size_t>(info.st_size));
  char buffer[1 << 16];
  for (;;) {
    const ssize_t n = ::read(file.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return io_failure("read", path);
    if (n == 0) return content;
    content.append(buffer, static_cast<size_t>(n));
    if (content.size() > limit_bytes)
      return fail(ErrorCode::kTooLarge,
                  fmt::format("{} is larger than {} bytes", path.string(), limit_bytes));
  }
}

std::expected<std::string, Error> read_maybe_gzip(const std::filesystem::path& path,
                                                  size_t limit_bytes) {
  TRY_ASSIGN(std::string content, read_file(path, limit_bytes));
  if (!content.starts_with("\x1f\x8b")) return content;
  auto inflated = decompress(ContentCoding::kGzip, content, limit_bytes);
  if (!inflated)
    return fail(inflated.error().code, path.string() + ": " + inflated.error().message);
  return inflated;
}

// A device or pipe (/dev/stdout) is written to; renaming over it would replace it.
static std::expected<void, Error> write_in_place(const std::filesystem::path& path,
                                                 std::string_view content) {
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file.ok() || !write_all(file.get(), content)) return io_failure("write", path);
  return {};
}

std::expected<void, Error> write_file(const std::filesystem::path& path, std::string_view content,
                                      FileMode mode) {
  struct stat info{};
  if (::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode))
    return write_in_place(path, content);
  std::filesystem::path temporary = path;
  temporary += fmt::format(".{}.tmp", ::getpid());
  const mode_t bits = mode == FileMode::kOwnerOnly ? 0600 : 0644;
  {
    const Descriptor file(
        ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, bits));
    if (!file.ok()) return io_failure("write", path);
    if (!write_all(file.get(), content)) {
      auto failure = io_failure("write", path);
      ::unlink(temporary.c_str());
      return failure;
    }
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    auto failure = io_failure("write", path);
    ::unlink(temporary.c_str());
    return failure;
  }
  return {};
}

std::expected<MappedFile, Error> MappedFile::open(const std::filesystem::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.ok()) return io_failure("read", path);
  struct stat info{};
  if (::fstat(file.get(), &info) != 0) return io_failure("read", path);
  if (!S_ISREG(info.st_mode))
    return fail(ErrorCode::kIo, fmt::format("cannot read {}: not a regular file", path.string()));
  MappedFile mapped;
  mapped.size_ = static_cast<size_t>(info.st_size);
  if (mapped.size_ == 0) return mapped;
  void* address = ::mmap(nullptr, mapped.size_, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (address == MAP_FAILED) return io_failure("map", path);
  mapped.data_ = static_cast<const std::byte*>(address);
  return mapped;
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

std::expected<FileLock, Error> FileLock::acquire(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return io_failure("lock", path);
  FileLock lock;
  lock.fd_ = fd;
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK)
      return fail(ErrorCode::kConflict,
                  fmt::format("{} is held by another running weir", path.string()));
    return io_failure("lock", path);
  }
  return lock;
}

FileLock::FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

FileLock::~FileLock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace weir
