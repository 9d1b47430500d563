// The folder that holds everything weir keeps: ledger.db, journal/, salt, lock. Owner only.
#pragma once

#include <expected>
#include <filesystem>
#include <string>

#include "base/error.h"

namespace weir::store {

// $XDG_STATE_HOME/weir, else ~/.local/state/weir, else ./weir-state when there is no home.
std::filesystem::path default_state_folder();

std::filesystem::path ledger_file(const std::filesystem::path& state_folder);
std::filesystem::path journal_folder(const std::filesystem::path& state_folder);

// Makes the folder and its parents. Fails: kIo.
[[nodiscard]] std::expected<void, Error> make_state_folder(const std::filesystem::path& folder);

// The secret salt of keyed hashes: 16 bytes in a file of mode 0600, made at first use.
// Fails: kIo, kCorrupt when the file has another length.
[[nodiscard]] std::expected<std::string, Error> load_or_make_salt(
    const std::filesystem::path& state_folder);

}  // namespace weir::store
