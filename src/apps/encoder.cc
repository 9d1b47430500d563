// weir encoder: makes the encoder file from safetensors, describes it, and shows its vectors.
#include "model/encoder.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "apps/commands.h"
#include "apps/line_reader.h"
#include "apps/output.h"
#include "base/files.h"
#include "base/json.h"
#include "model/model_files.h"

namespace weir::apps {
namespace {

constexpr size_t kLineLimit = size_t{1} << 20;

struct Options {
  std::string safetensors, vocabulary, config, out, notice;
  std::string pooling = "mean";
  std::string precision = "int8";
  uint32_t max_tokens = 256;
  std::string encoder;
  bool without_head = false;
  bool embed = false;
  bool json = false;
  uint32_t repeat = 1;
  bool seven_bits = false;
};

// What the weights themselves say of the encoder's own head.
void read_head(const model::SafeTensors& weights, model::EncoderShape& shape) {
  const auto* head = weights.find("classifier.weight");
  if (head == nullptr || head->shape.size() != 2) return;
  shape.labels = static_cast<uint32_t>(std::min<uint64_t>(head->shape[0], UINT32_MAX));
  shape.pooler = weights.find("pooler.dense.weight") != nullptr ||
                 weights.find("bert.pooler.dense.weight") != nullptr;
  if (shape.pooling == model::Pooling::kMean) shape.pooler = false;
}

std::expected<void, Error> make(const Options& options) {
  if (options.vocabulary.empty() || options.config.empty() || options.out.empty())
    return fail(ErrorCode::kInvalidArgument,
                "--safetensors needs --vocab (vocab.txt), --config (config.json) and --out");
  TRY_ASSIGN(const std::string config, read_file(options.config, 1 << 20));
  TRY_ASSIGN(const std::string vocabulary, read_file(options.vocabulary, 1 << 26));
  TRY_ASSIGN(const MappedFile file, MappedFile::open(options.safetensors));
  const auto in_file = [](const std::string& path, const Error& error) {
    return fail(error.code, fmt::format("{}: {}", path, error.message));
  };
  auto shape = model::read_encoder_config(config);
  if (!shape) return in_file(options.config, shape.error());
  shape->pooling = options.pooling == "cls" ? model::Pooling::kCls : model::Pooling::kMean;
  shape->precision =
      options.precision == "f32" ? model::Precision::kFloat : model::Precision::kInt8;
  shape->max_tokens = std::min(options.max_tokens, shape->positions);
  const auto weights = model::SafeTensors::parse(file.text());
  if (!weights) return in_file(options.safetensors, weights.error());
  if (!options.without_head) read_head(*weights, *shape);
  const auto bytes = encode_encoder_file(*shape, options.notice, vocabulary, *weights);
  if (!bytes) return in_file(options.safetensors, bytes.error());
  TRY(write_file(options.out, *bytes));
  TRY_ASSIGN(const model::Encoder encoder, model::Encoder::load(options.out));
  return write_output(fmt::format("wrote {} ({} bytes): encoder {:016x}\n", options.out,
                                  bytes->size(), encoder.hash()));
}

std::expected<void, Error> describe(const Options& options, const model::Encoder& encoder) {
  const model::EncoderShape& shape = encoder.shape();
  if (options.json) {
    json::Writer out;
    out.begin_object().member("hash", fmt::format("{:016x}", encoder.hash()));
    out.member("width", shape.width).member("layers", shape.layers).member("heads", shape.heads);
    out.member("inner", shape.inner).member("labels", shape.labels);
    out.member("max_tokens", shape.max_tokens).member("pooling", to_string(shape.pooling));
    out.member("precision", to_string(shape.precision));
    out.member("weight_bits", encoder.seven_bit_weights() ? 7 : 8);
    out.member("notice", encoder.notice()).end_object();
    return write_output(out.take() + "\n");
  }
  return write_output(fmt::format(
      "encoder {:016x}: {} layers, width {}, {} heads, {} inner; {} tokens at most, {} pooling, "
      "{}\n{} numbers out ({}); {}-bit weights\n{}\n",
      encoder.hash(), shape.layers, shape.width, shape.heads, shape.inner, shape.max_tokens,
      to_string(shape.pooling), to_string(shape.precision), encoder.dimension(),
      shape.labels > 0 ? "labels of its own head" : "a unit vector",
      encoder.seven_bit_weights() ? 7 : 8, encoder.notice()));
}

// One JSON line a text: token ids, vector and the least time that a call took.
std::expected<void, Error> embed_input(const Options& options, const model::Encoder& encoder) {
  using Clock = std::chrono::steady_clock;
  LineReader reader(stdin, kLineLimit);
  model::EncoderScratch scratch;
  std::vector<float> vector(encoder.dimension());
  for (;;) {
    TRY_ASSIGN(const std::optional<std::string> line, reader.next());
    if (!line) return {};
    std::string text = *line;
    if (const auto row = json::Document::parse(*line); row && row->root().is_string())
      text = row->root().string_or("");
    double least_us = 0;
    bool known = false;
    for (uint32_t i = 0; i < std::max(1U, options.repeat); ++i) {
      const auto start = Clock::now();
      known = encoder.embed(text, vector, scratch);
      const double us = std::chrono::duration<double, std::micro>(Clock::now() - start).count();
      least_us = i == 0 ? us : std::min(least_us, us);
    }
    json::Writer out;
    out.begin_object().member("judged", known).member("microseconds", least_us);
    out.key("tokens").begin_array();
    for (const int32_t id : encoder.tokenize(text, scratch))
      out.value(int64_t{id});
    out.end_array().key("vector").begin_array();
    for (const float number : vector)
      out.value(double{number});
    out.end_array().end_object();
    TRY(write_output(out.take() + "\n"));
  }
}

std::expected<void, Error> run(const Options& options) {
  if (!options.safetensors.empty()) return make(options);
  std::filesystem::path path = options.encoder;
  if (path.empty()) {
    TRY_ASSIGN(path, model::find_model_file(model::kEncoderFile));
  }
  const auto bits = options.seven_bits ? model::WeightBits::kSeven : model::WeightBits::kByCpu;
  TRY_ASSIGN(const model::Encoder encoder, model::Encoder::load(path, bits));
  return options.embed ? embed_input(options, encoder) : describe(options, encoder);
}

}  // namespace

int run_encoder(Arguments arguments) {
  Options options;
  CLI::App app(
      "Makes a transformer encoder file from safetensors (with --safetensors), or describes one:\n"
      "docs/routers.md, section bert",
      "weir encoder");
  app.add_option("--safetensors", options.safetensors, "weights of a BERT-family model");
  app.add_option("--vocab", options.vocabulary, "its vocab.txt (uncased WordPiece)");
  app.add_option("--config", options.config, "its config.json");
  app.add_option("--out", options.out, "the encoder file to write (.weir)");
  app.add_option("--pooling", options.pooling, "mean or cls")
      ->check(CLI::IsMember({"mean", "cls"}))
      ->capture_default_str();
  app.add_option("--precision", options.precision, "int8 or f32")
      ->check(CLI::IsMember({"int8", "f32"}))
      ->capture_default_str();
  app.add_option("--max-tokens", options.max_tokens, "longer texts are cut here")
      ->check(CLI::Range(2, 512))
      ->capture_default_str();
  app.add_flag("--without-head", options.without_head,
               "leave out the classifier of a fine-tuned model: its vectors are wanted");
  app.add_option("--notice", options.notice, "where the weights come from, and their licence");
  app.add_option("--encoder", options.encoder, "the file to describe (default: encoder.weir)");
  app.add_flag("--embed", options.embed,
               "print vectors of the lines of standard input (text or JSON strings)");
  app.add_option("--repeat", options.repeat,
                 "calls for each line, of which the fastest is printed");
  app.add_flag("--seven-bits", options.seven_bits,
               "keep int8 weights to 7 bits a pair, as on CPUs without VNNI");
  app.add_flag("--json", options.json, "describe as JSON");
  if (const auto parsed = parse_arguments(app, arguments); !parsed) return parsed.error();
  return exit_status(run(options));
}

}  // namespace weir::apps
