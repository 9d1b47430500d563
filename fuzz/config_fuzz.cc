// A settings file from the outside: any bytes give settings or problems, never a crash, and what is
// in effect does not depend on the run.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "config/load.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 16 << 10) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  weir::config::LoadInputs inputs;
  inputs.environment = [](std::string_view name) -> std::optional<std::string> {
    if (name == "HOME") return "/users/ann";
    if (name == "KEY") return "sk-1";
    return std::nullopt;
  };
  const auto loaded = weir::config::load_text(text, "weir.yaml", inputs);
  const auto again = weir::config::load_text(text, "weir.yaml", inputs);
  CHECK(loaded.has_value() == again.has_value());
  if (!loaded) {
    CHECK(loaded.error().message == again.error().message);
    return 0;
  }
  CHECK(loaded->effective == again->effective);
  CHECK(loaded->options.config_hash == again->options.config_hash);
  return 0;
}
