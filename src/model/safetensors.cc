#include "model/safetensors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <optional>
#include <utility>

#include "base/json.h"

namespace weir::model {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors are little-endian");

constexpr size_t kLengthBytes = 8;
constexpr uint64_t kMaxHeaderBytes = 16 << 20;
constexpr size_t kMaxTensors = 65'536;
constexpr size_t kMaxDimensions = 8;

struct Type {
  std::string_view name;
  uint64_t bytes;
};
constexpr std::array kTypes{
    Type{"BOOL", 1}, Type{"U8", 1},  Type{"I8", 1},  Type{"F8_E5M2", 1}, Type{"F8_E4M3", 1},
    Type{"I16", 2},  Type{"U16", 2}, Type{"F16", 2}, Type{"BF16", 2},    Type{"I32", 4},
    Type{"U32", 4},  Type{"F32", 4}, Type{"F64", 8}, Type{"I64", 8},     Type{"U64", 8},
};

std::unexpected<Error> corrupt(std::string what) {
  return fail(ErrorCode::kCorrupt, std::move(what));
}

std::optional<uint64_t> whole_number(json::Value value) {
  const auto number = value.as_int64();
  if (!number || *number < 0) return std::nullopt;
  return static_cast<uint64_t>(*number);
}

// Bytes that a tensor needs; nullopt when the product overflows.
std::optional<uint64_t> size_of(uint64_t element_bytes, const std::vector<uint64_t>& shape) {
  uint64_t size = element_bytes;
  for (const uint64_t side : shape)
    if (__builtin_mul_overflow(size, side, &size)) return std::nullopt;
  return size;
}

std::expected<SafeTensors::Tensor, Error> read_tensor(std::string_view name, json::Value entry,
                                                      std::string_view data) {
  SafeTensors::Tensor tensor;
  tensor.dtype = entry["dtype"].string_or("");
  const auto type = std::ranges::find(kTypes, tensor.dtype, &Type::name);
  if (type == kTypes.end())
    return corrupt(
        fmt::format("tensor '{}' has the unknown type '{}'", name, tensor.dtype.substr(0, 16)));
  const json::Value shape = entry["shape"];
  if (!shape.is_array() || shape.size() > kMaxDimensions)
    return corrupt(
        fmt::format("tensor '{}': 'shape' must be a list of up to {} sizes", name, kMaxDimensions));
  for (const json::Value element : shape) {
    const auto side = whole_number(element);
    if (!side) return corrupt(fmt::format("tensor '{}': a size is no whole number", name));
    tensor.shape.push_back(*side);
  }
  const json::Value offsets = entry["data_offsets"];
  const auto begin = whole_number(offsets.at(0)), end = whole_number(offsets.at(1));
  if (!offsets.is_array() || offsets.size() != 2 || !begin || !end || *begin > *end ||
      *end > data.size())
    return corrupt(fmt::format("tensor '{}': 'data_offsets' lie outside the {} bytes of data", name,
                               data.size()));
  if (size_of(type->bytes, tensor.shape) != *end - *begin)
    return corrupt(fmt::format("tensor '{}': {} bytes do not hold {} [{}]", name, *end - *begin,
                               tensor.dtype, fmt::join(tensor.shape, ", ")));
  tensor.bytes = data.substr(*begin, *end - *begin);
  return tensor;
}

// As the format demands, so that no byte of the file escapes its description.
std::expected<void, Error> check_cover(
    const std::map<std::string, SafeTensors::Tensor, std::less<>>& tensors, std::string_view data) {
  std::vector<std::string_view> parts;
  for (const auto& [name, tensor] : tensors)
    parts.push_back(tensor.bytes);
  std::ranges::sort(parts, {},
                    [](std::string_view part) { return std::pair(part.data(), part.size()); });
  const char* next = data.data();
  for (const std::string_view part : parts) {
    if (part.data() != next) return corrupt("its tensors overlap or leave a gap");
    next += part.size();
  }
  if (next != data.data() + data.size()) return corrupt("bytes stand behind its last tensor");
  return {};
}

float half_to_float(uint16_t half) {
  const uint32_t sign = uint32_t{half & 0x8000U} << 16;
  const uint32_t exponent = (half >> 10) & 0x1FU;
  const uint32_t mantissa = half & 0x3FFU;
  if (exponent == 0) {
    const float value = std::ldexp(static_cast<float>(mantissa), -24);
    return sign != 0 ? -value : value;
  }
  const uint32_t wide = exponent == 31 ? 255 : exponent + 112;
  return std::bit_cast<float>(sign | (wide << 23) | (mantissa << 13));
}

template <typename T, typename Convert>
void convert(std::string_view bytes, std::vector<float>& out, Convert&& value_of) {
  for (size_t at = 0; at + sizeof(T) <= bytes.size(); at += sizeof(T)) {
    T stored;
    std::memcpy(&stored, bytes.data() + at, sizeof(T));
    out.push_back(value_of(stored));
  }
}

}  // namespace

std::expected<SafeTensors, Error> SafeTensors::parse(std::string_view bytes) {
  uint64_t header_bytes = 0;
  if (bytes.size() < kLengthBytes) return corrupt("this is no safetensors file: it is too short");
  std::memcpy(&header_bytes, bytes.data(), kLengthBytes);
  if (header_bytes > kMaxHeaderBytes || header_bytes > bytes.size() - kLengthBytes)
    return corrupt(
        fmt::format("this is no safetensors file, or it is cut: its header would have "
                    "{} bytes, the file has {}",
                    header_bytes, bytes.size()));
  const std::string_view header = bytes.substr(kLengthBytes, header_bytes);
  const std::string_view data = bytes.substr(kLengthBytes + header_bytes);
  auto document =
      json::Document::parse(std::string(header), {.max_depth = 4, .max_values = 2'000'000});
  if (!document) return corrupt("its header: " + document.error().message);
  if (!document->root().is_object() || document->root().size() > kMaxTensors + 1)
    return corrupt(fmt::format("its header must be an object of up to {} tensors", kMaxTensors));
  SafeTensors result;
  for (const json::Value entry : document->root()) {
    const std::string name(entry.key());
    if (name == "__metadata__") continue;
    TRY_ASSIGN(Tensor tensor, read_tensor(name, entry, data));
    if (!result.tensors_.emplace(name, std::move(tensor)).second)
      return corrupt(fmt::format("tensor '{}' stands there twice", name));
  }
  TRY(check_cover(result.tensors_, data));
  return result;
}

const SafeTensors::Tensor* SafeTensors::find(std::string_view name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? nullptr : &found->second;
}

std::expected<std::vector<float>, Error> SafeTensors::floats(
    std::string_view name, const std::vector<uint64_t>& shape) const {
  const Tensor* tensor = find(name);
  if (tensor == nullptr)
    return fail(ErrorCode::kNotFound, fmt::format("tensor '{}' is missing", name));
  if (tensor->shape != shape)
    return corrupt(fmt::format("tensor '{}' has the shape [{}], expected [{}]", name,
                               fmt::join(tensor->shape, ", "), fmt::join(shape, ", ")));
  std::vector<float> values;
  if (tensor->dtype == "F32") {
    values.reserve(tensor->bytes.size() / 4);
    convert<float>(tensor->bytes, values, [](float x) { return x; });
  } else if (tensor->dtype == "F16") {
    convert<uint16_t>(tensor->bytes, values, half_to_float);
  } else if (tensor->dtype == "BF16") {
    convert<uint16_t>(tensor->bytes, values,
                      [](uint16_t x) { return std::bit_cast<float>(uint32_t{x} << 16); });
  } else {
    return fail(
        ErrorCode::kUnsupported,
        fmt::format("tensor '{}' holds {}; only F32, F16 and BF16 are read", name, tensor->dtype));
  }
  if (std::ranges::all_of(values, [](float x) { return std::isfinite(x); })) return values;
  return corrupt(fmt::format("tensor '{}' holds numbers that are not finite", name));
}

}  // namespace weir::model
