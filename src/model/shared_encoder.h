// One Encoder for all routers of the process that use the same file: its weights are tens of
// megabytes. Thread-safe.
#pragma once

#include <expected>
#include <filesystem>
#include <memory>
#include <string_view>

#include "base/error.h"
#include "model/encoder.h"

namespace weir::model {

// The path of the encoder file called `name`: beside a router file (`folder`, may be empty), or
// where find_model_file looks. Fails: kNotFound, saying how to get the encoder; kInvalidArgument
// when `name` is not a bare file name.
[[nodiscard]] std::expected<std::filesystem::path, Error> find_encoder(
    std::string_view name, const std::filesystem::path& folder);

// The encoder at `path`, loaded unless somebody holds it; a file that has changed since is loaded
// anew. Fails as Encoder::load does.
[[nodiscard]] std::expected<std::shared_ptr<const Encoder>, Error> shared_encoder(
    const std::filesystem::path& path);

}  // namespace weir::model
