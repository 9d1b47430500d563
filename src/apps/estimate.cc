// weir estimate: what routing would save, before anything is deployed.
#include "catalog/estimate.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <optional>

#include "apps/call_cost.h"
#include "apps/commands.h"
#include "base/files.h"
#include "base/json.h"
#include "base/utf8.h"

namespace weir::apps {
namespace {

using catalog::Estimate;
using catalog::EstimateInput;

// What given rules of thumb assume when nothing better is known.
constexpr double kDefaultTokens = 500;
constexpr double kCharactersPerToken = 4;

struct Options {
  std::string queries_file;
  std::string tokens;
  std::string weak, strong, weak_price, strong_price;
  std::optional<double> weak_call_usd, strong_call_usd;
  std::optional<double> quality_easy, quality_hard;
  std::optional<double> misroute;
  double output_tokens = 300;
  bool cascade = false;
  bool json = false;
  EstimateInput input;
};

struct QueryCount {
  int64_t queries = 0;
  double characters = 0;
};

// A JSONL row's `query`, else the line itself.
std::string query_of(std::string_view line) {
  if (!line.starts_with('{')) return std::string(line);
  const auto row = json::Document::parse(std::string(line));
  auto query = row ? row->root()["query"].as_string() : std::nullopt;
  return query ? *std::move(query) : std::string(line);
}

// The first byte that no text holds: NUL, or one that is not UTF-8.
std::optional<size_t> find_no_text(std::string_view bytes) {
  for (size_t position = 0; position < bytes.size();) {
    const size_t begin = position;
    const char32_t character = decode_utf8(bytes, position);
    if (character == 0) return begin;
    const bool written_so = bytes.substr(begin, position - begin) == "\xEF\xBF\xBD";
    if (character == kReplacementCharacter && !written_so) return begin;
  }
  return std::nullopt;
}

std::expected<QueryCount, Error> count_queries(const std::string& file) {
  TRY_ASSIGN(const std::string content, read_maybe_gzip(file));
  if (const auto at = find_no_text(content)) {
    const char* what = content[*at] == '\0' ? "a NUL byte" : "not UTF-8";
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is no text ({} at byte {}): give JSONL rows with `query` or plain "
                            "lines, in UTF-8, gzip or not",
                            file, what, *at));
  }
  QueryCount count;
  for (std::string_view rest = content; !rest.empty();) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.find_first_not_of(" \t\r") == line.npos) continue;
    ++count.queries;
    count.characters += static_cast<double>(count_utf8(query_of(line)));
  }
  if (count.queries == 0)
    return fail(ErrorCode::kInvalidArgument, fmt::format("{} holds no query", file));
  return count;
}

std::expected<CallTokens, Error> tokens_of(const Options& options,
                                           const std::optional<QueryCount>& count) {
  if (!options.tokens.empty()) {
    TRY_ASSIGN(const NumberPair pair, parse_pair("--tokens", options.tokens));
    return CallTokens{pair.first, pair.second.value_or(0), !pair.second, "as given"};
  }
  if (count)
    return CallTokens{
        .input = count->characters / static_cast<double>(count->queries) / kCharactersPerToken,
        .output = options.output_tokens,
        .origin = fmt::format("input: characters / {:.0f}; output: assumed", kCharactersPerToken)};
  return CallTokens{.input = kDefaultTokens, .blended = true, .origin = "assumed"};
}

std::expected<void, Error> set_quality(Options& options) {
  const double misroute = options.misroute.value_or(0);
  if (misroute > 0 && !options.quality_hard)
    return fail(ErrorCode::kInvalidArgument, "--misroute needs --quality-hard");
  if (!options.quality_easy) {
    if (!options.quality_hard && !options.misroute) return {};
    return fail(ErrorCode::kInvalidArgument, "--quality-hard and --misroute need --quality-easy");
  }
  options.input.quality =
      catalog::QualityAssumption{*options.quality_easy, options.quality_hard.value_or(0), misroute};
  return {};
}

void print_json(const Options& options, const Estimate& e) {
  json::Writer out;
  const auto optional = [&](std::string_view key, const auto& value) {
    out.key(key);
    if (value)
      out.value(*value);
    else
      out.null();
  };
  out.begin_object();
  optional("n_queries", e.n_queries);
  out.member("weak_fraction", options.input.weak_share);
  out.member("all_strong_monthly_cost_usd", e.all_strong_usd);
  out.member("routed_monthly_cost_usd", e.routed_usd);
  out.member("monthly_savings_usd", e.saved_usd);
  out.member("cost_reduction_multiplier", e.cost_reduction);
  out.member("strong_per_call_usd", options.input.strong_call_usd);
  out.member("weak_per_call_usd", options.input.weak_call_usd);
  out.member("cost_ratio", e.cost_ratio);
  optional("expected_quality", e.expected_quality);
  optional("contract_met", e.contract_met);
  optional("max_weak_fraction", e.max_weak_fraction);
  out.member("strategy", options.cascade ? "cascade" : "routing").end_object();
  fmt::print("{}\n", out.text());
}

void print_row(std::string_view label, const std::string& value) {
  fmt::print("  {:<28}{}\n", label, value);
}

// Groups of three: 149100.4 -> "$149,100.40".
std::string dollars(double usd) {
  std::string text = fmt::format("{:.2f}", usd);
  const size_t first = text.starts_with('-') ? 1 : 0;
  for (size_t i = text.size() - 3; i > first + 3;)
    text.insert(i -= 3, ",");
  return text.insert(first, "$");
}

void print_text(const Options& options, const CallTokens& tokens, const CallCost& weak,
                const CallCost& strong, const Estimate& e) {
  const EstimateInput& in = options.input;
  fmt::print("weir estimate ({})\n\n", options.cascade ? "cascade" : "routing");
  if (e.n_queries) print_row("queries a day", fmt::format("{:.0f}", *e.n_queries));
  print_row(
      "tokens a query",
      tokens.blended
          ? fmt::format("{:.0f}, input and output together ({})", tokens.input, tokens.origin)
          : fmt::format("{:.0f} in, {:.0f} out ({})", tokens.input, tokens.output, tokens.origin));
  print_row("weak call", fmt::format("${:.6g}  ({})", in.weak_call_usd, weak.origin));
  print_row("strong call", fmt::format("${:.6g}  ({})", in.strong_call_usd, strong.origin));
  print_row("price ratio", fmt::format("{:.2f}", e.cost_ratio));
  print_row("weak share", fmt::format("{:.1f} %", 100 * in.weak_share));
  fmt::print("\n");
  const std::string month = fmt::format("({:g} days)", in.days);
  print_row("all strong " + month, dollars(e.all_strong_usd));
  print_row("routed " + month, dollars(e.routed_usd));
  print_row("saved " + month, fmt::format("{} ({:.1f} %)", dollars(e.saved_usd),
                                          100 * e.saved_usd / e.all_strong_usd));
  print_row("cost reduction", fmt::format("{:.3f}x", e.cost_reduction));
  if (e.expected_quality) {
    fmt::print("\n");
    print_row("expected quality",
              fmt::format("{:.4f} of all strong ({} {:g})", *e.expected_quality,
                          *e.contract_met ? "keeps" : "does NOT keep", in.keep));
    print_row("largest weak share",
              fmt::format("{:.1f} % keeps {:g}", 100 * *e.max_weak_fraction, in.keep));
  }
  fmt::print(
      "\nAn expectation from the numbers above. Left out: the router's own cost, lost prompt "
      "cache,\n"
      "retries, and that a strong model may write more. {}\n",
      e.expected_quality ? "The quality is as good as its assumptions."
                         : "A saving says nothing about quality: see --quality-easy.");
}

std::expected<void, Error> run(Options& options) {
  std::optional<QueryCount> count;
  if (!options.queries_file.empty()) {
    TRY_ASSIGN(count, count_queries(options.queries_file));
    if (options.input.queries_per_day)
      return fail(ErrorCode::kInvalidArgument, "give --queries or --queries-per-day, not both");
    // With a monthly bill the file only tells how long the queries are.
    if (!options.input.monthly_usd)
      options.input.queries_per_day = static_cast<double>(count->queries);
  }
  TRY_ASSIGN(const CallTokens tokens, tokens_of(options, count));
  TRY_ASSIGN(const CallCost weak,
             call_cost("--weak", options.weak, options.weak_price, options.weak_call_usd, tokens));
  TRY_ASSIGN(const CallCost strong, call_cost("--strong", options.strong, options.strong_price,
                                              options.strong_call_usd, tokens));
  options.input.weak_call_usd = weak.usd;
  options.input.strong_call_usd = strong.usd;
  options.input.strategy =
      options.cascade ? catalog::Strategy::kCascade : catalog::Strategy::kRouting;
  TRY(set_quality(options));
  TRY_ASSIGN(const Estimate result, catalog::estimate(options.input));
  if (options.json)
    print_json(options, result);
  else
    print_text(options, tokens, weak, strong, result);
  return {};
}

void add_options(CLI::App& app, Options& o) {
  app.add_option("--queries", o.queries_file,
                 "a day's queries: JSONL rows with `query` or plain lines, gzip or not");
  app.add_option("--queries-per-day", o.input.queries_per_day, "how many, without a file");
  app.add_option("--monthly-usd", o.input.monthly_usd, "or what all-strong costs a month today");
  app.add_option("--tokens", o.tokens, "of one query: INPUT,OUTPUT or one blended number");
  app.add_option("--output-tokens", o.output_tokens, "of one answer, with --queries")
      ->capture_default_str();
  app.add_option("--weak", o.weak, "a model of the price table");
  app.add_option("--strong", o.strong, "a model of the price table");
  app.add_option("--weak-price", o.weak_price, "dollars per million tokens: INPUT,OUTPUT or one");
  app.add_option("--strong-price", o.strong_price, "the same for the strong model");
  app.add_option("--weak-call-usd", o.weak_call_usd, "dollars of one call, in place of a price");
  app.add_option("--strong-call-usd", o.strong_call_usd, "the same for the strong model");
  app.add_option("--weak-share", o.input.weak_share, "share answered by the weak model alone")
      ->capture_default_str();
  app.add_option("--days", o.input.days, "of a month")->capture_default_str();
  app.add_option("--quality-easy", o.quality_easy, "weak quality on queries it should get (0..1)");
  app.add_option("--quality-hard", o.quality_hard, "weak quality on queries it should not get");
  app.add_option("--misroute", o.misroute, "share of the weak calls that it should not get");
  app.add_option("--keep", o.input.keep, "quality to keep, relative to all strong")
      ->capture_default_str();
  app.add_flag("--cascade", o.cascade, "weak always, strong for what fails a check");
  app.add_option("--verify-share", o.input.verify_share,
                 "cascade: cost of the check in units of a strong call")
      ->capture_default_str();
  app.add_flag("--json", o.json, "print JSON");
}

}  // namespace

int run_estimate(Arguments arguments) {
  Options options;
  CLI::App app(
      "What routing would save before it is deployed. Example:\n"
      "  weir estimate --queries-per-day 1000000 --tokens 400,100 \\\n"
      "    --weak claude-haiku-4-5 --strong claude-opus-4-6 --weak-share 0.7",
      "weir estimate");
  add_options(app, options);
  if (const auto parsed = parse_arguments(app, arguments); !parsed) return parsed.error();
  const auto done = run(options);
  if (!done) return report_failure(done.error());
  return 0;
}

}  // namespace weir::apps
