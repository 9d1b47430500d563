#include "model/model_files.h"

#include <fmt/format.h>

#include <cstdlib>
#include <string>
#include <system_error>

namespace weir::model {
namespace {

constexpr int kParentsSearched = 3;
constexpr std::string_view kInstalledFolder = "/usr/local/share/weir/models";

std::optional<std::filesystem::path> running_executable() {
  std::error_code error;
  auto path = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return std::nullopt;
  return path;
}

}  // namespace

std::vector<std::filesystem::path> model_folders(
    std::optional<std::string_view> models_override,
    const std::optional<std::filesystem::path>& executable) {
  if (models_override) return {std::filesystem::path(*models_override)};
  std::vector<std::filesystem::path> folders;
  if (executable) {
    auto folder = executable->parent_path();
    for (int level = 0; level <= kParentsSearched; ++level) {
      folders.push_back(folder / "models");
      if (folder == folder.parent_path()) break;
      folder = folder.parent_path();
    }
  }
  folders.emplace_back(kInstalledFolder);
  return folders;
}

std::expected<std::filesystem::path, Error> find_model_file(std::string_view name) {
  if (name.empty() || name == "." || name == ".." || name.find('/') != name.npos) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' is not the bare name of a model file", name));
  }
  const char* variable = std::getenv("WEIR_MODELS");
  const bool overridden = variable != nullptr && *variable != '\0';
  const auto folders = model_folders(
      overridden ? std::optional<std::string_view>(variable) : std::nullopt, running_executable());
  std::string searched;
  for (const auto& folder : folders) {
    std::error_code error;
    if (auto path = folder / name; std::filesystem::is_regular_file(path, error)) return path;
    searched += (searched.empty() ? "" : ", ") + folder.string();
  }
  return fail(ErrorCode::kNotFound,
              fmt::format("model file '{}' not found; searched {}. Set WEIR_MODELS to the folder "
                          "that holds it",
                          name, searched));
}

}  // namespace weir::model
