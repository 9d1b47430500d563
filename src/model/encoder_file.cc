#include "model/encoder_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/digest.h"
#include "base/json.h"

namespace weir::model {
namespace {

static_assert(std::endian::native == std::endian::little, "the file is read in place");

constexpr size_t kAlignment = 64;  // of every section
constexpr uint32_t kMaxTokens = 512;
constexpr uint32_t kMaxVocabularyBytes = 1 << 26;
constexpr size_t kMaxNoticeBytes = 1 << 16;

struct Head {
  std::array<char, 8> magic;
  uint32_t version;
  uint32_t header_bytes;  // of the JSON text
  uint64_t file_bytes;    // all of it, checksum included
  uint64_t reserved;      // 0
};
static_assert(sizeof(Head) == 32);
constexpr size_t kSmallest = sizeof(Head) + sizeof(Sha256);

std::unexpected<Error> corrupt(std::string what) {
  return fail(ErrorCode::kCorrupt, std::move(what));
}

constexpr size_t aligned(size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

std::expected<Head, Error> read_head(std::string_view bytes) {
  if (!bytes.starts_with(kEncoderMagic))
    return corrupt("this is no weir encoder file (its first bytes differ)");
  if (bytes.size() < kSmallest)
    return corrupt(fmt::format("cut short: {} bytes cannot hold an encoder", bytes.size()));
  Head head{};
  std::memcpy(&head, bytes.data(), sizeof(head));
  if (head.version != kEncoderFileVersion)
    return fail(ErrorCode::kUnsupported,
                fmt::format("format version {}, but this program reads version {}; make it again "
                            "with 'weir encoder'",
                            head.version, kEncoderFileVersion));
  if (head.file_bytes != bytes.size())
    return corrupt(fmt::format("{} bytes long, but its head says {}: cut short or appended to",
                               bytes.size(), head.file_bytes));
  if (head.reserved != 0 || head.header_bytes > bytes.size() - kSmallest)
    return corrupt("its head is inconsistent");
  return head;
}

std::expected<uint64_t, Error> check_digest(std::string_view bytes) {
  const std::string_view content = bytes.substr(0, bytes.size() - sizeof(Sha256));
  const Sha256 digest = sha256(content);
  if (std::memcmp(digest.data(), content.data() + content.size(), digest.size()) != 0)
    return corrupt("its checksum (SHA-256) does not match: the file is damaged");
  uint64_t hash = 0;
  std::memcpy(&hash, digest.data(), sizeof(hash));
  return hash;
}

struct Bound {
  std::string_view name;
  uint32_t EncoderShape::* field;
  uint32_t least, most;
};
constexpr std::array kBounds{
    Bound{"width", &EncoderShape::width, 1, 4096},
    Bound{"layers", &EncoderShape::layers, 1, 48},
    Bound{"heads", &EncoderShape::heads, 1, 64},
    Bound{"inner", &EncoderShape::inner, 1, 16'384},
    Bound{"positions", &EncoderShape::positions, 2, 8192},
    Bound{"types", &EncoderShape::types, 1, 16},
    Bound{"vocabulary", &EncoderShape::vocabulary, 1, 1 << 20},
    Bound{"max_tokens", &EncoderShape::max_tokens, 2, kMaxTokens},
    Bound{"labels", &EncoderShape::labels, 0, 64},
};

std::expected<EncoderShape, Error> read_shape(json::Value header) {
  EncoderShape shape;
  for (const Bound& bound : kBounds) {
    const auto number = header[bound.name].as_int64();
    if (!number || *number < bound.least || *number > bound.most)
      return corrupt(fmt::format("'{}' in its header must be an integer from {} to {}", bound.name,
                                 bound.least, bound.most));
    shape.*bound.field = static_cast<uint32_t>(*number);
  }
  const auto epsilon = header["epsilon"].as_double();
  if (!epsilon || !(*epsilon >= 0 && *epsilon <= 1))
    return corrupt("'epsilon' in its header must be a number from 0 to 1");
  shape.epsilon = static_cast<float>(*epsilon);
  const std::string pooling = header["pooling"].string_or("");
  const std::string precision = header["precision"].string_or("");
  const auto pooler = header["pooler"].as_bool();
  if (pooling != to_string(Pooling::kMean) && pooling != to_string(Pooling::kCls))
    return corrupt("'pooling' in its header must be 'mean' or 'cls'");
  if (precision != to_string(Precision::kFloat) && precision != to_string(Precision::kInt8))
    return corrupt("'precision' in its header must be 'f32' or 'int8'");
  if (!pooler) return corrupt("'pooler' in its header must be true or false");
  shape.pooling = pooling == to_string(Pooling::kMean) ? Pooling::kMean : Pooling::kCls;
  shape.precision =
      precision == to_string(Precision::kFloat) ? Precision::kFloat : Precision::kInt8;
  shape.pooler = *pooler;
  return shape;
}

std::string header_text(const EncoderShape& shape, std::string_view notice,
                        size_t vocabulary_bytes) {
  json::Writer out;
  out.begin_object().member("format", "weir encoder");
  for (const Bound& bound : kBounds)
    out.member(bound.name, uint64_t{shape.*bound.field});
  out.member("epsilon", double{shape.epsilon}).member("pooling", to_string(shape.pooling));
  out.member("precision", to_string(shape.precision)).member("pooler", shape.pooler);
  out.member("vocabulary_bytes", uint64_t{vocabulary_bytes}).member("notice", notice);
  out.end_object();
  return out.take();
}

// Hands out the sections one after the other.
class SectionCursor {
 public:
  SectionCursor(std::string_view bytes, size_t position) : bytes_(bytes), position_(position) {}

  template <typename T>
  std::optional<std::span<const T>> take(size_t count) {
    const size_t size = count * sizeof(T);
    if (size > bytes_.size() || position_ > bytes_.size() - size) return std::nullopt;
    const auto* at = reinterpret_cast<const T*>(bytes_.data() + position_);
    position_ = aligned(position_ + size);
    return std::span(at, count);
  }
  size_t position() const { return position_; }

 private:
  std::string_view bytes_;
  size_t position_;
};

bool is_finite(std::span<const float> values) {
  return std::ranges::all_of(values, [](float x) { return std::isfinite(x); });
}

std::expected<void, Error> take_tensor(SectionCursor& cursor, EncoderTensor& tensor) {
  const size_t count = tensor.rows * tensor.columns;
  const auto cut = [&] { return corrupt(fmt::format("tensor '{}' is cut", tensor.name)); };
  if (tensor.precision == Precision::kFloat) {
    const auto values = cursor.take<float>(count);
    if (!values) return cut();
    tensor.floats = *values;
  } else {
    const auto values = cursor.take<int8_t>(count);
    const auto scales = cursor.take<float>(tensor.rows);
    if (!values || !scales) return cut();
    tensor.bytes = *values;
    tensor.scales = *scales;
    if (std::ranges::find(tensor.bytes, int8_t{-128}) != tensor.bytes.end() ||
        std::ranges::any_of(tensor.scales, [](float x) { return !(x >= 0); }))
      return corrupt(fmt::format("tensor '{}' holds values out of range", tensor.name));
  }
  if (is_finite(tensor.floats) && is_finite(tensor.scales)) return {};
  return corrupt(fmt::format("tensor '{}' holds numbers that are not finite", tensor.name));
}

template <typename T>
void append(std::span<const T> values, std::string& out) {
  out.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
  out.resize(aligned(out.size()), '\0');
}

void append_tensor(const EncoderTensor& tensor, std::span<const float> values, std::string& out) {
  if (tensor.precision == Precision::kFloat) return append(values, out);
  std::vector<int8_t> bytes(values.size());
  std::vector<float> scales(tensor.rows);
  for (size_t row = 0; row < tensor.rows; ++row) {
    const size_t begin = row * tensor.columns;
    scales[row] = quantize_weights(values.subspan(begin, tensor.columns),
                                   std::span(bytes).subspan(begin, tensor.columns));
  }
  append(std::span<const int8_t>(bytes), out);
  append(std::span<const float>(scales), out);
}

}  // namespace

std::string_view to_string(Pooling pooling) {
  return pooling == Pooling::kMean ? "mean" : "cls";
}

std::string_view to_string(Precision precision) {
  return precision == Precision::kFloat ? "f32" : "int8";
}

std::expected<void, Error> check_shape(const EncoderShape& shape) {
  const auto invalid = [](std::string what) {
    return fail(ErrorCode::kInvalidArgument, std::move(what));
  };
  for (const Bound& bound : kBounds) {
    const uint32_t number = shape.*bound.field;
    if (number < bound.least || number > bound.most)
      return invalid(fmt::format("the encoder's {} is {}, allowed are {} to {}", bound.name, number,
                                 bound.least, bound.most));
  }
  if (shape.width % shape.heads != 0)
    return invalid(fmt::format("{} heads do not divide the width {}", shape.heads, shape.width));
  if (shape.max_tokens > shape.positions)
    return invalid(fmt::format("max_tokens is {}, but there are {} positions", shape.max_tokens,
                               shape.positions));
  if (shape.pooler && shape.labels == 0)
    return invalid("a pooler is read only in front of a head with labels");
  return {};
}

std::vector<EncoderTensor> tensors_of(const EncoderShape& shape) {
  std::vector<EncoderTensor> tensors;
  const auto add = [&](std::string name, size_t rows, size_t columns,
                       Precision precision = Precision::kFloat) {
    tensors.push_back(
        {.name = std::move(name), .rows = rows, .columns = columns, .precision = precision});
  };
  const auto add_linear = [&](const std::string& name, size_t outputs, size_t inputs,
                              Precision precision) {
    add(name + ".weight", outputs, inputs, precision);
    add(name + ".bias", 1, outputs);
  };
  const auto add_norm = [&](const std::string& name) {
    add(name + ".weight", 1, shape.width);
    add(name + ".bias", 1, shape.width);
  };
  add("embeddings.word_embeddings.weight", shape.vocabulary, shape.width, shape.precision);
  add("embeddings.position_embeddings.weight", shape.positions, shape.width);
  add("embeddings.token_type_embeddings.weight", shape.types, shape.width);
  add_norm("embeddings.LayerNorm");
  for (uint32_t layer = 0; layer < shape.layers; ++layer) {
    const std::string prefix = fmt::format("encoder.layer.{}.", layer);
    for (const char* part : {"query", "key", "value"})
      add_linear(prefix + "attention.self." + part, shape.width, shape.width, shape.precision);
    add_linear(prefix + "attention.output.dense", shape.width, shape.width, shape.precision);
    add_norm(prefix + "attention.output.LayerNorm");
    add_linear(prefix + "intermediate.dense", shape.inner, shape.width, shape.precision);
    add_linear(prefix + "output.dense", shape.width, shape.inner, shape.precision);
    add_norm(prefix + "output.LayerNorm");
  }
  if (shape.pooler) add_linear("pooler.dense", shape.width, shape.width, Precision::kFloat);
  if (shape.labels > 0) add_linear("classifier", shape.labels, shape.width, Precision::kFloat);
  return tensors;
}

const EncoderTensor& EncoderFile::tensor(std::string_view name) const {
  const auto found = std::ranges::find(tensors, name, &EncoderTensor::name);
  CHECK(found != tensors.end());
  return *found;
}

std::expected<EncoderFile, Error> parse_encoder_file(std::string_view bytes) {
  TRY_ASSIGN(const Head head, read_head(bytes));
  EncoderFile file;
  TRY_ASSIGN(file.hash, check_digest(bytes));
  const std::string_view content = bytes.substr(0, bytes.size() - sizeof(Sha256));
  auto document =
      json::Document::parse(std::string(content.substr(sizeof(Head), head.header_bytes)),
                            {.max_depth = 4, .max_values = 1000});
  if (!document) return corrupt("its header: " + document.error().message);
  const json::Value header = document->root();
  TRY_ASSIGN(file.shape, read_shape(header));
  if (const auto fits = check_shape(file.shape); !fits) return corrupt(fits.error().message);
  file.notice = header["notice"].string_or("").substr(0, kMaxNoticeBytes);
  const auto vocabulary_bytes = header["vocabulary_bytes"].as_int64();
  if (!vocabulary_bytes || *vocabulary_bytes < 1 || *vocabulary_bytes > kMaxVocabularyBytes)
    return corrupt("'vocabulary_bytes' in its header is out of range");
  SectionCursor cursor(content, aligned(sizeof(Head) + head.header_bytes));
  const auto vocabulary = cursor.take<char>(static_cast<size_t>(*vocabulary_bytes));
  if (!vocabulary) return corrupt("its vocabulary is cut");
  file.vocabulary = {vocabulary->data(), vocabulary->size()};
  file.tensors = tensors_of(file.shape);
  for (EncoderTensor& tensor : file.tensors)
    TRY(take_tensor(cursor, tensor));
  if (cursor.position() == content.size()) return file;
  return corrupt(fmt::format("its sections end at byte {}, the file has {} before the checksum",
                             cursor.position(), content.size()));
}

std::expected<std::string, Error> encode_encoder_file(const EncoderShape& shape,
                                                      std::string_view notice,
                                                      std::string_view vocabulary,
                                                      const SafeTensors& weights) {
  TRY(check_shape(shape));
  if (vocabulary.empty() || vocabulary.size() > kMaxVocabularyBytes)
    return fail(ErrorCode::kInvalidArgument, "the vocabulary is empty or too large");
  const std::string header =
      header_text(shape, notice.substr(0, kMaxNoticeBytes), vocabulary.size());
  Head head{.magic = {},
            .version = kEncoderFileVersion,
            .header_bytes = static_cast<uint32_t>(header.size()),
            .file_bytes = 0,
            .reserved = 0};
  std::ranges::copy(kEncoderMagic, head.magic.begin());
  std::string bytes(reinterpret_cast<const char*>(&head), sizeof(head));
  bytes += header;
  bytes.resize(aligned(bytes.size()), '\0');
  append(std::span<const char>(vocabulary), bytes);
  for (const EncoderTensor& tensor : tensors_of(shape)) {
    const std::string prefixed = "bert." + tensor.name;
    const std::string& name = weights.find(prefixed) != nullptr ? prefixed : tensor.name;
    const bool flat = tensor.name.ends_with(".bias") || tensor.name.contains("LayerNorm");
    const std::vector<uint64_t> sides = flat ? std::vector<uint64_t>{tensor.columns}
                                             : std::vector<uint64_t>{tensor.rows, tensor.columns};
    TRY_ASSIGN(const std::vector<float> values, weights.floats(name, sides));
    append_tensor(tensor, values, bytes);
  }
  bytes.append(sizeof(Sha256), '\0');
  reseal_encoder(bytes);
  return bytes;
}

std::expected<EncoderShape, Error> read_encoder_config(std::string_view json) {
  auto document = json::Document::parse(std::string(json), {});
  if (!document) return corrupt(document.error().message);
  const json::Value root = document->root();
  const auto unsupported = [](std::string what) {
    return fail(ErrorCode::kUnsupported, std::move(what));
  };
  if (const std::string act = root["hidden_act"].string_or("gelu"); act != "gelu")
    return unsupported(fmt::format("hidden_act is '{}'; only gelu (erf form) is computed", act));
  if (const auto kind = root["position_embedding_type"].string_or("absolute"); kind != "absolute")
    return unsupported(fmt::format("position_embedding_type is '{}', not 'absolute'", kind));
  if (root["is_decoder"].as_bool().value_or(false)) return unsupported("this is a decoder");
  EncoderShape shape;
  const std::pair<std::string_view, uint32_t EncoderShape::*> fields[] = {
      {"hidden_size", &EncoderShape::width},
      {"num_hidden_layers", &EncoderShape::layers},
      {"num_attention_heads", &EncoderShape::heads},
      {"intermediate_size", &EncoderShape::inner},
      {"max_position_embeddings", &EncoderShape::positions},
      {"type_vocab_size", &EncoderShape::types},
      {"vocab_size", &EncoderShape::vocabulary}};
  for (const auto& [name, field] : fields) {
    const auto number = root[name].as_int64();
    if (!number || *number < 1 || *number > UINT32_MAX)
      return corrupt(fmt::format("'{}' must be a positive integer", name));
    shape.*field = static_cast<uint32_t>(*number);
  }
  shape.epsilon = static_cast<float>(root["layer_norm_eps"].as_double().value_or(1e-12));
  return shape;
}

float quantize_weights(std::span<const float> row, std::span<int8_t> out) {
  CHECK(row.size() == out.size());
  float largest = 0;
  for (const float x : row)
    largest = std::max(largest, std::abs(x));
  const float scale = largest / 127;
  if (!(scale > 0)) {
    std::ranges::fill(out, int8_t{0});
    return 0;
  }
  for (size_t i = 0; i < row.size(); ++i)
    out[i] = static_cast<int8_t>(std::clamp(std::nearbyint(row[i] / scale), -127.0F, 127.0F));
  return scale;
}

void reseal_encoder(std::string& bytes) {
  CHECK(bytes.size() >= kSmallest);
  const uint64_t size = bytes.size();
  std::memcpy(bytes.data() + offsetof(Head, file_bytes), &size, sizeof(size));
  const Sha256 digest = sha256(std::string_view(bytes.data(), bytes.size() - sizeof(Sha256)));
  std::memcpy(bytes.data() + bytes.size() - sizeof(Sha256), digest.data(), digest.size());
}

}  // namespace weir::model
