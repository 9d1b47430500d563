#include "catalog/usage.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace weir::catalog {
namespace {

__extension__ typedef __int128 Int128;

const PriceTier& tier_for(const Price& price, int64_t all_input_tokens) {
  const PriceTier* chosen = &price.tiers.front();
  for (const PriceTier& tier : price.tiers)
    if (all_input_tokens > tier.above_input_tokens) chosen = &tier;
  return *chosen;
}

// Decimal text of value / 10^digits, trailing zeros of the fraction cut down to two.
std::string format_scaled(int64_t value, int digits) {
  uint64_t scale = 1;
  for (int i = 0; i < digits; ++i)
    scale *= 10;
  const bool negative = value < 0;
  const uint64_t magnitude =
      negative ? uint64_t{0} - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  std::string fraction = fmt::format("{:0{}}", magnitude % scale, digits);
  while (fraction.size() > 2 && fraction.back() == '0')
    fraction.pop_back();
  return fmt::format("{}{}.{}", negative ? "-" : "", magnitude / scale, fraction);
}

}  // namespace

std::string_view to_string(UsageSource source) {
  switch (source) {
    case UsageSource::kReported:
      return "reported";
    case UsageSource::kEstimated:
      return "estimated";
    case UsageSource::kNone:
      return "none";
  }
  return "none";
}

std::optional<UsageSource> parse_usage_source(std::string_view name) {
  for (const auto source : {UsageSource::kReported, UsageSource::kEstimated, UsageSource::kNone})
    if (name == to_string(source)) return source;
  return std::nullopt;
}

std::optional<int64_t> cost_nanousd(const Price& price, const Usage& usage) {
  if (!price.known()) return std::nullopt;
  const int64_t plain = std::max<int64_t>(usage.input_tokens, 0);
  const int64_t read = std::max<int64_t>(usage.cache_read_tokens, 0);
  const int64_t write = std::max<int64_t>(usage.cache_write_tokens, 0);
  const int64_t write_1h = std::max<int64_t>(usage.cache_write_1h_tokens, 0);
  const int64_t output = std::max<int64_t>(usage.output_tokens, 0);
  const Int128 all_input = Int128{plain} + read + write + write_1h;
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();

  const PriceTier& tier =
      tier_for(price, all_input > kMost ? kMost : static_cast<int64_t>(all_input));
  const int64_t read_price = tier.cache_read_picousd.value_or(tier.input_picousd);
  const int64_t write_price = tier.cache_write_picousd.value_or(tier.input_picousd);
  const int64_t write_1h_price = tier.cache_write_1h_picousd.value_or(write_price);
  // Each product is below 2^126 and prices are far below 2^62, so the sum cannot overflow.
  const Int128 picousd = Int128{plain} * tier.input_picousd + Int128{read} * read_price +
                         Int128{write} * write_price + Int128{write_1h} * write_1h_price +
                         Int128{output} * tier.output_picousd;
  const Int128 nanousd = (picousd + 500) / 1000;
  return nanousd > kMost ? kMost : static_cast<int64_t>(nanousd);
}

std::string format_usd(int64_t amount_nanousd) {
  return format_scaled(amount_nanousd, 9);
}

std::string format_usd_per_million(int64_t price_picousd) {
  return format_scaled(price_picousd, 6);
}

}  // namespace weir::catalog
