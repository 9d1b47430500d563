// The built-in price table as text, one model a line; only models.cc reads it. Columns and source:
// docs/prices.md.
#pragma once

#include <string_view>

namespace weir::catalog {

extern const std::string_view kTable;
extern const std::string_view kTableVersion;

}  // namespace weir::catalog
