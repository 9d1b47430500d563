// The kinds of router: the word after --kind, in a .weir file and in the config.
// Pure functions, thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir::model {

enum class Kind {
  kRandom,
  kLength,
  kLr,
  kNgram,
  kSw,
  kMf,
  kCluster,
  kKnn,
  kAuto,
  kBert,
  kKernel,
  kSemantic,
  kCawr,
  kCausal,
  kLlm,
  kCascade
};

std::string_view to_string(Kind kind);
std::optional<Kind> parse_kind(std::string_view name);
// "lr, length, random": for messages.
std::string kind_names();

}  // namespace weir::model
