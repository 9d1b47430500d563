#include "store/state_folder.h"

#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <system_error>

#include "base/files.h"
#include "base/random.h"

namespace weir::store {
namespace fs = std::filesystem;
namespace {

constexpr size_t kSaltBytes = 16;

}  // namespace

fs::path default_state_folder() {
  // The XDG specification ignores a relative path.
  if (const char* xdg = std::getenv("XDG_STATE_HOME"); xdg != nullptr && xdg[0] == '/')
    return fs::path(xdg) / "weir";
  if (const char* home = std::getenv("HOME"); home != nullptr && home[0] != '\0')
    return fs::path(home) / ".local" / "state" / "weir";
  return "weir-state";
}

fs::path ledger_file(const fs::path& state_folder) {
  return state_folder / "ledger.db";
}
fs::path journal_folder(const fs::path& state_folder) {
  return state_folder / "journal";
}

std::expected<void, Error> make_state_folder(const fs::path& folder) {
  std::error_code problem;
  fs::create_directories(folder, problem);
  if (!problem) fs::create_directory(journal_folder(folder), problem);
  if (problem)
    return fail(ErrorCode::kIo, fmt::format("cannot make the state folder {}: {}", folder.string(),
                                            problem.message()));
  // Best effort: the folder may belong to somebody else and still be writable.
  for (const fs::path& path : {folder, journal_folder(folder)})
    fs::permissions(path, fs::perms::owner_all, problem);
  return {};
}

std::expected<std::string, Error> load_or_make_salt(const fs::path& state_folder) {
  const fs::path path = state_folder / "salt";
  auto content = read_file(path, 1024);
  if (content) {
    if (content->size() == kSaltBytes) return content;
    return fail(ErrorCode::kCorrupt,
                fmt::format("{} must hold {} bytes and holds {}: restore it, or delete it and "
                            "accept that conversations are assigned anew",
                            path.string(), kSaltBytes, content->size()));
  }
  if (content.error().code != ErrorCode::kNotFound) return content;
  std::array<uint8_t, kSaltBytes> bytes{};
  secure_random(bytes);
  std::string salt(bytes.begin(), bytes.end());
  TRY(write_file(path, salt, FileMode::kOwnerOnly));
  return salt;
}

}  // namespace weir::store
