// Tokens and money. Tokens lie in disjoint buckets, so that a price applies to each exactly once:
// OpenAI's prompt_tokens includes cached tokens, Anthropic's input_tokens does not; wire normalises
// both before anything is priced.
// Money is int64 nano-dollars, prices are pico-dollars per token: at $0.02 per million tokens ten
// tokens cost 200 nano-dollars, and no call rounds to nothing. Values only, thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::catalog {

enum class UsageSource {
  kReported,   // the provider counted
  kEstimated,  // weir counted, because the provider did not say
  kNone,       // no call was made, or nothing is known
};
std::string_view to_string(UsageSource source);                        // "reported", ...
std::optional<UsageSource> parse_usage_source(std::string_view name);  // the inverse

struct Usage {
  int64_t input_tokens = 0;           // uncached input
  int64_t cache_read_tokens = 0;      // input served from the provider's cache
  int64_t cache_write_tokens = 0;     // input written to the cache (5 minutes)
  int64_t cache_write_1h_tokens = 0;  // input written to the cache (1 hour)
  int64_t output_tokens = 0;          // everything generated, reasoning included
  int64_t reasoning_tokens = 0;       // the part of output_tokens that was reasoning
  UsageSource source = UsageSource::kNone;
  std::string raw = {};  // the provider's usage object as it came, "" when none

  int64_t all_input_tokens() const {
    return input_tokens + cache_read_tokens + cache_write_tokens + cache_write_1h_tokens;
  }
};

// Pico-dollars per token. A length tier reprices the whole request once all input exceeds its line.
struct PriceTier {
  int64_t above_input_tokens = 0;
  int64_t input_picousd = 0;
  int64_t output_picousd = 0;
  std::optional<int64_t> cache_read_picousd = {}, cache_write_picousd = {},
                         cache_write_1h_picousd = {};
};

// tiers[0] is the base price (above_input_tokens 0); further tiers ascend. No tiers: price unknown.
struct Price {
  std::vector<PriceTier> tiers = {};
  std::string version = {};  // where it comes from, e.g. "litellm-1.80.0" or "config"
  bool known() const { return !tiers.empty(); }
};

// Cost in nano-dollars, each call rounded half up once, after summing exact pico-dollars.
// nullopt when the price is unknown: unknown is never 0. A cache bucket without a price of its own
// costs what uncached input costs; an hour's cache write without one costs what a 5 minute write
// costs. The tier is chosen by all input tokens and prices the whole call, output included.
// Reasoning tokens are a part of output and cost nothing more. Negative counts count as 0; an
// amount beyond int64 saturates. Repricing for a comparison is the same function with the other
// model's price: the tokens that were counted stay as they are.
std::optional<int64_t> cost_nanousd(const Price& price, const Usage& usage);

// "0.004231" dollars: nano-dollars as a decimal string with nine fraction digits, trailing zeros
// cut to at least two.
std::string format_usd(int64_t amount_nanousd);

// Pico-dollars a token as dollars per million tokens, exactly: 1250000 -> "1.25".
std::string format_usd_per_million(int64_t price_picousd);

}  // namespace weir::catalog
