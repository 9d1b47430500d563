// Matrix products with fixed weights over oneDNN (Debian's libdnnl 2.6): rows of activations times
// a weight matrix, in floats or as u8 x s8 with 32-bit sums. One primitive a weight shape and
// number of rows, where row counts are rounded up to few steps; all of them are made when weights
// are loaded, so that a product compiles nothing. Internal to the folder. ProductKernel and
// PackedWeights are immutable and thread-safe; a ProductScratch belongs to one thread at a time.
// Products run on the calling thread alone. oneDNN itself allocates a few hundred bytes in every
// execution (its argument list), and on CPUs without AVX-512 a packing buffer:
// docs/decisions/006-encoder.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <dnnl.hpp>
#include <expected>
#include <memory>
#include <span>
#include <vector>

#include "base/error.h"
#include "model/encoder_file.h"

namespace weir::model {

// The row counts that have a primitive: multiples of 8, further apart as they grow.
std::vector<size_t> row_steps(size_t max_rows);
// The index of the smallest step that holds `rows`. Requires 1 <= rows <= steps.back().
size_t step_of(std::span<const size_t> steps, size_t rows);

// out [rows, outputs] = activations [rows, inputs] * weights [outputs, inputs] transposed.
// kFloat: float x float -> float. kInt8: uint8 x int8 -> int32.
class ProductKernel {
 public:
  // Fails: kUnsupported (the library cannot), kInternal.
  [[nodiscard]] static std::expected<ProductKernel, Error> make(size_t outputs, size_t inputs,
                                                                Precision precision,
                                                                std::span<const size_t> steps);
  size_t outputs() const { return outputs_; }
  size_t inputs() const { return inputs_; }

  // In the layout of the kernel. `weights`: [outputs, inputs] of float or int8_t.
  [[nodiscard]] std::expected<dnnl::memory, Error> pack(const void* weights) const;

  // Whether no activations can saturate a sum on this CPU. x86 without VNNI adds two u8 x s8
  // products in 16 bits; opposite signs always fit, and equal ones are largest when every byte is
  // 255, so that this one product decides: its sums must be 255 times `weight_sums` [outputs].
  // Always true for kFloat.
  [[nodiscard]] std::expected<bool, Error> is_exact(const dnnl::memory& weights,
                                                    std::span<const int32_t> weight_sums) const;

 private:
  friend class ProductScratch;
  struct Step {
    dnnl::matmul primitive;
    dnnl::memory::desc source, result, scratchpad;
  };
  size_t outputs_ = 0, inputs_ = 0;
  Precision precision_ = Precision::kFloat;
  dnnl::memory::desc weights_;
  std::vector<Step> steps_;
};

// One thread's working memory for products. `source` and `result` point to memory that is large
// enough for the largest step.
class ProductScratch {
 public:
  // Fails: kInternal. The scratch keeps what it needs of the kernels.
  [[nodiscard]] static std::expected<ProductScratch, Error> make(
      std::span<const ProductKernel* const> kernels);

  // Multiplies step `step` of kernels[kernel]. False when oneDNN fails, as when memory runs out.
  bool multiply(size_t kernel, size_t step, const void* source, const dnnl::memory& weights,
                void* result) noexcept;

 private:
  struct Slot {
    dnnl::matmul primitive;
    dnnl::memory source, result, scratchpad;
  };
  std::vector<std::vector<Slot>> slots_;  // [kernel][step]
  dnnl::memory scratchpad_;               // shared by all slots: one product runs at a time
  dnnl::stream stream_;
};

}  // namespace weir::model
