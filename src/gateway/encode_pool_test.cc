#include "gateway/encode_pool.h"

#include <gtest/gtest.h>

// clang-format off
#include "http/task.h"  // before Boost.Asio
// clang-format on

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

#include "base/files.h"
#include "model/encoder_file.h"

namespace weir::gateway {
namespace {

namespace asio = boost::asio;

class EncodePoolTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "weir-pool-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    const std::string base = "src/model/testdata/tiny_encoder.";
    auto shape = model::read_encoder_config(read_file(base + "config.json").value()).value();
    shape.max_tokens = 24;
    const std::string content = read_file(base + "safetensors").value();
    const auto bytes = encode_encoder_file(shape, "", read_file(base + "vocab.txt").value(),
                                           model::SafeTensors::parse(content).value());
    ASSERT_TRUE(bytes && write_file(folder_ / "encoder.weir", *bytes));
    encoder_ = std::make_shared<const model::Encoder>(
        model::Encoder::load(folder_ / "encoder.weir").value());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::vector<float> expected(std::string_view words) const {
    model::EncoderScratch scratch;
    std::vector<float> vector(encoder_->dimension());
    return encoder_->embed(words, vector, scratch) ? vector : std::vector<float>();
  }

  std::filesystem::path folder_;
  std::shared_ptr<const model::Encoder> encoder_;
};

using Result = std::expected<std::vector<float>, Error>;

http::Task<void> encode(EncodePool& pool, std::shared_ptr<const model::Encoder> encoder,
                        std::string words, std::optional<Result>& result) {
  result = co_await pool.encode(std::move(encoder), std::move(words));
}

TEST_F(EncodePoolTest, GivesTheEncodersVectorsToManyAtOnce) {
  EncodePool pool(2);
  asio::io_context io;
  const std::vector<std::string> texts{"prove that", "what is the sum", "", "zzz", "name the king"};
  std::vector<std::optional<Result>> results(50);
  for (size_t i = 0; i < results.size(); ++i)
    asio::co_spawn(io, encode(pool, encoder_, texts[i % texts.size()], results[i]), asio::detached);
  io.run();
  for (size_t i = 0; i < results.size(); ++i) {
    ASSERT_TRUE(results[i] && *results[i]);
    EXPECT_EQ(**results[i], expected(texts[i % texts.size()]));
  }
}

TEST_F(EncodePoolTest, RefusesWhatWouldWaitTooLong) {
  EncodePool pool(1, 0);
  asio::io_context io;
  std::optional<Result> result;
  asio::co_spawn(io, encode(pool, encoder_, "prove that", result), asio::detached);
  io.run();
  ASSERT_TRUE(result);
  ASSERT_FALSE(*result);
  EXPECT_EQ(result->error().code, ErrorCode::kTimeout);
}

TEST_F(EncodePoolTest, AnEventLoopMayEndBeforeItsJobs) {
  EncodePool pool(2);
  std::optional<Result> result;
  for (int round = 0; round < 20; ++round) {
    asio::io_context io;
    for (int i = 0; i < 8; ++i)
      asio::co_spawn(io, encode(pool, encoder_, "prove that there are", result), asio::detached);
    io.poll();  // begins the coroutines; what has not come back by then never does
  }
}

}  // namespace
}  // namespace weir::gateway
