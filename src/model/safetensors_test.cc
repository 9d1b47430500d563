#include "model/safetensors.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>

namespace weir::model {
namespace {

std::string file_of(std::string_view header, std::string_view data) {
  const uint64_t size = header.size();
  std::string bytes(reinterpret_cast<const char*>(&size), sizeof(size));
  bytes += header;
  bytes += data;
  return bytes;
}

template <typename T>
std::string bytes_of(std::initializer_list<T> values) {
  return std::string(reinterpret_cast<const char*>(values.begin()), values.size() * sizeof(T));
}

std::string failure(const std::string& bytes) {
  const auto parsed = SafeTensors::parse(bytes);
  return parsed ? "" : parsed.error().message;
}

TEST(SafeTensors, ReadsFloatsOfThreeTypes) {
  const std::string data = bytes_of<float>({1.5F, -2.0F}) +
                           bytes_of<uint16_t>({0x3C00, 0xC000, 0x0001, 0x3555}) +
                           bytes_of<uint16_t>({0x3FC0, 0xC000});
  const std::string bytes = file_of(
      R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},)"
      R"("h":{"dtype":"F16","shape":[4],"data_offsets":[8,16]},)"
      R"("b":{"dtype":"BF16","shape":[2],"data_offsets":[16,20]}}   )",
      data);
  const auto parsed = SafeTensors::parse(bytes);
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed->tensors().size(), 3U);
  EXPECT_EQ(parsed->floats("a", {1, 2}).value(), (std::vector<float>{1.5F, -2.0F}));
  EXPECT_EQ(parsed->floats("b", {2}).value(), (std::vector<float>{1.5F, -2.0F}));
  const auto halves = parsed->floats("h", {4}).value();
  EXPECT_EQ(halves[0], 1.0F);
  EXPECT_EQ(halves[1], -2.0F);
  EXPECT_EQ(halves[2], 0x1p-24F);
  EXPECT_NEAR(halves[3], 1.0 / 3, 1e-4);
}

TEST(SafeTensors, SaysWhatIsWrongWithATensorThatIsAskedFor) {
  const std::string bytes =
      file_of(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
              R"("i":{"dtype":"I64","shape":[1],"data_offsets":[8,16]},)"
              R"("n":{"dtype":"F32","shape":[1],"data_offsets":[16,20]}})",
              bytes_of<float>({1, 2}) + bytes_of<int64_t>({7}) + bytes_of<uint32_t>({0x7FC00000}));
  const auto parsed = SafeTensors::parse(bytes);
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed->floats("x", {2}).error().message, "tensor 'x' is missing");
  EXPECT_EQ(parsed->floats("a", {3}).error().message, "tensor 'a' has the shape [2], expected [3]");
  EXPECT_EQ(parsed->floats("i", {1}).error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(parsed->floats("n", {1}).error().message,
            "tensor 'n' holds numbers that are not finite");
}

TEST(SafeTensors, RefusesWhatDoesNotAddUp) {
  const std::string four(4, '\0');
  const auto one = [](std::string_view entry) { return fmt::format("{{\"a\":{}}}", entry); };
  EXPECT_NE(failure(""), "");
  EXPECT_NE(failure("1234567"), "");
  EXPECT_NE(failure(std::string(8, '\xFF')), "");
  EXPECT_NE(failure(file_of("{", four)), "");
  EXPECT_NE(failure(file_of("[]", "")), "");
  EXPECT_EQ(failure(file_of("{}", "")), "");
  EXPECT_EQ(failure(file_of("{}", four)), "bytes stand behind its last tensor");
  const std::string_view good = R"({"dtype":"F32","shape":[1],"data_offsets":[0,4]})";
  EXPECT_EQ(failure(file_of(one(good), four)), "");
  EXPECT_NE(failure(file_of(one(good), "123")), "");
  for (const std::string_view entry : {
           R"({"dtype":"F32","shape":[1],"data_offsets":[0,8]})",
           R"({"dtype":"F32","shape":[2],"data_offsets":[0,4]})",
           R"({"dtype":"F32","shape":[-1],"data_offsets":[0,4]})",
           R"({"dtype":"F32","shape":[1],"data_offsets":[4,0]})",
           R"({"dtype":"F32","shape":[1],"data_offsets":[0]})",
           R"({"dtype":"F32","shape":[1]})",
           R"({"dtype":"Q4","shape":[1],"data_offsets":[0,4]})",
           R"({"dtype":"F32","shape":1,"data_offsets":[0,4]})",
           R"({"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]})",
           R"({"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,4]})",
           "3",
       })
    EXPECT_NE(failure(file_of(one(entry), four)), "") << entry;
}

TEST(SafeTensors, RefusesTensorsThatShareOrLeaveOutBytes) {
  const std::string eight(8, '\0');
  const auto two = [](int begin, int end) {
    return fmt::format(R"({{"a":{{"dtype":"U8","shape":[4],"data_offsets":[0,4]}},)"
                       R"("b":{{"dtype":"U8","shape":[{}],"data_offsets":[{},{}]}}}})",
                       end - begin, begin, end);
  };
  EXPECT_EQ(failure(file_of(two(4, 8), eight)), "");
  EXPECT_EQ(failure(file_of(two(3, 8), eight)), "its tensors overlap or leave a gap");
  EXPECT_EQ(failure(file_of(two(5, 8), eight)), "its tensors overlap or leave a gap");
  EXPECT_EQ(failure(file_of(two(4, 7), eight)), "bytes stand behind its last tensor");
  const std::string twice = R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)"
                            R"("a":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}})";
  EXPECT_EQ(failure(file_of(twice, eight)), "tensor 'a' stands there twice");
}

}  // namespace
}  // namespace weir::model
