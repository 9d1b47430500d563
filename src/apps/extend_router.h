// weir train --extend: a cluster router learns one more model from rows that only that model has
// answered.
#pragma once

#include <expected>
#include <string>

#include "apps/data_options.h"
#include "base/error.h"

namespace weir::apps {

struct ExtendOptions {
  std::string router;  // the file to extend; it stays as it is
  std::string model;
  std::string before;  // a model of the router; empty: by the mean score
};

// Writes the extended router to `out` and says what it did. Fails: kInvalidArgument; as
// read_labelled_rows, Router::load and write_file.
[[nodiscard]] std::expected<void, Error> extend_router(const ExtendOptions& options,
                                                       const DataOptions& data,
                                                       const std::string& out, bool json);

}  // namespace weir::apps
