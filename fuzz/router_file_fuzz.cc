// .weir files: any bytes are refused with an error or read, and what was read comes back the same
// when it is written. The checksum is put right on a copy, since no mutation would get past it.
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "model/estimator.h"
#include "model/router_file.h"

namespace {

void try_bytes(std::string_view bytes) {
  const auto file = weir::model::parse_router_file(bytes);
  if (!file) {
    CHECK(!file.error().message.empty());
    return;
  }
  const auto written = weir::model::encode_router_file(*file);
  CHECK(written.has_value());
  const auto again = weir::model::parse_router_file(*written);
  CHECK(again.has_value() && *again == *file);
  if (!file->trained) return;
  const auto estimator = weir::model::make_estimator(*file);
  CHECK(estimator.has_value());
  const std::vector<float> embedding(file->embed.dimension, 0.25F);
  weir::text::Features features;
  features.prompt.chars = 17;
  weir::model::Workspace workspace;
  const double score = (*estimator)->score({"a query", features, embedding}, workspace);
  CHECK(std::isnan(score) || (score >= 0 && score <= 1));  // NaN: kNotJudged
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  try_bytes(bytes);
  if (bytes.size() < 64) return 0;
  weir::model::reseal(bytes);
  try_bytes(bytes);
  return 0;
}
