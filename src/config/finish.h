// From a Draft to options that a server can start with: defaults from the environment, references
// between the sections, and everything that one value alone cannot tell. Reads no file but checks
// that named files exist.
#pragma once

#include <filesystem>
#include <string_view>

#include "config/load.h"
#include "config/reader.h"

namespace weir::config {

// Adds what is found to read.problems; the result counts only if none are left.
// `folder`: where relative files are looked for.
Loaded finish(ReadResult& read, std::string_view name, const std::filesystem::path& folder,
              const LoadInputs& inputs);

// "key = value" lines of all settings; secrets as "(set)".
std::string print_effective(Draft& draft);

}  // namespace weir::config
