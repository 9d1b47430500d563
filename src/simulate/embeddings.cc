#include "simulate/embeddings.h"

#include <cmath>
#include <cstring>

#include "base/digest.h"
#include "base/json.h"

namespace weir::simulate {
namespace {

bool is_word_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || static_cast<uint8_t>(c) >= 0x80;
}

std::string to_base64(std::string_view bytes) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t bits = 0;
    for (size_t j = 0; j < 3; ++j)
      bits = bits << 8 | (i + j < bytes.size() ? static_cast<uint8_t>(bytes[i + j]) : 0);
    for (size_t j = 0; j < 4; ++j)
      out += i + j <= bytes.size() ? kAlphabet[bits >> (18 - 6 * j) & 63] : '=';
  }
  return out;
}

// The API asks for little-endian float32; so are the machines that weir runs on.
std::string as_base64(const std::vector<float>& vector) {
  return to_base64({reinterpret_cast<const char*>(vector.data()), vector.size() * sizeof(float)});
}

void write_vector(const std::vector<float>& vector, bool base64, json::Writer& out) {
  if (base64) {
    out.value(as_base64(vector));
    return;
  }
  out.begin_array();
  for (const float value : vector)
    out.value(static_cast<double>(value));
  out.end_array();
}

}  // namespace

std::vector<float> embed_words(std::string_view text) {
  std::vector<float> vector(kEmbeddingDimension);
  std::string word;
  const auto finish = [&] {
    if (word.empty()) return;
    const uint64_t hash = siphash({1, 2}, word);
    vector[hash % kEmbeddingDimension] += (hash >> 32 & 1) != 0 ? 1.0f : -1.0f;
    word.clear();
  };
  for (char c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    is_word_char(c) ? word.push_back(c) : finish();
  }
  finish();
  float square = 0;
  for (const float value : vector)
    square += value * value;
  if (square > 0)
    for (float& value : vector)
      value /= std::sqrt(square);
  return vector;
}

std::expected<std::string, Error> answer_embeddings(std::string body,
                                                    const CountTokens& count_tokens) {
  TRY_ASSIGN(const json::Document document, json::Document::parse(std::move(body)));
  const json::Value root = document.root();
  std::vector<std::string> inputs;
  if (root["input"].is_string()) inputs.push_back(root["input"].string_or(""));
  for (const json::Value input : root["input"])
    if (root["input"].is_array() && input.is_string()) inputs.push_back(input.string_or(""));
  if (inputs.empty())
    return fail(ErrorCode::kInvalidArgument, "'input' must be text or a list of text");
  const bool base64 = root["encoding_format"].string_or("float") == "base64";
  int64_t tokens = 0;
  json::Writer out;
  out.begin_object().member("object", "list").key("data").begin_array();
  for (size_t i = 0; i < inputs.size(); ++i) {
    tokens += count_tokens(inputs[i]);
    out.begin_object().member("object", "embedding").member("index", static_cast<int64_t>(i));
    out.key("embedding");
    write_vector(embed_words(inputs[i]), base64, out);
    out.end_object();
  }
  out.end_array().member("model", root["model"].string_or("sim-embedding"));
  out.key("usage").begin_object();
  out.member("prompt_tokens", tokens).member("total_tokens", tokens).end_object();
  out.end_object();
  return out.take();
}

}  // namespace weir::simulate
