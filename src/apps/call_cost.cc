#include "apps/call_cost.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <charconv>

#include "catalog/estimate.h"
#include "catalog/models.h"

namespace weir::apps {
namespace {

std::optional<double> parse_number(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || !(number >= 0))
    return std::nullopt;
  return number;
}

std::expected<CallCost, Error> cost_of_price(std::string_view option, const std::string& text,
                                             const CallTokens& tokens) {
  TRY_ASSIGN(const NumberPair price, parse_pair(option, text));
  if (price.second && tokens.blended)
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} has a price for output, so --tokens needs input,output", option));
  return CallCost{
      (tokens.input * price.first + tokens.output * price.second.value_or(price.first)) / 1e6,
      fmt::format("${} per million tokens", text)};
}

std::expected<CallCost, Error> cost_of_model(std::string_view option, const std::string& name,
                                             const CallTokens& tokens) {
  const catalog::Catalog catalog = catalog::Catalog::built_in();
  const catalog::Model* model = catalog.find(name);
  if (model == nullptr) {
    const auto near = catalog.near(name);
    return fail(
        ErrorCode::kNotFound,
        fmt::format("{} '{}': no price is known for it{}; {}-price takes one", option, name,
                    near.empty() ? "" : fmt::format(", near names: {}", fmt::join(near, ", ")),
                    option));
  }
  if (tokens.blended)
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("{} '{}' has a price for output, so give --tokens input,output", option, name));
  const auto usd = catalog::call_usd(model->price, tokens.input, tokens.output);
  if (!usd) return fail(ErrorCode::kNotFound, fmt::format("the price of '{}' is unknown", name));
  const catalog::PriceTier& base = model->price.tiers.front();
  return CallCost{*usd, fmt::format("{}: ${} in, ${} out per million ({})", name,
                                    catalog::format_usd_per_million(base.input_picousd),
                                    catalog::format_usd_per_million(base.output_picousd),
                                    catalog::Catalog::table_version())};
}

// "MODEL=0.5,1.5" among the prices of any model; empty when it is not there.
std::string listed_price(const CostOptions& options, const std::string& model) {
  for (const std::string& text : options.prices)
    if (text.starts_with(model + "=")) return text.substr(model.size() + 1);
  return "";
}

// One side of the pair: by its price or call cost, else by name.
std::expected<CallCost, Error> cost_of_side(std::string_view option, const std::string& name,
                                            std::string price, std::optional<double> call_usd,
                                            const CostOptions& options, const CallTokens& tokens) {
  if (price.empty() && !call_usd) price = listed_price(options, name);
  const bool by_name = price.empty() && !call_usd;
  return call_cost(option, by_name ? name : "", price, call_usd, tokens);
}

std::expected<CallTokens, Error> tokens_of(const CostOptions& options, const CallTokens& measured) {
  if (options.tokens.empty()) return measured;
  TRY_ASSIGN(const NumberPair pair, parse_pair("--tokens", options.tokens));
  return CallTokens{pair.first, pair.second.value_or(0), !pair.second, "as given"};
}

}  // namespace

std::expected<NumberPair, Error> parse_pair(std::string_view option, std::string_view text) {
  const size_t comma = text.find(',');
  const auto first = parse_number(text.substr(0, comma));
  const auto second = comma == text.npos ? std::nullopt : parse_number(text.substr(comma + 1));
  if (!first || (comma != text.npos && !second))
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("{} '{}': give one number, or two with a comma (input,output)", option, text));
  return NumberPair{*first, second};
}

std::expected<CallCost, Error> call_cost(std::string_view option, const std::string& model,
                                         const std::string& price, std::optional<double> call_usd,
                                         const CallTokens& tokens) {
  if (!model.empty() + !price.empty() + call_usd.has_value() != 1)
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("give exactly one of {0} MODEL, {0}-price and {0}-call-usd", option));
  if (call_usd) return CallCost{*call_usd, "as given"};
  if (!price.empty()) return cost_of_price(std::string(option) + "-price", price, tokens);
  return cost_of_model(option, model, tokens);
}

void add_cost_options(CLI::App& app, CostOptions& o) {
  app.add_option("--tokens", o.tokens,
                 "of one query: INPUT,OUTPUT or one blended number (default: as in the rows)");
  app.add_option("--weak-price", o.weak_price,
                 "dollars per million tokens of the weak model: INPUT,OUTPUT or one");
  app.add_option("--strong-price", o.strong_price, "the same for the strong model");
  app.add_option("--weak-call-usd", o.weak_call_usd, "dollars of one call, in place of a price")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--strong-call-usd", o.strong_call_usd, "the same for the strong model")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--price", o.prices, "of any model, repeated: MODEL=INPUT,OUTPUT")->take_all();
  app.add_option("--router-usd", o.router_usd, "dollars of one decision")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
}

std::expected<std::optional<eval::CallCosts>, Error> read_costs(const CostOptions& options,
                                                                const std::string& weak,
                                                                const std::string& strong,
                                                                const CallTokens& measured) {
  if (!options.given()) return std::nullopt;
  TRY_ASSIGN(const CallTokens tokens, tokens_of(options, measured));
  TRY_ASSIGN(const CallCost weak_cost, cost_of_side("--weak", weak, options.weak_price,
                                                    options.weak_call_usd, options, tokens));
  TRY_ASSIGN(const CallCost strong_cost, cost_of_side("--strong", strong, options.strong_price,
                                                      options.strong_call_usd, options, tokens));
  if (!(strong_cost.usd > weak_cost.usd)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("a strong call costs ${:.6g}, not more than a weak one at ${:.6g}: "
                            "there is nothing to save",
                            strong_cost.usd, weak_cost.usd));
  }
  return eval::CallCosts{weak_cost.usd, strong_cost.usd, options.router_usd};
}

std::expected<double, Error> price_of(const CostOptions& options, const std::string& model,
                                      const CallTokens& measured) {
  TRY_ASSIGN(const CallTokens tokens, tokens_of(options, measured));
  TRY_ASSIGN(const CallCost cost,
             cost_of_side("--price", model, "", std::nullopt, options, tokens));
  return cost.usd;
}

}  // namespace weir::apps
