#include "model/shared_encoder.h"

#include <fmt/format.h>

#include <map>
#include <mutex>
#include <string>
#include <system_error>
#include <tuple>

#include "model/model_files.h"

namespace weir::model {
namespace {

struct Held {
  std::mutex mutex;
  using Version = std::tuple<uintmax_t, std::filesystem::file_time_type>;  // size, time of change
  std::map<std::filesystem::path, std::pair<Version, std::weak_ptr<const Encoder>>> encoders;
};

Held& held() {
  static Held all;
  return all;
}

}  // namespace

std::expected<std::filesystem::path, Error> find_encoder(std::string_view name,
                                                         const std::filesystem::path& folder) {
  std::error_code error;
  const bool bare = !name.empty() && name != "." && name != ".." && name.find('/') == name.npos;
  if (bare && !folder.empty() && std::filesystem::is_regular_file(folder / name, error))
    return folder / name;
  auto found = find_model_file(name);
  if (found || found.error().code != ErrorCode::kNotFound) return found;
  return fail(ErrorCode::kNotFound,
              fmt::format("encoder '{}' not found. Its weights are not part of weir: "
                          "tools/models/get_encoder fetches and converts them (90 MB, once); or "
                          "set WEIR_MODELS to the folder that holds it",
                          name));
}

std::expected<std::shared_ptr<const Encoder>, Error> shared_encoder(
    const std::filesystem::path& path) {
  std::error_code error;
  const auto canonical = std::filesystem::weakly_canonical(path, error);
  const std::filesystem::path& key = error ? path : canonical;
  const auto size = std::filesystem::file_size(key, error);
  const Held::Version version(error ? 0 : size, std::filesystem::last_write_time(key, error));
  const std::lock_guard lock(held().mutex);
  auto& [of_version, encoder] = held().encoders[key];
  if (auto shared = encoder.lock(); shared && of_version == version) return shared;
  TRY_ASSIGN(Encoder loaded, Encoder::load(path));
  auto shared = std::make_shared<const Encoder>(std::move(loaded));
  of_version = version;
  encoder = shared;
  return shared;
}

}  // namespace weir::model
