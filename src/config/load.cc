#include "config/load.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdlib>

#include "base/files.h"
#include "config/finish.h"
#include "config/reader.h"
#include "config/yaml.h"

namespace weir::config {
namespace {

constexpr size_t kFileLimit = 1 << 20;

std::expected<Loaded, Error> load_read(ReadResult& read, std::string_view name,
                                       const std::filesystem::path& folder,
                                       const LoadInputs& inputs) {
  // References between sections mean little while single values are wrong.
  if (read.problems.empty()) {
    read.draft.options.catalog = catalog::Catalog::built_in();
    Loaded loaded = finish(read, name, folder, inputs);
    if (read.problems.empty()) return loaded;
  }
  return fail(ErrorCode::kInvalidArgument, fmt::format("{}", fmt::join(read.problems, "\n")));
}

}  // namespace

std::optional<std::filesystem::path> find_settings_file(const std::optional<std::string>& named) {
  if (named) return *named;
  std::error_code failed;
  if (std::filesystem::exists("weir.yaml", failed)) return "weir.yaml";
  return std::nullopt;
}

Environment process_environment() {
  return [](std::string_view name) -> std::optional<std::string> {
    const char* value = std::getenv(std::string(name).c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
}

std::expected<Loaded, Error> load(const LoadInputs& inputs) {
  if (!inputs.file) {
    ReadResult read;
    return load_read(read, "command line", ".", inputs);
  }
  TRY_ASSIGN(const std::string text, read_file(*inputs.file, kFileLimit));
  return load_text(text, inputs.file->string(), inputs);
}

std::expected<Loaded, Error> load_text(std::string_view text, std::string_view name,
                                       const LoadInputs& inputs) {
  TRY_ASSIGN(const Node root, parse_yaml(text, name));
  ReadResult read = read_settings(root, name, inputs.environment);
  const std::filesystem::path folder =
      inputs.file ? inputs.file->parent_path() : std::filesystem::path(".");
  return load_read(read, name, folder, inputs);
}

}  // namespace weir::config
