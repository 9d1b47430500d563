// Who judges answers in `weir label compare` and `weir evaluate`. Filled by config, read by apps.
#pragma once

#include <cstdint>
#include <string>

namespace weir::config {

struct JudgeSettings {
  std::string model;  // "provider/model"; "": the strong model
  int64_t max_tokens = 512;
  std::string rubric_file;  // "": the rubrics that ship
};

}  // namespace weir::config
