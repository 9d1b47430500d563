// Results on standard output. fmt::print would throw when nobody reads them any more, and a full
// disk would go unnoticed until the end.
#pragma once

#include <expected>
#include <string_view>

#include "base/error.h"

namespace weir::apps {

// Fails: kCancelled when the reader has gone (head, less), kIo.
[[nodiscard]] std::expected<void, Error> write_output(std::string_view text);

// After the last write: what is still buffered. Fails like write_output.
[[nodiscard]] std::expected<void, Error> flush_output();

// For the end of a command: 0 when done or when the reader has gone, else 1 with a message.
int exit_status(const std::expected<void, Error>& done);

}  // namespace weir::apps
