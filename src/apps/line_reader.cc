#include "apps/line_reader.h"

#include <fmt/format.h>
#include <poll.h>

namespace weir::apps {

std::expected<std::optional<std::string>, Error> LineReader::next() {
  std::string line;
  ++line_number_;
  for (;;) {
    const int byte = ::getc_unlocked(stream_);
    if (byte == '\n') break;
    if (byte == EOF) {
      if (std::ferror(stream_) != 0)
        return fail(ErrorCode::kIo, fmt::format("line {} could not be read", line_number_));
      if (line.empty()) return std::nullopt;
      break;
    }
    if (line.size() == limit_bytes_)
      return fail(ErrorCode::kTooLarge,
                  fmt::format("line {} is longer than {} bytes", line_number_, limit_bytes_));
    line += static_cast<char>(byte);
  }
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return line;
}

bool LineReader::ready() const {
  if (stream_->_IO_read_ptr < stream_->_IO_read_end) return true;  // glibc: buffered bytes
  pollfd wait{.fd = ::fileno(stream_), .events = POLLIN, .revents = 0};
  return ::poll(&wait, 1, 0) > 0;
}

}  // namespace weir::apps
