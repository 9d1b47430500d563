// Where the files of models/ (the embedding table, the default router) are at run time.
// Thread-safe as far as the environment is left alone.
#pragma once

#include <expected>
#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace weir::model {

// The folders searched, in order: `models_override` alone if given, else models/ beside the
// executable's folder and beside up to three of its parents, then /usr/local/share/weir/models.
std::vector<std::filesystem::path> model_folders(
    std::optional<std::string_view> models_override,
    const std::optional<std::filesystem::path>& executable);

// The first file called `name` in those folders, for this process and its environment variable
// WEIR_MODELS. Fails: kNotFound, naming the folders searched; kInvalidArgument when `name` is not a
// bare file name.
[[nodiscard]] std::expected<std::filesystem::path, Error> find_model_file(std::string_view name);

}  // namespace weir::model
