// The encoder file: weights of a BERT-family transformer, its shape in words and its vocabulary, as
// bytes that are mapped and read in place. Layout: docs/formats/encoder_file.md. Source of the
// tensors' names and meaning: Devlin et al. 2018 and its Hugging Face implementation.
// Pure functions, thread-safe. parse_encoder_file trusts nothing in its input.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "model/safetensors.h"

namespace weir::model {

inline constexpr std::string_view kEncoderMagic = "weir.enc";
inline constexpr uint32_t kEncoderFileVersion = 1;

enum class Pooling { kMean, kCls };                 // what of the last layer becomes the vector
enum class Precision { kFloat, kInt8 };             // of word embeddings and large matrices
enum class EncoderOutput { kUnitVector, kLabels };  // kLabels: the encoder has a head of its own
std::string_view to_string(Pooling pooling);
std::string_view to_string(Precision precision);

struct EncoderShape {
  uint32_t width = 0;  // numbers a token; 384 in MiniLM, 768 in BERT-base
  uint32_t layers = 0;
  uint32_t heads = 0;       // divides width
  uint32_t inner = 0;       // width of the feed-forward part
  uint32_t positions = 0;   // rows of the position table
  uint32_t types = 0;       // rows of the token type table, of which row 0 is used
  uint32_t vocabulary = 0;  // tokens
  uint32_t max_tokens = 0;  // what lies behind is cut, [CLS] and [SEP] counted; at most 512
  float epsilon = 1e-12F;   // of the layer norms
  Pooling pooling = Pooling::kMean;
  Precision precision = Precision::kInt8;
  bool pooler = false;  // a tanh layer between pooling and head
  uint32_t labels = 0;  // outputs of the encoder's own head; 0: none, the vector is the output

  EncoderOutput output() const {
    return labels == 0 ? EncoderOutput::kUnitVector : EncoderOutput::kLabels;
  }
  bool operator==(const EncoderShape&) const = default;
};

// Fails with kInvalidArgument, naming the field that is out of range.
[[nodiscard]] std::expected<void, Error> check_shape(const EncoderShape& shape);

// A tensor of the file: views into it. Element = values * scales[row] for kInt8.
struct EncoderTensor {
  std::string name;
  size_t rows = 0, columns = 0;  // a bias has one row
  Precision precision = Precision::kFloat;
  std::span<const float> floats = {};  // kFloat: [rows * columns]
  std::span<const int8_t> bytes = {};  // kInt8: [rows * columns]
  std::span<const float> scales = {};  // kInt8: [rows], >= 0
};

// The tensors of a shape in the order of the file, without values.
std::vector<EncoderTensor> tensors_of(const EncoderShape& shape);

struct EncoderFile {
  EncoderShape shape;
  std::string notice;           // where the weights come from, and their licence
  std::string_view vocabulary;  // one token a line
  std::vector<EncoderTensor> tensors;
  uint64_t hash = 0;  // the first 8 bytes of the checksum, little-endian

  // Requires a name of tensors_of(shape).
  const EncoderTensor& tensor(std::string_view name) const;
};

// `bytes` must outlive the result and begin at an address that 64 divides. Fails with one sentence
// without the file's name: kCorrupt, kUnsupported (a later version).
[[nodiscard]] std::expected<EncoderFile, Error> parse_encoder_file(std::string_view bytes);

// Reads the tensors that `shape` names, also behind the prefix "bert.", and quantises as
// shape.precision says. Fails as check_shape and SafeTensors::floats do, naming the tensor.
[[nodiscard]] std::expected<std::string, Error> encode_encoder_file(const EncoderShape& shape,
                                                                    std::string_view notice,
                                                                    std::string_view vocabulary,
                                                                    const SafeTensors& weights);

// The shape in a Hugging Face config.json; pooling, precision, max_tokens and labels are the
// caller's. Fails: kCorrupt, naming the field; kUnsupported (another activation than gelu, relative
// positions, a decoder).
[[nodiscard]] std::expected<EncoderShape, Error> read_encoder_config(std::string_view json);

// One row as int8 with the largest magnitude at 127; returns its scale.
float quantize_weights(std::span<const float> row, std::span<int8_t> out);

// Puts size and checksum right on bytes that begin with the fixed head (for the fuzzer). Requires
// bytes.size() >= 64.
void reseal_encoder(std::string& bytes);

}  // namespace weir::model
