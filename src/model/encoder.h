// A BERT-family transformer encoder: text in, one vector out. Embeddings, layers of multi-head
// attention and a GELU feed-forward part, mean or [CLS] pooling, unit length; or, when the encoder
// was fine-tuned with a head of its own, that head's outputs (logits). Large products run in oneDNN
// on int8 weights with one scale per output and 8-bit activations with a scale and zero point per
// token, or in float; where the CPU adds two products in 16 bits (x86 without VNNI), weights are
// kept to 7 bits a pair, so that nothing saturates; all else in
// simd/transformer.h. Equal to the Hugging Face implementation: tests/python/oracle_bert.py.
// Milliseconds per call, on the calling thread alone: docs/performance.md. Source: Devlin et al.
// 2018; Reimers and Gurevych 2019; Wang et al. 2020 (MiniLM). An Encoder is immutable and
// thread-safe; an EncoderScratch belongs to one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>

#include "base/error.h"
#include "model/encoder_file.h"
#include "text/wordpiece.h"

namespace weir::model {

// The name of the encoder that routers use unless told otherwise, for find_model_file.
inline constexpr std::string_view kEncoderFile = "encoder.weir";

// Bits of the weights in int8 products: eight where the CPU sums them exactly, else seven a pair.
enum class WeightBits { kByCpu, kSeven };

// One thread's working memory, made for one Encoder at the first call and kept; about 14 kB a token
// of max_tokens for MiniLM, four times that for BERT-base.
class EncoderScratch {
 public:
  EncoderScratch();
  EncoderScratch(EncoderScratch&&) noexcept;
  EncoderScratch& operator=(EncoderScratch&&) noexcept;
  ~EncoderScratch();

 private:
  friend class Encoder;
  struct State;
  std::unique_ptr<State> state_;
};

class Encoder {
 public:
  // Reads the whole file once to check it. Fails with one message that names the file: kNotFound,
  // kIo, kCorrupt, kUnsupported.
  [[nodiscard]] static std::expected<Encoder, Error> load(const std::filesystem::path& path,
                                                          WeightBits bits = WeightBits::kByCpu);
  Encoder(Encoder&&) noexcept;
  Encoder& operator=(Encoder&&) noexcept;
  ~Encoder();

  const EncoderShape& shape() const;
  // Numbers of a vector: the width, or the labels of an encoder with its own head.
  uint32_t dimension() const;
  uint64_t hash() const;  // of the file: which weights made a vector
  std::string_view notice() const;
  const text::Vocabulary& vocabulary() const;
  bool seven_bit_weights() const;

  // The ids that embed_tokens takes: WordPieces of the text's first 16 kB, cut to max_tokens - 2.
  // The view lasts until the scratch is used again.
  std::span<const int32_t> tokenize(std::string_view text, EncoderScratch& scratch) const;

  // Writes the vector of the text. False, with zeros in `out`, when the text has no known token
  // (it cannot be judged) or when oneDNN fails for lack of memory. Nothing of ours is allocated
  // once the scratch is warm. Requires out.size() == dimension().
  bool embed(std::string_view text, std::span<float> out, EncoderScratch& scratch) const;
  // The same for ids without [CLS] and [SEP]; those behind max_tokens - 2 are cut, and ids outside
  // the vocabulary read as unknown.
  bool embed_tokens(std::span<const int32_t> ids, std::span<float> out,
                    EncoderScratch& scratch) const;

 private:
  friend class EncoderScratch;
  struct Weights;
  explicit Encoder(std::unique_ptr<Weights> weights);
  bool make_ready(EncoderScratch& scratch) const;

  std::unique_ptr<Weights> weights_;
};

}  // namespace weir::model
