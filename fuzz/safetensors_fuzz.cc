// safetensors: any bytes are refused with an error or listed, and what is listed lies inside the
// input; with the shape of the tests' tiny encoder, what can be encoded is an encoder file that
// parses. Encoder files: any bytes are refused or parse, also behind a checksum that is right.
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "model/encoder_file.h"
#include "model/safetensors.h"

namespace {

using weir::model::EncoderShape;
using weir::model::SafeTensors;

// The parser reads in place and so needs the alignment of a memory map.
void try_encoder_file(std::string_view bytes) {
  constexpr size_t kAlignment = 64;
  std::vector<char> memory(bytes.size() + kAlignment);
  const size_t shift = kAlignment - reinterpret_cast<uintptr_t>(memory.data()) % kAlignment;
  if (!bytes.empty()) std::memcpy(memory.data() + shift, bytes.data(), bytes.size());
  const auto file = weir::model::parse_encoder_file({memory.data() + shift, bytes.size()});
  CHECK(file.has_value() || !file.error().message.empty());
}

void try_tensors(std::string_view bytes) {
  const auto tensors = SafeTensors::parse(bytes);
  if (!tensors) {
    CHECK(!tensors.error().message.empty());
    return;
  }
  for (const auto& [name, tensor] : tensors->tensors()) {
    CHECK(tensor.bytes.empty() ||
          (tensor.bytes.data() >= bytes.data() &&
           tensor.bytes.data() + tensor.bytes.size() <= bytes.data() + bytes.size()));
    (void)tensors->floats(name, tensor.shape);
  }
  EncoderShape shape{.width = 2,
                     .layers = 1,
                     .heads = 1,
                     .inner = 2,
                     .positions = 2,
                     .types = 1,
                     .vocabulary = 2,
                     .max_tokens = 2};
  const auto encoded = encode_encoder_file(shape, "", "a\nb\n", *tensors);
  if (encoded) try_encoder_file(*encoded);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  try_tensors(bytes);
  try_encoder_file(bytes);
  if (bytes.size() < 64) return 0;
  weir::model::reseal_encoder(bytes);
  try_encoder_file(bytes);
  return 0;
}
