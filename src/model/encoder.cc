#include "model/encoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/files.h"
#include "model/encoder_product.h"
#include "simd/kernels.h"
#include "simd/transformer.h"

namespace weir::model {
namespace {

constexpr size_t kTextBytes = 16 << 10;  // 510 tokens of any usual text are far less
constexpr size_t kQueryBlock = 16;       // rows of attention that are worked on at a time
constexpr int32_t kHighestByte = 255;    // of an activation
constexpr size_t kKeyAlignment = 16;     // floats: keys are padded to whole vectors

// The four weight shapes of a layer.
enum Part : size_t { kQueryKeyValue, kAttentionOut, kInner, kOut, kParts };

struct Linear {
  dnnl::memory weights;
  std::vector<float> bias;
  // kInt8 only: of every output.
  std::vector<float> scales;
  std::vector<int32_t> sums;
};

struct Norm {
  std::span<const float> gain, bias;
};

struct Layer {
  std::array<Linear, kParts> linear;
  Norm after_attention, after_inner;
};

constexpr size_t padded(size_t count) {
  return (count + kKeyAlignment - 1) / kKeyAlignment * kKeyAlignment;
}

Norm norm_of(const EncoderFile& file, const std::string& name) {
  return {file.tensor(name + ".weight").floats, file.tensor(name + ".bias").floats};
}

std::vector<int32_t> sums_of_rows(std::span<const int8_t> bytes, size_t inputs) {
  std::vector<int32_t> sums;
  for (size_t begin = 0; begin < bytes.size(); begin += inputs)
    sums.push_back(std::accumulate(bytes.begin() + static_cast<std::ptrdiff_t>(begin),
                                   bytes.begin() + static_cast<std::ptrdiff_t>(begin + inputs), 0));
  return sums;
}

int32_t largest_pair(std::span<const int8_t> row) {
  int32_t largest = 0;
  for (size_t i = 0; i < row.size(); i += 2)
    largest = std::max(largest, std::abs(row[i]) + (i + 1 < row.size() ? std::abs(row[i + 1]) : 0));
  return largest;
}

// Shrinks rows until the magnitudes of every two neighbours, which the CPU adds in 16 bits, sum to
// `most` at the most: 255 * 128 fits. Loses less than half the range for all would.
void bound_pairs(std::span<int8_t> bytes, size_t inputs, int32_t most, std::span<float> scales) {
  for (size_t row = 0; row < scales.size(); ++row) {
    const auto values = bytes.subspan(row * inputs, inputs);
    for (int32_t pair = largest_pair(values); pair > most; pair = largest_pair(values)) {
      const float factor = static_cast<float>(most) / static_cast<float>(pair);
      for (int8_t& value : values)
        value = static_cast<int8_t>(std::nearbyint(static_cast<float>(value) * factor));
      scales[row] /= factor;
    }
  }
}

// Packs `bytes` in the widest range that the CPU sums exactly. Returns whether it is the full one.
std::expected<bool, Error> pack_exactly(std::vector<int8_t>& bytes, const ProductKernel& kernel,
                                        WeightBits bits, Linear& linear) {
  constexpr std::array kPairs{2 * 127, 128, 64};  // the last is for a CPU that pairs in another way
  for (const int32_t pair : kPairs) {
    if (bits == WeightBits::kSeven && pair == kPairs.front()) continue;
    bound_pairs(bytes, kernel.inputs(), pair, linear.scales);
    linear.sums = sums_of_rows(bytes, kernel.inputs());
    TRY_ASSIGN(linear.weights, kernel.pack(bytes.data()));
    TRY_ASSIGN(const bool exact, kernel.is_exact(linear.weights, linear.sums));
    if (exact) return pair == kPairs.front();
  }
  return fail(ErrorCode::kUnsupported,
              "oneDNN's int8 products saturate on this CPU; make the "
              "encoder with --precision f32");
}

// Several matrices with the same inputs as one, their outputs one after the other. Clears
// `full_range` when weights had to be bounded.
std::expected<Linear, Error> make_linear(const EncoderFile& file, const ProductKernel& kernel,
                                         std::span<const std::string> names, WeightBits bits,
                                         bool& full_range) {
  Linear linear;
  std::vector<float> floats;
  std::vector<int8_t> bytes;
  for (const std::string& name : names) {
    const EncoderTensor& weight = file.tensor(name + ".weight");
    const auto bias = file.tensor(name + ".bias").floats;
    linear.bias.insert(linear.bias.end(), bias.begin(), bias.end());
    linear.scales.insert(linear.scales.end(), weight.scales.begin(), weight.scales.end());
    floats.insert(floats.end(), weight.floats.begin(), weight.floats.end());
    bytes.insert(bytes.end(), weight.bytes.begin(), weight.bytes.end());
  }
  if (bytes.empty()) {
    TRY_ASSIGN(linear.weights, kernel.pack(floats.data()));
    return linear;
  }
  TRY_ASSIGN(const bool full, pack_exactly(bytes, kernel, bits, linear));
  full_range = full_range && full;
  return linear;
}

}  // namespace

struct Encoder::Weights {
  MappedFile bytes;
  EncoderFile file;
  text::Vocabulary vocabulary;
  int32_t cls = 0, sep = 0;
  std::vector<size_t> steps;           // of row counts
  std::vector<ProductKernel> kernels;  // [kParts]
  bool full_range = true;              // of all int8 weights, none of which had to be bounded
  const EncoderTensor* words = nullptr;
  std::span<const float> positions, type;
  Norm after_embeddings;
  std::vector<Layer> layers;
  std::span<const float> pooler, pooler_bias, head, head_bias;  // empty: none

  std::expected<void, Error> make_kernels();
  std::expected<void, Error> make_layer(uint32_t index, WeightBits bits);
  std::expected<void, Error> make(WeightBits bits);
  void embed_token(int32_t id, size_t position, std::span<float> out) const;
};

struct EncoderScratch::State {
  uint64_t hash = 0;  // of the encoder that the memory was made for
  ProductScratch products;
  text::TokenBuffer tokens;
  std::vector<float> x;        // [tokens, width]: the residual stream
  std::vector<float> part;     // [tokens, width]: what a part of a layer adds to it
  std::vector<float> wide;     // [tokens, max(3 * width, inner)]
  std::vector<float> keys;     // [head width, padded tokens]: one head's keys, transposed
  std::vector<float> scores;   // [kQueryBlock, padded tokens]
  std::vector<uint8_t> bytes;  // [tokens, max(width, inner)]
  std::vector<int32_t> sums;   // [tokens, max(3 * width, inner)]
  std::vector<simd::RowScale> row_scales;
  std::vector<float> pooled, hidden;  // [width]

  static std::unique_ptr<State> make(const Encoder& encoder);
  bool multiply(const Encoder::Weights& weights, Part part, const Linear& linear, size_t rows,
                std::span<const float> from, std::span<float> to);
  void attend(const EncoderShape& shape, size_t rows);
  bool run_layer(const Encoder::Weights& weights, const Layer& layer, size_t rows);
  void pool(const EncoderShape& shape, size_t rows);
  bool finish(const Encoder::Weights& weights, std::span<float> out);
};

std::expected<void, Error> Encoder::Weights::make_kernels() {
  const EncoderShape& shape = file.shape;
  steps = row_steps(shape.max_tokens);
  const std::array<std::pair<size_t, size_t>, kParts> sides{{{3 * size_t{shape.width}, shape.width},
                                                             {shape.width, shape.width},
                                                             {shape.inner, shape.width},
                                                             {shape.width, shape.inner}}};
  for (const auto& [outputs, inputs] : sides) {
    TRY_ASSIGN(ProductKernel kernel, ProductKernel::make(outputs, inputs, shape.precision, steps));
    kernels.push_back(std::move(kernel));
  }
  return {};
}

std::expected<void, Error> Encoder::Weights::make_layer(uint32_t index, WeightBits bits) {
  const std::string prefix = fmt::format("encoder.layer.{}.", index);
  const std::string self = prefix + "attention.self.";
  const std::array<std::vector<std::string>, kParts> names{
      {{self + "query", self + "key", self + "value"},
       {prefix + "attention.output.dense"},
       {prefix + "intermediate.dense"},
       {prefix + "output.dense"}}};
  Layer& layer = layers.emplace_back();
  for (size_t part = 0; part < kParts; ++part) {
    TRY_ASSIGN(layer.linear[part], make_linear(file, kernels[part], names[part], bits, full_range));
  }
  layer.after_attention = norm_of(file, prefix + "attention.output.LayerNorm");
  layer.after_inner = norm_of(file, prefix + "output.LayerNorm");
  return {};
}

std::expected<void, Error> Encoder::Weights::make(WeightBits bits) {
  TRY_ASSIGN(file, parse_encoder_file(bytes.text()));
  TRY_ASSIGN(vocabulary, text::Vocabulary::from_text(file.vocabulary));
  if (static_cast<uint32_t>(vocabulary.size()) != file.shape.vocabulary)
    return fail(ErrorCode::kCorrupt, fmt::format("the vocabulary has {} tokens, but its header "
                                                 "says {}",
                                                 vocabulary.size(), file.shape.vocabulary));
  const auto cls_id = vocabulary.find("[CLS]"), sep_id = vocabulary.find("[SEP]");
  if (!cls_id || !sep_id)
    return fail(ErrorCode::kCorrupt, "its vocabulary has no [CLS] or no [SEP]");
  cls = *cls_id;
  sep = *sep_id;
  words = &file.tensor("embeddings.word_embeddings.weight");
  positions = file.tensor("embeddings.position_embeddings.weight").floats;
  type = file.tensor("embeddings.token_type_embeddings.weight").floats.first(file.shape.width);
  after_embeddings = norm_of(file, "embeddings.LayerNorm");
  TRY(make_kernels());
  for (uint32_t index = 0; index < file.shape.layers; ++index)
    TRY(make_layer(index, bits));
  if (file.shape.pooler) {
    pooler = file.tensor("pooler.dense.weight").floats;
    pooler_bias = file.tensor("pooler.dense.bias").floats;
  }
  if (file.shape.labels > 0) {
    head = file.tensor("classifier.weight").floats;
    head_bias = file.tensor("classifier.bias").floats;
  }
  return {};
}

void Encoder::Weights::embed_token(int32_t id, size_t position, std::span<float> out) const {
  const size_t width = file.shape.width;
  if (id < 0 || id >= vocabulary.size()) id = vocabulary.unk_id();
  const auto row = static_cast<size_t>(id);
  if (words->precision == Precision::kInt8) {
    const auto index = static_cast<uint32_t>(row);
    std::ranges::fill(out, 0.0F);
    simd::add_rows({words->bytes, words->scales, width}, std::span(&index, 1), out);
  } else {
    std::ranges::copy(words->floats.subspan(row * width, width), out.begin());
  }
  simd::add(out, positions.subspan(position * width, width));
  simd::layer_norm(out, type, after_embeddings.gain, after_embeddings.bias, file.shape.epsilon);
}

std::unique_ptr<EncoderScratch::State> EncoderScratch::State::make(const Encoder& encoder) {
  const Encoder::Weights& weights = *encoder.weights_;
  const EncoderShape& shape = weights.file.shape;
  auto state = std::make_unique<State>();
  std::vector<const ProductKernel*> kernels;
  for (const ProductKernel& kernel : weights.kernels)
    kernels.push_back(&kernel);
  auto products = ProductScratch::make(kernels);
  if (!products) return nullptr;
  state->products = *std::move(products);
  state->hash = weights.file.hash;
  const size_t rows = weights.steps.back(), width = shape.width;
  const size_t widest = std::max(3 * width, size_t{shape.inner});
  state->tokens.ids.reserve(kTextBytes);
  state->x.resize(rows * width);
  state->part.resize(rows * width);
  state->wide.resize(rows * widest);
  state->keys.resize(width / shape.heads * padded(rows));
  state->scores.resize(kQueryBlock * padded(rows));
  if (shape.precision == Precision::kInt8) {
    state->bytes.resize(rows * std::max(width, size_t{shape.inner}));
    state->sums.resize(rows * widest);
    state->row_scales.resize(rows);
  }
  state->pooled.resize(width);
  state->hidden.resize(width);
  return state;
}

// to [rows, outputs] = from [rows, inputs] * weights + bias.
bool EncoderScratch::State::multiply(const Encoder::Weights& weights, Part which,
                                     const Linear& linear, size_t rows, std::span<const float> from,
                                     std::span<float> to) {
  const ProductKernel& kernel = weights.kernels[which];
  const size_t inputs = kernel.inputs(), outputs = kernel.outputs();
  const size_t step = step_of(weights.steps, rows);
  if (weights.file.shape.precision == Precision::kFloat) {
    if (!products.multiply(which, step, from.data(), linear.weights, to.data())) return false;
    for (size_t row = 0; row < rows; ++row)
      simd::add(to.subspan(row * outputs, outputs), linear.bias);
    return true;
  }
  for (size_t row = 0; row < rows; ++row)
    row_scales[row] = simd::quantize_row(from.subspan(row * inputs, inputs), kHighestByte,
                                         std::span(bytes).subspan(row * inputs, inputs));
  if (!products.multiply(which, step, bytes.data(), linear.weights, sums.data())) return false;
  for (size_t row = 0; row < rows; ++row)
    simd::dequantize_row(std::span(sums).subspan(row * outputs, outputs), row_scales[row],
                         linear.sums, linear.scales, linear.bias,
                         to.subspan(row * outputs, outputs));
  return true;
}

// part = attention over wide, which holds query, key and value of every token.
void EncoderScratch::State::attend(const EncoderShape& shape, size_t rows) {
  const size_t width = shape.width, head_width = width / shape.heads, stride = 3 * width;
  const size_t key_stride = padded(rows);
  const float factor = 1 / std::sqrt(static_cast<float>(head_width));
  for (size_t begin = 0; begin < width; begin += head_width) {
    const float* queries = wide.data() + begin;
    const float* values = queries + 2 * width;
    for (size_t row = 0; row < rows; ++row)
      for (size_t i = 0; i < head_width; ++i)
        keys[i * key_stride + row] = queries[row * stride + width + i];
    for (size_t i = 0; i < head_width; ++i)
      std::fill_n(keys.data() + i * key_stride + rows, key_stride - rows, 0.0F);
    for (size_t first = 0; first < rows; first += kQueryBlock) {
      const size_t count = std::min(kQueryBlock, rows - first);
      simd::multiply({queries + first * stride, stride}, {keys.data(), key_stride},
                     {scores.data(), key_stride}, count, head_width, key_stride);
      for (size_t row = 0; row < count; ++row)
        simd::softmax(std::span(scores).subspan(row * key_stride, rows), factor);
      simd::multiply({scores.data(), key_stride}, {values, stride},
                     {part.data() + first * width + begin, width}, count, rows, head_width);
    }
  }
}

bool EncoderScratch::State::run_layer(const Encoder::Weights& weights, const Layer& layer,
                                      size_t rows) {
  const EncoderShape& shape = weights.file.shape;
  const size_t width = shape.width;
  const auto add_and_norm = [&](const Norm& norm) {
    for (size_t row = 0; row < rows; ++row)
      simd::layer_norm(std::span(x).subspan(row * width, width),
                       std::span(part).subspan(row * width, width), norm.gain, norm.bias,
                       shape.epsilon);
  };
  if (!multiply(weights, kQueryKeyValue, layer.linear[kQueryKeyValue], rows, x, wide)) return false;
  attend(shape, rows);
  // Into wide, since part is the source; nothing reads the queries there from here on.
  if (!multiply(weights, kAttentionOut, layer.linear[kAttentionOut], rows, part, wide))
    return false;
  std::ranges::copy(std::span(wide).first(rows * width), part.begin());
  add_and_norm(layer.after_attention);
  if (!multiply(weights, kInner, layer.linear[kInner], rows, x, wide)) return false;
  simd::gelu(std::span(wide).first(rows * shape.inner));
  if (!multiply(weights, kOut, layer.linear[kOut], rows, wide, part)) return false;
  add_and_norm(layer.after_inner);
  return true;
}

void EncoderScratch::State::pool(const EncoderShape& shape, size_t rows) {
  const size_t width = shape.width;
  std::ranges::copy(std::span(x).first(width), pooled.begin());
  if (shape.pooling == Pooling::kCls) return;
  for (size_t row = 1; row < rows; ++row)
    simd::add(pooled, std::span(x).subspan(row * width, width));
  for (float& value : pooled)
    value /= static_cast<float>(rows);
}

// From the pooled vector to the output; false when it is not finite.
bool EncoderScratch::State::finish(const Encoder::Weights& weights, std::span<float> out) {
  const size_t width = weights.file.shape.width;
  if (!weights.pooler.empty()) {
    for (size_t i = 0; i < width; ++i)
      hidden[i] = std::tanh(simd::dot(weights.pooler.subspan(i * width, width), pooled) +
                            weights.pooler_bias[i]);
    std::swap(pooled, hidden);
  }
  if (weights.head.empty()) {
    std::ranges::copy(pooled, out.begin());
    const float norm = simd::normalize(out);
    return std::isfinite(norm) && norm > 0;
  }
  for (size_t i = 0; i < out.size(); ++i)
    out[i] = simd::dot(weights.head.subspan(i * width, width), pooled) + weights.head_bias[i];
  return std::ranges::all_of(out, [](float value) { return std::isfinite(value); });
}

EncoderScratch::EncoderScratch() = default;
EncoderScratch::EncoderScratch(EncoderScratch&&) noexcept = default;
EncoderScratch& EncoderScratch::operator=(EncoderScratch&&) noexcept = default;
EncoderScratch::~EncoderScratch() = default;

Encoder::Encoder(std::unique_ptr<Weights> weights) : weights_(std::move(weights)) {}
Encoder::Encoder(Encoder&&) noexcept = default;
Encoder& Encoder::operator=(Encoder&&) noexcept = default;
Encoder::~Encoder() = default;

std::expected<Encoder, Error> Encoder::load(const std::filesystem::path& path, WeightBits bits) {
  auto weights = std::make_unique<Weights>();
  TRY_ASSIGN(weights->bytes, MappedFile::open(path));
  if (const auto made = weights->make(bits); !made)
    return fail(made.error().code,
                fmt::format("encoder '{}': {}", path.string(), made.error().message));
  return Encoder(std::move(weights));
}

const EncoderShape& Encoder::shape() const {
  return weights_->file.shape;
}
uint32_t Encoder::dimension() const {
  return shape().labels > 0 ? shape().labels : shape().width;
}
uint64_t Encoder::hash() const {
  return weights_->file.hash;
}
std::string_view Encoder::notice() const {
  return weights_->file.notice;
}
const text::Vocabulary& Encoder::vocabulary() const {
  return weights_->vocabulary;
}
bool Encoder::seven_bit_weights() const {
  return !weights_->full_range;
}

bool Encoder::make_ready(EncoderScratch& scratch) const {
  if (!scratch.state_ || scratch.state_->hash != hash())
    scratch.state_ = EncoderScratch::State::make(*this);
  return scratch.state_ != nullptr;
}

std::span<const int32_t> Encoder::tokenize(std::string_view text, EncoderScratch& scratch) const {
  if (!make_ready(scratch)) return {};
  size_t size = std::min(text.size(), kTextBytes);
  while (size > 0 && size < text.size() && (static_cast<uint8_t>(text[size]) & 0xC0) == 0x80)
    --size;
  std::vector<int32_t>& ids = scratch.state_->tokens.ids;
  text::tokenize(weights_->vocabulary, text.substr(0, size), scratch.state_->tokens);
  return std::span(ids).first(std::min<size_t>(ids.size(), shape().max_tokens - 2));
}

bool Encoder::embed_tokens(std::span<const int32_t> ids, std::span<float> out,
                           EncoderScratch& scratch) const {
  CHECK(out.size() == dimension());
  ids = ids.first(std::min<size_t>(ids.size(), shape().max_tokens - 2));
  const auto known = [&](int32_t id) {
    return id >= 0 && id < weights_->vocabulary.size() && id != weights_->vocabulary.unk_id();
  };
  const auto refuse = [&] {
    std::ranges::fill(out, 0.0F);
    return false;
  };
  if (std::ranges::none_of(ids, known) || !make_ready(scratch)) return refuse();
  EncoderScratch::State& state = *scratch.state_;
  const size_t rows = ids.size() + 2, width = shape().width;
  for (size_t row = 0; row < rows; ++row) {
    const int32_t id = row == 0 ? weights_->cls : row + 1 == rows ? weights_->sep : ids[row - 1];
    weights_->embed_token(id, row, std::span(state.x).subspan(row * width, width));
  }
  for (const Layer& layer : weights_->layers)
    if (!state.run_layer(*weights_, layer, rows)) return refuse();
  state.pool(shape(), rows);
  return state.finish(*weights_, out) || refuse();
}

bool Encoder::embed(std::string_view text, std::span<float> out, EncoderScratch& scratch) const {
  return embed_tokens(tokenize(text, scratch), out, scratch);
}

}  // namespace weir::model
