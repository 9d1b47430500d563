#include "apps/output.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>

#include "apps/commands.h"
#include "base/files.h"

namespace weir::apps {
namespace {

std::unexpected<Error> output_failure() {
  const int cause = errno;
  return fail(cause == EPIPE ? ErrorCode::kCancelled : ErrorCode::kIo,
              fmt::format("cannot write to standard output: {}", errno_text(cause)));
}

}  // namespace

std::expected<void, Error> write_output(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) return output_failure();
  return {};
}

std::expected<void, Error> flush_output() {
  if (std::fflush(stdout) != 0) return output_failure();
  return {};
}

int exit_status(const std::expected<void, Error>& done) {
  const auto finished = done ? flush_output() : done;
  if (finished || finished.error().code == ErrorCode::kCancelled) return 0;
  return report_failure(finished.error());
}

}  // namespace weir::apps
