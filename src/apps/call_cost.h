// What one call of a model costs, from the options by which estimate, eval and calibrate take
// prices. Pure functions, thread-safe.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "eval/cost_multiplier.h"

namespace CLI {
class App;
}

namespace weir::apps {

struct NumberPair {
  double first = 0;
  std::optional<double> second = {};
};

// "500" or "400,100", none below 0. Fails: kInvalidArgument, naming `option`.
[[nodiscard]] std::expected<NumberPair, Error> parse_pair(std::string_view option,
                                                          std::string_view text);

struct CallTokens {
  double input = 0, output = 0;
  bool blended = false;  // input counts both
  std::string origin = {};
};

struct CallCost {
  double usd = 0;
  std::string origin = {};  // for people
};

// Of exactly one of: `model` in the price table, `price` in dollars per million tokens, `call_usd`.
// `option` is the name in messages ("--weak"). Fails: kInvalidArgument, kNotFound.
[[nodiscard]] std::expected<CallCost, Error> call_cost(std::string_view option,
                                                       const std::string& model,
                                                       const std::string& price,
                                                       std::optional<double> call_usd,
                                                       const CallTokens& tokens);

// Prices of the two models of labelled data.
struct CostOptions {
  std::string tokens;
  std::string weak_price, strong_price;
  std::optional<double> weak_call_usd, strong_call_usd;
  double router_usd = 0;
  std::vector<std::string> prices;  // of any model: MODEL=INPUT,OUTPUT

  bool given() const {
    return !tokens.empty() || !prices.empty() || !weak_price.empty() || !strong_price.empty() ||
           weak_call_usd || strong_call_usd;
  }
};

// `options` must live until the arguments are parsed.
void add_cost_options(CLI::App& app, CostOptions& options);

// nullopt when no option names a cost. A model without price and call cost is looked up by its
// name. `measured` stands in for --tokens. Fails as call_cost; kInvalidArgument when strong is not
// dearer than weak.
[[nodiscard]] std::expected<std::optional<eval::CallCosts>, Error> read_costs(
    const CostOptions& options, const std::string& weak, const std::string& strong,
    const CallTokens& measured);

// Of one more model, by --price or by its name in the table. Fails as call_cost.
[[nodiscard]] std::expected<double, Error> price_of(const CostOptions& options,
                                                    const std::string& model,
                                                    const CallTokens& measured);

}  // namespace weir::apps
