// Reading the sections of a router file when an estimator is made. Pure, thread-safe.
#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "model/router_file.h"

namespace weir::model {

// Fail with kCorrupt, naming the section that is missing or has another length than `count`.
[[nodiscard]] std::expected<std::vector<double>, Error> numbers_of(const RouterFile& file,
                                                                   std::string_view name,
                                                                   size_t count);
// The view lasts as long as the file.
[[nodiscard]] std::expected<std::string_view, Error> bytes_of(const RouterFile& file,
                                                              std::string_view name, size_t count);
[[nodiscard]] std::expected<std::string_view, Error> setting_of(const RouterFile& file,
                                                                std::string_view name);

}  // namespace weir::model
