// Reads the safetensors format (Hugging Face): a u64 length, a JSON header of that length, then the
// bytes of the tensors that the header names. Only what weights need: F32, F16 and BF16 become
// floats; other types are listed but cannot be read.
// Pure, thread-safe. Trusts nothing in its input: every offset and size is checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace weir::model {

class SafeTensors {
 public:
  struct Tensor {
    std::string dtype;            // "F32", "BF16", "I64" ...
    std::vector<uint64_t> shape;  // empty: one value
    std::string_view bytes;       // inside the input
  };

  // The input must outlive the result. Fails with kCorrupt, saying what is wrong: a header that is
  // cut or no JSON, more than 65,536 tensors or 8 dimensions, a size that does not follow from type
  // and shape, bytes outside the file, bytes used twice or not at all.
  [[nodiscard]] static std::expected<SafeTensors, Error> parse(std::string_view bytes);

  const std::map<std::string, Tensor, std::less<>>& tensors() const { return tensors_; }
  const Tensor* find(std::string_view name) const;

  // The values of a tensor with this shape. Fails: kNotFound, kUnsupported (type), kCorrupt
  // (another shape, a number that is not finite), naming the tensor.
  [[nodiscard]] std::expected<std::vector<float>, Error> floats(
      std::string_view name, const std::vector<uint64_t>& shape) const;

 private:
  std::map<std::string, Tensor, std::less<>> tensors_;
};

}  // namespace weir::model
