#include "model/encoder_product.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/check.h"

// From libgomp, which Debian's oneDNN uses. How many threads a parallel region gets is a setting of
// the thread that opens it.
extern "C" void omp_set_num_threads(int count);

namespace weir::model {
namespace {

using dnnl::memory;

const dnnl::engine& cpu() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

// Once a thread; oneDNN asks when a primitive is made and when it runs.
void use_one_thread() {
  thread_local const bool done = (omp_set_num_threads(1), true);
  (void)done;
}

std::unexpected<Error> library_failed(const dnnl::error& error) {
  return fail(error.status == dnnl_unimplemented ? ErrorCode::kUnsupported : ErrorCode::kInternal,
              fmt::format("oneDNN: {}", error.what()));
}

memory::dim dim(size_t size) {
  return static_cast<memory::dim>(size);
}

}  // namespace

std::vector<size_t> row_steps(size_t max_rows) {
  std::vector<size_t> steps;
  for (size_t rows = 8; steps.empty() || steps.back() < max_rows; rows += rows < 128   ? 8
                                                                          : rows < 256 ? 16
                                                                                       : 32)
    steps.push_back(rows);
  return steps;
}

size_t step_of(std::span<const size_t> steps, size_t rows) {
  const auto found = std::ranges::lower_bound(steps, rows);
  CHECK(rows > 0 && found != steps.end());
  return static_cast<size_t>(found - steps.begin());
}

std::expected<ProductKernel, Error> ProductKernel::make(size_t outputs, size_t inputs,
                                                        Precision precision,
                                                        std::span<const size_t> steps) try {
  use_one_thread();
  using Type = memory::data_type;
  const bool bytes = precision == Precision::kInt8;
  ProductKernel kernel;
  kernel.outputs_ = outputs;
  kernel.inputs_ = inputs;
  kernel.precision_ = precision;
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const auto describe = [&](size_t rows, const memory::desc& weights) {
    const memory::desc source({dim(rows), dim(inputs)}, bytes ? Type::u8 : Type::f32,
                              memory::format_tag::ab);
    const memory::desc result({dim(rows), dim(outputs)}, bytes ? Type::s32 : Type::f32,
                              memory::format_tag::ab);
    return dnnl::matmul::primitive_desc(dnnl::matmul::desc(source, weights, result), attributes,
                                        cpu());
  };
  // The layout that suits a middling row count serves all of them, so weights are packed once.
  const memory::desc any({dim(inputs), dim(outputs)}, bytes ? Type::s8 : Type::f32,
                         memory::format_tag::any);
  kernel.weights_ = describe(steps[std::min<size_t>(steps.size() - 1, 7)], any).weights_desc();
  for (const size_t rows : steps) {
    const auto primitive = describe(rows, kernel.weights_);
    kernel.steps_.push_back({dnnl::matmul(primitive), primitive.src_desc(), primitive.dst_desc(),
                             primitive.scratchpad_desc()});
  }
  return kernel;
} catch (const dnnl::error& error) {
  return library_failed(error);
}

std::expected<memory, Error> ProductKernel::pack(const void* weights) const try {
  use_one_thread();
  const memory::desc plain({dim(inputs_), dim(outputs_)}, weights_.data_type(),
                           memory::format_tag::ba);
  // oneDNN only reads a reorder's source.
  memory source(plain, cpu(), const_cast<void*>(weights));
  memory packed(weights_, cpu());
  dnnl::stream stream(cpu());
  dnnl::reorder(source, packed).execute(stream, source, packed);
  stream.wait();
  return packed;
} catch (const dnnl::error& error) {
  return library_failed(error);
}

std::expected<bool, Error> ProductKernel::is_exact(const memory& weights,
                                                   std::span<const int32_t> weight_sums) const {
  if (precision_ == Precision::kFloat) return true;
  constexpr int32_t kHighest = 255;
  const std::array kernels{this};
  TRY_ASSIGN(ProductScratch scratch, ProductScratch::make(kernels));
  const auto rows = static_cast<size_t>(steps_.front().source.dims()[0]);
  const std::vector<uint8_t> source(rows * inputs_, kHighest);
  std::vector<int32_t> result(rows * outputs_);
  if (!scratch.multiply(0, 0, source.data(), weights, result.data()))
    return fail(ErrorCode::kInternal, "oneDNN: a trial product failed");
  for (size_t i = 0; i < result.size(); ++i)
    if (result[i] != kHighest * weight_sums[i % outputs_]) return false;
  return true;
}

std::expected<ProductScratch, Error> ProductScratch::make(
    std::span<const ProductKernel* const> kernels) try {
  ProductScratch scratch;
  scratch.stream_ = dnnl::stream(cpu());
  memory::dim scratchpad_bytes = 64;
  for (const ProductKernel* kernel : kernels)
    for (const auto& step : kernel->steps_)
      scratchpad_bytes = std::max(scratchpad_bytes, dim(step.scratchpad.get_size()));
  // Made by oneDNN, which knows the alignment that it wants.
  scratch.scratchpad_ =
      memory({{scratchpad_bytes}, memory::data_type::u8, memory::format_tag::a}, cpu());
  for (const ProductKernel* kernel : kernels) {
    auto& slots = scratch.slots_.emplace_back();
    for (const auto& step : kernel->steps_) {
      slots.push_back({step.primitive, memory(step.source, cpu(), nullptr),
                       memory(step.result, cpu(), nullptr),
                       memory(step.scratchpad, cpu(), scratch.scratchpad_.get_data_handle())});
    }
  }
  return scratch;
} catch (const dnnl::error& error) {
  return library_failed(error);
}

bool ProductScratch::multiply(size_t kernel, size_t step, const void* source, const memory& weights,
                              void* result) noexcept {
  use_one_thread();
  const Slot& slot = slots_[kernel][step];
  // The C functions: the C++ ones put the arguments into a map first.
  if (dnnl_memory_set_data_handle(slot.source.get(), const_cast<void*>(source)) != dnnl_success ||
      dnnl_memory_set_data_handle(slot.result.get(), result) != dnnl_success)
    return false;
  const std::array<dnnl_exec_arg_t, 4> arguments{{{DNNL_ARG_SRC, slot.source.get()},
                                                  {DNNL_ARG_WEIGHTS, weights.get()},
                                                  {DNNL_ARG_DST, slot.result.get()},
                                                  {DNNL_ARG_SCRATCHPAD, slot.scratchpad.get()}}};
  return dnnl_primitive_execute(slot.primitive.get(), stream_.get(),
                                static_cast<int>(arguments.size()),
                                arguments.data()) == dnnl_success;
}

}  // namespace weir::model
