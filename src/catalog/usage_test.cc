#include "catalog/usage.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/random.h"

namespace weir::catalog {
namespace {

Price flat(int64_t input_picousd, int64_t output_picousd) {
  return {.tiers = {{.input_picousd = input_picousd, .output_picousd = output_picousd}},
          .version = "test"};
}

// Decimal long arithmetic on strings, the way one does it on paper: shares nothing with the code
// under test.
std::string multiply(int64_t a, int64_t b) {
  const std::string x = std::to_string(a), y = std::to_string(b);
  std::vector<int> digits(x.size() + y.size(), 0);
  for (size_t i = x.size(); i-- > 0;)
    for (size_t j = y.size(); j-- > 0;) {
      digits[i + j + 1] += (x[i] - '0') * (y[j] - '0');
      digits[i + j] += digits[i + j + 1] / 10;
      digits[i + j + 1] %= 10;
    }
  std::string out;
  for (const int d : digits)
    out.push_back(static_cast<char>('0' + d));
  return out;
}
std::string add(std::string a, std::string b) {
  const size_t n = std::max(a.size(), b.size()) + 1;
  a.insert(0, n - a.size(), '0');
  b.insert(0, n - b.size(), '0');
  int carry = 0;
  for (size_t i = n; i-- > 0;) {
    const int sum = a[i] - '0' + b[i] - '0' + carry;
    a[i] = static_cast<char>('0' + sum % 10);
    carry = sum / 10;
  }
  return a;
}
// Pico-dollars as decimal digits -> nano-dollars, half up.
int64_t to_nano(const std::string& pico) {
  const std::string rounded = add(pico, "500");
  return std::stoll("0" + rounded.substr(0, rounded.size() - 3));
}

TEST(Cost, OfTheReferencePricesIsExact) {
  // $15 and $0.80 per million tokens.
  const Price strong = flat(15'000'000, 15'000'000), weak = flat(800'000, 800'000);
  EXPECT_EQ(cost_nanousd(strong, {.input_tokens = 500}), 7'500'000);
  EXPECT_EQ(cost_nanousd(weak, {.input_tokens = 500}), 400'000);
  EXPECT_EQ(cost_nanousd(strong, {.input_tokens = 1'000'000}), 15'000'000'000);
}

TEST(Cost, NoCallRoundsToNothing) {
  // $0.02 per million: ten tokens cost a fifth of a micro-dollar.
  EXPECT_EQ(cost_nanousd(flat(20'000, 20'000), {.input_tokens = 10}), 200);
}

TEST(Cost, RoundsHalfUpOncePerCall) {
  EXPECT_EQ(cost_nanousd(flat(499, 1), {.input_tokens = 1}), 0);
  EXPECT_EQ(cost_nanousd(flat(499, 1), {.input_tokens = 1, .output_tokens = 1}), 1);
  EXPECT_EQ(cost_nanousd(flat(500, 1), {.input_tokens = 1}), 1);
  EXPECT_EQ(cost_nanousd(flat(1500, 1), {.input_tokens = 1}), 2);
}

TEST(Cost, UnknownPriceIsUnknownAndNeverZero) {
  EXPECT_EQ(cost_nanousd(Price{}, {.input_tokens = 5}), std::nullopt);
  EXPECT_EQ(cost_nanousd(Price{}, {}), std::nullopt);
  EXPECT_EQ(cost_nanousd(flat(1, 1), {}), 0);
}

TEST(Cost, EachBucketIsPricedOnceAndReasoningIsPartOfOutput) {
  Price price = flat(3'000'000, 15'000'000);
  price.tiers[0].cache_read_picousd = 300'000;
  price.tiers[0].cache_write_picousd = 3'750'000;
  price.tiers[0].cache_write_1h_picousd = 6'000'000;
  const Usage usage{.input_tokens = 1,
                    .cache_read_tokens = 10,
                    .cache_write_tokens = 100,
                    .cache_write_1h_tokens = 1000,
                    .output_tokens = 10'000,
                    .reasoning_tokens = 9'000};
  EXPECT_EQ(cost_nanousd(price, usage),
            3'000 + 10 * 300 + 100 * 3'750 + 1000 * 6'000 + 10'000 * 15'000);
}

TEST(Cost, CacheWithoutAPriceOfItsOwnCostsWhatInputCosts) {
  Price price = flat(2000, 9000);
  const Usage usage{.cache_read_tokens = 1, .cache_write_tokens = 10, .cache_write_1h_tokens = 100};
  EXPECT_EQ(cost_nanousd(price, usage), 2 * 111);
  price.tiers[0].cache_write_picousd = 5000;
  EXPECT_EQ(cost_nanousd(price, usage), 2 + 5 * 110);
}

TEST(Cost, ALengthTierPricesTheWholeCallAndCountsCachedInput) {
  Price price = flat(1000, 10'000);
  price.tiers.push_back(
      {.above_input_tokens = 200, .input_picousd = 2000, .output_picousd = 20'000});
  price.tiers.push_back(
      {.above_input_tokens = 400, .input_picousd = 3000, .output_picousd = 30'000});
  EXPECT_EQ(cost_nanousd(price, {.input_tokens = 200, .output_tokens = 1}), 210);
  EXPECT_EQ(cost_nanousd(price, {.input_tokens = 201, .output_tokens = 1}), 2 * 201 + 20);
  EXPECT_EQ(cost_nanousd(price, {.input_tokens = 1, .cache_read_tokens = 200}), 2 * 201);
  EXPECT_EQ(
      cost_nanousd(price,
                   {.cache_write_tokens = 300, .cache_write_1h_tokens = 101, .output_tokens = 2}),
      3 * 401 + 60);
}

TEST(Cost, NegativeCountsAreNothingAndHugeOnesSaturate) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(cost_nanousd(flat(1'000'000, 1'000'000), {.input_tokens = -5, .output_tokens = 1}),
            1000);
  EXPECT_EQ(
      cost_nanousd(flat(1'000'000'000, 1'000'000'000),
                   {.input_tokens = kMost, .cache_read_tokens = kMost, .output_tokens = kMost}),
      kMost);
}

TEST(Cost, AgreesWithPaperArithmeticOnRandomUsage) {
  Random random(7);
  for (int round = 0; round < 20'000; ++round) {
    const auto draw = [&](uint64_t bound) { return static_cast<int64_t>(random.below(bound)); };
    Price price = flat(draw(1'000'000'000), draw(1'000'000'000));
    PriceTier& tier = price.tiers[0];
    if (draw(2)) tier.cache_read_picousd = draw(100'000'000);
    if (draw(2)) tier.cache_write_picousd = draw(100'000'000);
    if (draw(2)) tier.cache_write_1h_picousd = draw(100'000'000);
    const Usage usage{.input_tokens = draw(3'000'000),
                      .cache_read_tokens = draw(3'000'000),
                      .cache_write_tokens = draw(3'000'000),
                      .cache_write_1h_tokens = draw(3'000'000),
                      .output_tokens = draw(3'000'000)};
    const int64_t write = tier.cache_write_picousd ? *tier.cache_write_picousd : tier.input_picousd;
    std::string pico = multiply(usage.input_tokens, tier.input_picousd);
    pico = add(pico, multiply(usage.output_tokens, tier.output_picousd));
    pico = add(pico,
               multiply(usage.cache_read_tokens,
                        tier.cache_read_picousd ? *tier.cache_read_picousd : tier.input_picousd));
    pico = add(pico, multiply(usage.cache_write_tokens, write));
    pico = add(pico, multiply(usage.cache_write_1h_tokens,
                              tier.cache_write_1h_picousd ? *tier.cache_write_1h_picousd : write));
    ASSERT_EQ(cost_nanousd(price, usage), to_nano(pico));
  }
}

TEST(FormatUsd, KeepsEveryNanoDollarAndAtLeastTwoDigits) {
  EXPECT_EQ(format_usd(4'231'000), "0.004231");
  EXPECT_EQ(format_usd(0), "0.00");
  EXPECT_EQ(format_usd(1), "0.000000001");
  EXPECT_EQ(format_usd(149'100'000'000'000), "149100.00");
  EXPECT_EQ(format_usd(-1'500'000'000), "-1.50");
  EXPECT_EQ(format_usd(std::numeric_limits<int64_t>::min()), "-9223372036.854775808");
  EXPECT_EQ(format_usd_per_million(1'250'000), "1.25");
  EXPECT_EQ(format_usd_per_million(37'500), "0.0375");
}

TEST(UsageSource, NamesRoundTrip) {
  for (const auto source : {UsageSource::kReported, UsageSource::kEstimated, UsageSource::kNone})
    EXPECT_EQ(parse_usage_source(to_string(source)), source);
  EXPECT_EQ(parse_usage_source("guessed"), std::nullopt);
}

}  // namespace
}  // namespace weir::catalog
