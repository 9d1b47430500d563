// From weir.yaml, the environment and the command line to gateway::Options. One table of settings
// (settings.h) drives parsing, checking, printing and docs/settings.md.
// Called from main before any server starts; pure apart from reading the named files, the
// environment comes in as a function. Errors name line and key, and never show a secret.
#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "config/judge_settings.h"
#include "gateway/options.h"

namespace weir::config {

inline constexpr uint16_t kDefaultPort = 9347;
inline constexpr std::string_view kSimulatorProvider = "simulator";
inline constexpr std::string_view kSimulatorWeak = "sim-weak";
inline constexpr std::string_view kSimulatorStrong = "sim-strong";

// The value of an environment variable, nullopt when it is not set.
using Environment = std::function<std::optional<std::string>(std::string_view name)>;
Environment process_environment();

// What the command line says; each value present overrides the file.
struct Overrides {
  std::optional<std::string> address;
  std::optional<uint16_t> port;
  std::optional<std::string> state_folder;
  std::optional<uint64_t> seed;
  std::optional<std::string> ready_file;
  bool insecure = false;
};

// The file to load: the one named on the command line, else ./weir.yaml where that exists.
std::optional<std::filesystem::path> find_settings_file(const std::optional<std::string>& named);

struct LoadInputs {
  // Without a value: providers come from the environment.
  std::optional<std::filesystem::path> file;
  Environment environment;
  Overrides overrides;
};

struct Loaded {
  gateway::Options options;
  JudgeSettings judge;
  // No provider is configured: options.providers holds one `simulator` (speaks both dialects) with
  // an empty base_url and options.routes leads to it. Start simulate::Simulator, then set the
  // base_url of that provider and put simulate::models() into options.catalog.
  bool use_simulator = false;
  std::vector<std::string> notes;  // for people, one line each: where settings come from, warnings
  std::string effective;           // all settings as "key = value" lines, secrets hidden
};

// Fails: kNotFound (no such file), kInvalidArgument with "FILE:LINE: key: what is wrong; what to
// do".
[[nodiscard]] std::expected<Loaded, Error> load(const LoadInputs& inputs);

// As load(), for a text that is already read. `name` stands in messages.
[[nodiscard]] std::expected<Loaded, Error> load_text(std::string_view text, std::string_view name,
                                                     const LoadInputs& inputs);

// docs/settings.md.
std::string settings_markdown();

}  // namespace weir::config
