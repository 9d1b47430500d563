#include "model/encoder.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "base/files.h"
#include "base/json.h"
#include "model/allocation_count_for_test.h"
#include "model/encoder_product.h"
#include "model/safetensors.h"

namespace weir::model {
namespace {

const std::string kTiny = "src/model/testdata/tiny_encoder.";

struct Golden {
  std::string text;
  std::vector<int32_t> ids;
  std::vector<float> mean, logits;  // empty: cannot be judged
};

std::vector<float> floats_of(json::Value list) {
  std::vector<float> values;
  for (const json::Value value : list)
    values.push_back(static_cast<float>(value.as_double().value()));
  return values;
}

std::vector<Golden> goldens() {
  const std::string text = read_file(kTiny + "golden.jsonl").value();
  std::vector<Golden> rows;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find('\n', begin);
    const auto row = json::Document::parse(text.substr(begin, end - begin)).value();
    Golden& golden = rows.emplace_back();
    golden.text = row.root()["text"].string_or("");
    for (const json::Value id : row.root()["ids"])
      golden.ids.push_back(static_cast<int32_t>(id.as_int64().value()));
    golden.mean = floats_of(row.root()["mean"]);
    golden.logits = floats_of(row.root()["logits"]);
    begin = end + 1;
  }
  return rows;
}

EncoderShape tiny_shape(Precision precision, EncoderOutput output) {
  auto shape = read_encoder_config(read_file(kTiny + "config.json").value()).value();
  shape.max_tokens = 24;
  shape.precision = precision;
  if (output == EncoderOutput::kLabels) {
    shape.labels = 3;
    shape.pooler = true;
    shape.pooling = Pooling::kCls;
  }
  return shape;
}

std::string tiny_bytes(const EncoderShape& shape) {
  const std::string content = read_file(kTiny + "safetensors").value();
  const auto weights = SafeTensors::parse(content).value();
  return encode_encoder_file(shape, "made for tests", read_file(kTiny + "vocab.txt").value(),
                             weights)
      .value();
}

// A file in a folder of its own that goes with the object.
class TinyFile {
 public:
  explicit TinyFile(std::string_view bytes) {
    std::string name = (std::filesystem::temp_directory_path() / "weir-encoder-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    path_ = folder_ / "encoder.weir";
    EXPECT_TRUE(write_file(path_, bytes));
  }
  ~TinyFile() { std::filesystem::remove_all(folder_); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path folder_, path_;
};

Encoder tiny(Precision precision, EncoderOutput output, WeightBits bits = WeightBits::kByCpu) {
  const TinyFile file(tiny_bytes(tiny_shape(precision, output)));
  return Encoder::load(file.path(), bits).value();
}

double cosine(std::span<const float> a, std::span<const float> b) {
  double ab = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    ab += double{a[i]} * b[i];
    aa += double{a[i]} * a[i];
    bb += double{b[i]} * b[i];
  }
  return ab / std::sqrt(aa * bb);
}

TEST(Encoder, TokenizesAsTheReference) {
  const Encoder encoder = tiny(Precision::kFloat, EncoderOutput::kUnitVector);
  EncoderScratch scratch;
  for (const Golden& golden : goldens()) {
    const auto ids = encoder.tokenize(golden.text, scratch);
    EXPECT_EQ(std::vector<int32_t>(ids.begin(), ids.end()), golden.ids) << golden.text;
  }
}

TEST(Encoder, FloatVectorsAreTheReferences) {
  const Encoder encoder = tiny(Precision::kFloat, EncoderOutput::kUnitVector);
  EncoderScratch scratch;
  std::vector<float> vector(encoder.dimension());
  for (const Golden& golden : goldens()) {
    ASSERT_EQ(encoder.embed(golden.text, vector, scratch), !golden.mean.empty());
    if (golden.mean.empty()) {
      EXPECT_EQ(vector, std::vector<float>(vector.size(), 0.0F));
      continue;
    }
    for (size_t i = 0; i < vector.size(); ++i)
      EXPECT_NEAR(vector[i], golden.mean[i], 2e-6) << golden.text;
  }
}

TEST(Encoder, FloatLogitsOfAnOwnHeadAreTheReferences) {
  const Encoder encoder = tiny(Precision::kFloat, EncoderOutput::kLabels);
  ASSERT_EQ(encoder.dimension(), 3U);
  EncoderScratch scratch;
  std::vector<float> logits(3);
  for (const Golden& golden : goldens()) {
    ASSERT_EQ(encoder.embed(golden.text, logits, scratch), !golden.logits.empty());
    for (size_t i = 0; i < golden.logits.size(); ++i)
      EXPECT_NEAR(logits[i], golden.logits[i], 5e-6) << golden.text;
  }
}

TEST(Encoder, Int8VectorsAreCloseWithEightAndWithSevenBits) {
  for (const auto bits : {WeightBits::kByCpu, WeightBits::kSeven}) {
    const Encoder encoder = tiny(Precision::kInt8, EncoderOutput::kUnitVector, bits);
    if (bits == WeightBits::kSeven) {
      EXPECT_TRUE(encoder.seven_bit_weights());
    }
    EncoderScratch scratch;
    std::vector<float> vector(encoder.dimension());
    for (const Golden& golden : goldens()) {
      ASSERT_EQ(encoder.embed(golden.text, vector, scratch), !golden.mean.empty());
      if (golden.mean.empty()) continue;
      EXPECT_GE(cosine(vector, golden.mean), 0.999) << golden.text;
    }
  }
}

// On every CPU: products of weights that are said to be exact are so, and pairs of 128 always are.
TEST(Encoder, ProductsOfTheLargestBytesDoNotSaturate) {
  const size_t outputs = 48, inputs = 384;
  const std::vector<size_t> steps = row_steps(24);
  const auto kernel = ProductKernel::make(outputs, inputs, Precision::kInt8, steps).value();
  for (const auto& [first, second] : {std::pair(127, 1), std::pair(-100, -28), std::pair(127, -127),
                                      std::pair(64, 64), std::pair(127, 127)}) {
    std::vector<int8_t> weights(outputs * inputs);
    for (size_t i = 0; i < weights.size(); ++i)
      weights[i] = static_cast<int8_t>(i % 2 == 0 ? first : second);
    const int32_t sum_of_row = (first + second) * static_cast<int32_t>(inputs / 2);
    const dnnl::memory packed = kernel.pack(weights.data()).value();
    const bool exact = kernel.is_exact(packed, std::vector<int32_t>(outputs, sum_of_row)).value();
    if (std::abs(first + second) <= 128) {
      EXPECT_TRUE(exact);
    }
    if (!exact) continue;
    const std::array kernels{&kernel};
    auto scratch = ProductScratch::make(kernels).value();
    for (size_t step = 0; step < steps.size(); ++step) {
      const std::vector<uint8_t> source(steps[step] * inputs, 255);
      std::vector<int32_t> result(steps[step] * outputs);
      ASSERT_TRUE(scratch.multiply(0, step, source.data(), packed, result.data()));
      for (const int32_t sum : result)
        ASSERT_EQ(sum, 255 * sum_of_row);
    }
  }
}

// With ONEDNN_MAX_CPU_ISA=AVX2 (ctest runs this so) the trial sees what saturates.
TEST(Encoder, TheTrialSeesSaturation) {
  const char* isa = std::getenv("ONEDNN_MAX_CPU_ISA");
  if (isa == nullptr || std::string_view(isa) != "AVX2") GTEST_SKIP() << "not limited to AVX2";
  const auto kernel = ProductKernel::make(16, 16, Precision::kInt8, row_steps(8)).value();
  const std::vector<int8_t> weights(256, 127);
  const dnnl::memory packed = kernel.pack(weights.data()).value();
  EXPECT_FALSE(kernel.is_exact(packed, std::vector<int32_t>(16, 127 * 16)).value());
  EXPECT_TRUE(tiny(Precision::kInt8, EncoderOutput::kUnitVector).seven_bit_weights());
}

TEST(Encoder, ProductsAreThePlainLoopForEveryRowStep) {
  const size_t outputs = 20, inputs = 36;
  const std::vector<size_t> steps = row_steps(300);
  EXPECT_EQ(steps.front(), 8U);
  EXPECT_EQ(steps.back(), 320U);
  EXPECT_EQ(steps[step_of(steps, 1)], 8U);
  EXPECT_EQ(steps[step_of(steps, 129)], 144U);
  const auto kernel = ProductKernel::make(outputs, inputs, Precision::kInt8, steps).value();
  std::vector<int8_t> weights(outputs * inputs);
  for (size_t i = 0; i < weights.size(); ++i)
    weights[i] = static_cast<int8_t>(static_cast<int>(i * 37 % 255) - 127);
  const dnnl::memory packed = kernel.pack(weights.data()).value();
  const std::array kernels{&kernel};
  auto scratch = ProductScratch::make(kernels).value();
  for (size_t step = 0; step < steps.size(); ++step) {
    std::vector<uint8_t> source(steps[step] * inputs);
    for (size_t i = 0; i < source.size(); ++i)
      source[i] = static_cast<uint8_t>(i * 11 % 128);  // no pair of products leaves 16 bits
    std::vector<int32_t> result(steps[step] * outputs);
    ASSERT_TRUE(scratch.multiply(0, step, source.data(), packed, result.data()));
    for (size_t row = 0; row < steps[step]; ++row) {
      for (size_t column = 0; column < outputs; ++column) {
        int32_t sum = 0;
        for (size_t k = 0; k < inputs; ++k)
          sum += source[row * inputs + k] * weights[column * inputs + k];
        ASSERT_EQ(result[row * outputs + column], sum);
      }
    }
  }
}

// What oneDNN allocates to run one product, of which our code allocates nothing.
size_t allocations_of_a_product() {
  const std::vector<size_t> steps = row_steps(24);
  const auto kernel = ProductKernel::make(16, 16, Precision::kInt8, steps).value();
  const std::vector<int8_t> weights(256, 3);
  const dnnl::memory packed = kernel.pack(weights.data()).value();
  const std::array kernels{&kernel};
  auto scratch = ProductScratch::make(kernels).value();
  const std::vector<uint8_t> source(24 * 16, 1);
  std::vector<int32_t> result(24 * 16);
  EXPECT_TRUE(scratch.multiply(0, 0, source.data(), packed, result.data()));
  const size_t before = allocation_count();
  EXPECT_TRUE(scratch.multiply(0, 0, source.data(), packed, result.data()));
  return allocation_count() - before;
}

TEST(Encoder, AWarmScratchAllocatesOnlyInsideOneDnn) {
  constexpr size_t kProducts = 2 * 4;  // two layers
  const size_t inside = allocations_of_a_product();
  EXPECT_LE(inside, 8U);
  const Encoder encoder = tiny(Precision::kInt8, EncoderOutput::kUnitVector);
  EncoderScratch scratch;
  std::vector<float> vector(encoder.dimension());
  const std::string text = "Prove that there are infinitely many primes.";
  ASSERT_TRUE(encoder.embed(text, vector, scratch));
  ASSERT_TRUE(encoder.embed("a", vector, scratch));
  const size_t before = allocation_count();
  ASSERT_TRUE(encoder.embed(text, vector, scratch));
  EXPECT_EQ(allocation_count() - before, kProducts * inside);
}

TEST(Encoder, LongTextsAreCutAndForeignIdsReadAsUnknown) {
  const Encoder encoder = tiny(Precision::kInt8, EncoderOutput::kUnitVector);
  EncoderScratch scratch;
  std::vector<float> cut(encoder.dimension()), whole(encoder.dimension());
  std::vector<int32_t> ids(22, 6);
  ASSERT_TRUE(encoder.embed_tokens(ids, whole, scratch));
  ids.resize(4000, 7);
  ASSERT_TRUE(encoder.embed_tokens(ids, cut, scratch));
  EXPECT_EQ(cut, whole);
  std::string text;
  while (text.size() < 100'000)
    text += "\xE2\x82\xAC prove ";
  EXPECT_TRUE(encoder.embed(text, cut, scratch));
  const std::vector<int32_t> foreign{6, -5, 1 << 20, 7}, unknown{6, 1, 1, 7};
  ASSERT_TRUE(encoder.embed_tokens(foreign, cut, scratch));
  ASSERT_TRUE(encoder.embed_tokens(unknown, whole, scratch));
  EXPECT_EQ(cut, whole);
  EXPECT_FALSE(encoder.embed_tokens(std::vector<int32_t>{1, -1}, cut, scratch));
  EXPECT_FALSE(encoder.embed_tokens({}, cut, scratch));
}

TEST(Encoder, ThreadsAndScratchesGiveTheSameBits) {
  const Encoder encoder = tiny(Precision::kInt8, EncoderOutput::kUnitVector);
  const Encoder other = tiny(Precision::kFloat, EncoderOutput::kLabels);
  EncoderScratch scratch;
  std::vector<float> expected(encoder.dimension()), logits(other.dimension());
  ASSERT_TRUE(encoder.embed("prove that there are many primes", expected, scratch));
  ASSERT_TRUE(other.embed("what is the capital", logits, scratch));  // a scratch changes hands
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      EncoderScratch own;
      std::vector<float> vector(encoder.dimension());
      for (int round = 0; round < 20; ++round) {
        EXPECT_TRUE(encoder.embed("prove that there are many primes", vector, own));
        EXPECT_EQ(vector, expected);
      }
    });
  }
  for (std::thread& thread : threads)
    thread.join();
}

TEST(EncoderFile, ComesBackAsItWasWritten) {
  for (const auto output : {EncoderOutput::kUnitVector, EncoderOutput::kLabels}) {
    const EncoderShape shape = tiny_shape(Precision::kInt8, output);
    const TinyFile file(tiny_bytes(shape));
    const auto mapped = MappedFile::open(file.path()).value();
    const auto parsed = parse_encoder_file(mapped.text());
    ASSERT_TRUE(parsed) << parsed.error().message;
    EXPECT_EQ(parsed->shape, shape);
    EXPECT_EQ(parsed->notice, "made for tests");
    EXPECT_EQ(parsed->vocabulary, read_file(kTiny + "vocab.txt").value());
    EXPECT_EQ(Encoder::load(file.path())->hash(), parsed->hash);
  }
}

TEST(EncoderFile, RefusesDamageNamingTheFile) {
  const std::string good = tiny_bytes(tiny_shape(Precision::kInt8, EncoderOutput::kUnitVector));
  const auto failure = [](const std::string& bytes) {
    const TinyFile file(bytes);
    const auto encoder = Encoder::load(file.path());
    EXPECT_FALSE(encoder);
    return encoder ? "" : encoder.error().message;
  };
  EXPECT_NE(failure("weir.emb").find("this is no weir encoder file"), std::string::npos);
  EXPECT_NE(failure(good.substr(0, good.size() - 1)).find("cut short"), std::string::npos);
  std::string flipped = good;
  flipped[good.size() / 2] ^= 1;
  EXPECT_NE(failure(flipped).find("checksum"), std::string::npos);
  std::string later = good;
  later[8] = 9;
  EXPECT_NE(failure(later).find("format version 9"), std::string::npos);
  const auto changed = [&](std::string_view from, std::string_view to) {
    std::string bytes = good;
    bytes.replace(bytes.find(from), from.size(), to);
    reseal_encoder(bytes);
    return failure(bytes);
  };
  EXPECT_NE(changed("\"heads\":2", "\"heads\":3").find("do not divide"), std::string::npos);
  EXPECT_NE(changed("\"layers\":2", "\"layers\":3").find("is cut"), std::string::npos);
  EXPECT_NE(changed("\"layers\":2", "\"layers\":1").find("sections end"), std::string::npos);
  EXPECT_NE(changed("\"pooling\":\"mean\"", "\"pooling\":\"mian\"").find("'pooling'"),
            std::string::npos);
  EXPECT_NE(changed("[CLS]", "[cls]").find("no [CLS]"), std::string::npos);
  EXPECT_NE(failure(good.substr(0, 8)).find("cut short"), std::string::npos);
}

TEST(EncoderFile, ShapesThatCannotBeServedAreRefused) {
  const EncoderShape good = tiny_shape(Precision::kInt8, EncoderOutput::kUnitVector);
  EXPECT_TRUE(check_shape(good));
  const auto refused = [&](auto change) {
    EncoderShape shape = good;
    change(shape);
    return !check_shape(shape);
  };
  EXPECT_TRUE(refused([](EncoderShape& shape) { shape.width = 0; }));
  EXPECT_TRUE(refused([](EncoderShape& shape) { shape.heads = 3; }));
  EXPECT_TRUE(refused([](EncoderShape& shape) { shape.max_tokens = 25; }));
  EXPECT_TRUE(refused([](EncoderShape& shape) { shape.max_tokens = 1; }));
  EXPECT_TRUE(refused([](EncoderShape& shape) { shape.pooler = true; }));
  EXPECT_EQ(read_encoder_config(R"({"hidden_act":"relu"})").error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(read_encoder_config("{}").error().message, "'hidden_size' must be a positive integer");
}

}  // namespace
}  // namespace weir::model
