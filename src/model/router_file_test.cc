#include "model/router_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "base/random.h"
#include "model/estimator.h"
#include "model/query_hash.h"

namespace weir::model {
namespace {

using testing::HasSubstr;

RouterFile lr_file() {
  RouterFile file;
  file.kind = Kind::kLr;
  file.trained = true;
  file.feature_spec = "weir-text-1";
  file.embed = {
      .from = EmbedFrom::kStatic, .dimension = 3, .static_hash = 0x12ab, .url = {}, .model = {}};
  file.models = {"small \"quoted\"", "groß"};
  file.threshold = 0.30000000000000004;
  file.threshold_origin = "strong share 0.5 (out of fold)";
  file.cut_time = "2026-11-23T00:00:00Z";
  file.split_seed = 7;
  file.sources = {{.name = "a.jsonl", .weak = "w", .strong = "s", .rows = 10, .strong_needed = 4}};
  file.weights["scaler_mean"] = {0.1, -0.2, 3};
  file.weights["scaler_scale"] = {1, 2, 0.5};
  file.weights["coefficients"] = {0.7, 1e-300, -4};
  file.weights["intercept"] = {-0.25};
  file.blobs["rows"] = std::string("\x01\x80\x00", 3);
  file.blobs["empty"] = "";
  file.settings = {{"prompt", "groß?"}, {"", "x"}};
  file.query_hashes = {1, 5, UINT64_MAX};
  return file;
}

RouterFile url_file() {
  RouterFile file = lr_file();
  file.embed = {.from = EmbedFrom::kUrl,
                .dimension = 3,
                .static_hash = 0,
                .url = "http://127.0.0.1:1/v1",
                .model = "m"};
  return file;
}

RouterFile length_file() {
  RouterFile file = lr_file();
  file.kind = Kind::kLength;
  file.embed = {};
  file.weights = {{"length_knots", {0, 5, 10}}, {"length_values", {0.2, 0.5, 0.8}}};
  return file;
}

std::string error_of(std::string_view bytes) {
  const auto file = parse_router_file(bytes);
  return file ? "accepted" : file.error().message;
}

// Replaces text in the JSON header without changing its length, and repairs the checksum.
std::string edited(std::string bytes, std::string_view from, std::string_view to) {
  const size_t at = bytes.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  EXPECT_EQ(from.size(), to.size());
  bytes.replace(at, from.size(), to);
  reseal(bytes);
  return bytes;
}

TEST(RouterFile, ComesBackAsItWasWritten) {
  RouterFile untrained = lr_file();
  untrained.trained = false;
  untrained.weights.clear();
  untrained.query_hashes.clear();
  for (const RouterFile& file : {lr_file(), url_file(), length_file(), untrained}) {
    const std::string bytes = encode_router_file(file).value();
    const auto back = parse_router_file(bytes);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(*back, file);
    EXPECT_EQ(encode_router_file(*back).value(), bytes);
  }
}

TEST(RouterFile, EveryChangedByteIsNoticed) {
  const std::string bytes = encode_router_file(lr_file()).value();
  for (size_t at = 0; at < bytes.size(); ++at) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    EXPECT_FALSE(parse_router_file(damaged)) << at;
  }
}

TEST(RouterFile, EveryTruncationIsNoticed) {
  const std::string bytes = encode_router_file(lr_file()).value();
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(parse_router_file(std::string_view(bytes).substr(0, size))) << size;
}

TEST(RouterFile, SaysWhatIsWrong) {
  const std::string bytes = encode_router_file(lr_file()).value();
  EXPECT_THAT(error_of("PK\x03\x04 something else entirely"), HasSubstr("no .weir router file"));
  EXPECT_THAT(error_of("weir.rtr"), HasSubstr("cut short"));
  EXPECT_THAT(error_of(bytes.substr(0, 100)), HasSubstr("cut short or appended"));
  EXPECT_THAT(error_of(bytes + "x"), HasSubstr("cut short or appended"));
  std::string flipped = bytes;
  flipped[200] ^= 1;
  EXPECT_THAT(error_of(flipped), HasSubstr("checksum"));
  std::string newer = bytes;
  newer[8] = 2;
  EXPECT_THAT(error_of(newer), HasSubstr("format version 2"));
  EXPECT_THAT(error_of(edited(bytes, "\"lr\"", "\"xy\"")),
              HasSubstr("'xy'; this program knows lr"));
  EXPECT_THAT(error_of(edited(bytes, "\"calibration\":null", "\"calibration\":{}  ")),
              HasSubstr("'map' in its header"));
  EXPECT_THAT(error_of(edited(bytes, "0.30000000000000004", "1.30000000000000004")),
              HasSubstr("'threshold'"));
  EXPECT_THAT(error_of(edited(bytes, "\"intercept\"", "\"intercepT\"")),
              HasSubstr("'intercept' is missing"));
  EXPECT_THAT(error_of(edited(bytes, "\"count\":1}", "\"count\":0}")), HasSubstr("not sorted"));
  EXPECT_THAT(error_of(edited(bytes, "\"count\":1}", "\"count\":9}")), HasSubstr("'count'"));
  EXPECT_THAT(error_of(edited(bytes, "\"strong_needed\":4", "\"strong_needed\":-")),
              HasSubstr("header"));
}

TEST(RouterFile, RefusesNumbersThatCannotBeWeights) {
  std::string bytes = encode_router_file(lr_file()).value();
  const double scale = 0.5, zero = 0, nan = std::nan("");
  const auto at = bytes.find(std::string_view(reinterpret_cast<const char*>(&scale), 8));
  ASSERT_NE(at, std::string::npos);
  std::memcpy(bytes.data() + at, &zero, 8);
  reseal(bytes);
  EXPECT_THAT(error_of(bytes), HasSubstr("scaler_scale"));
  std::memcpy(bytes.data() + at, &nan, 8);
  reseal(bytes);
  EXPECT_THAT(error_of(bytes), HasSubstr("not finite"));
}

TEST(RouterFile, NamesThatCannotBeStoredAreRefused) {
  RouterFile long_name = lr_file();
  long_name.models[0] = std::string(2000, 'x');
  RouterFile not_utf8 = lr_file();
  not_utf8.sources[0].name = "caf\xe9.jsonl";
  for (const RouterFile& file : {long_name, not_utf8})
    EXPECT_FALSE(encode_router_file(file));
}

TEST(RouterFile, KindAndEmbeddingMustBelongTogether) {
  const std::string bytes = encode_router_file(lr_file()).value();
  const std::string length = encode_router_file(length_file()).value();
  EXPECT_THAT(error_of(edited(length, "\"source\":\"none\"", "\"source\":\"nope\"")),
              HasSubstr("'dimension'"));
  EXPECT_THAT(error_of(edited(bytes, "\"source\":\"static\"", "\"source\":\"none\"  ")),
              HasSubstr("'embed'"));
}

text::Features chars(uint64_t count) {
  text::Features features;
  features.prompt.chars = count;
  return features;
}

TEST(Estimator, LrEqualsTheFormulaWithTheScalerApart) {
  const RouterFile file = lr_file();
  const auto estimator = make_estimator(file);
  ASSERT_TRUE(estimator);
  Workspace workspace;
  Random random(4);
  for (int i = 0; i < 100; ++i) {
    const std::vector<float> x{static_cast<float>(random.uniform() * 4 - 2),
                               static_cast<float>(random.uniform()), 3.1F};
    double logit = -0.25;
    for (size_t j = 0; j < 3; ++j)
      logit += file.weights.at("coefficients")[j] *
               (double{x[j]} - file.weights.at("scaler_mean")[j]) /
               file.weights.at("scaler_scale")[j];
    EXPECT_NEAR((*estimator)->score({"", text::Features(), x}, workspace),
                1 / (1 + std::exp(-logit)), 1e-14);
  }
}

TEST(Estimator, LengthFollowsItsCurveAndRisesStrictly) {
  const auto estimator = make_estimator(length_file());
  ASSERT_TRUE(estimator);
  Workspace workspace;
  EXPECT_NEAR((*estimator)->score({"", chars(0), {}}, workspace), 0.2, 1e-12);
  // ln(1 + 99) lies 0.92103 of the way from the first knot to the second.
  EXPECT_NEAR((*estimator)->score({"", chars(99), {}}, workspace), 0.2 + 0.3 * std::log(100) / 5,
              1e-12);
  double last = -1;
  for (uint64_t count = 0; count < 100'000; count += 7) {
    const double score = (*estimator)->score({"", chars(count), {}}, workspace);
    EXPECT_GT(score, last);
    EXPECT_LT(score, 1);
    last = score;
  }
}

TEST(Estimator, RandomIsUniformAndStaysTheSameForAQuery) {
  RouterFile file = length_file();
  file.kind = Kind::kRandom;
  file.weights = {{"seed", {1}}};
  const auto one = make_estimator(file);
  file.weights = {{"seed", {2}}};
  const auto two = make_estimator(file);
  ASSERT_TRUE(one && two);
  Workspace workspace;
  double sum = 0;
  int differ = 0;
  constexpr int kQueries = 10'000;
  for (int i = 0; i < kQueries; ++i) {
    const std::string query = "query " + std::to_string(i);
    const double score = (*one)->score({query, chars(8), {}}, workspace);
    EXPECT_EQ(score, (*one)->score({query, chars(8), {}}, workspace));
    differ += score != (*two)->score({query, chars(8), {}}, workspace);
    sum += score;
  }
  EXPECT_NEAR(sum / kQueries, 0.5, 0.012);  // four standard errors
  EXPECT_EQ(differ, kQueries);
}

TEST(QueryHash, SurvivesCaseAccentsAndSpace) {
  EXPECT_EQ(query_hash("What  is\nLove?"), query_hash("what is love?"));
  EXPECT_EQ(query_hash("Über"), query_hash("uber"));
  EXPECT_NE(query_hash("what is love"), query_hash("what is love?"));
  EXPECT_NE(query_hash("1 2"), query_hash("12"));
  EXPECT_EQ(query_hash(""), query_hash("  \t"));
}

// Stored hashes must keep their meaning: a change here makes old files blind to leaks.
TEST(QueryHash, IsPinned) {
  EXPECT_EQ(query_hash("What is love?"), 4763312540076123259U);
}

}  // namespace
}  // namespace weir::model
