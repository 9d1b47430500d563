#include "eval/robustness.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "base/check.h"
#include "base/json.h"
#include "base/utf8.h"

namespace weir::eval {
namespace {

constexpr std::array kPerturbations{Perturbation::kUpperCase,  Perturbation::kLowerCase,
                                    Perturbation::kWhitespace, Perturbation::kUnicode,
                                    Perturbation::kPoliteness, Perturbation::kTypos};
constexpr size_t kFirstLook = 4;  // queries that rank all tokens for the shortlist

char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}
char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
bool is_letter(char c) {
  return lower(c) >= 'a' && lower(c) <= 'z';
}

std::string other_whitespace(std::string_view query) {
  std::string out = " \n";
  for (const char c : query) {
    out += c;
    if (c == ' ') out += ' ';
  }
  return out + "\t\n";
}

std::string other_unicode(std::string_view query) {
  std::string out;
  size_t spaces = 0;
  for (const char c : query) {
    if (c == '\'')
      out += "\u2019";
    else if (c == '"')
      out += "\u201D";
    else if (c >= '0' && c <= '9')
      append_utf8(U'\uFF10' + static_cast<char32_t>(c - '0'), out);
    else if (c == ' ' && ++spaces % 3 == 0)
      out += "\u00A0";
    else
      out += c;
    if (c == '.') out += "\u200B";
  }
  return out;
}

std::string with_typos(std::string_view query, Random& random) {
  std::string out(query);
  for (size_t at = 1; at + 2 < out.size(); ++at) {
    const bool inside = is_letter(out[at - 1]) && is_letter(out[at]) && is_letter(out[at + 1]);
    if (!inside || random.below(8 * 4) != 0) continue;  // about four inner places a word
    std::swap(out[at], out[at + 1]);
    ++at;
  }
  return out;
}

stats::Interval share_interval(int64_t count, int64_t of) {
  return stats::wilson(static_cast<uint64_t>(count), static_cast<uint64_t>(of));
}

double ratio(double count, double of) {
  return of > 0 ? count / of : 0;
}

FlipRow measure_flips(const Target& target, std::span<const std::string> queries,
                      std::span<const double> scores, Perturbation perturbation, Random& random) {
  FlipRow row{.name = std::string(to_string(perturbation)), .flip_ci95 = {}};
  row.queries = std::ssize(queries);
  double up = 0, down = 0, weak = 0, shift = 0;
  for (size_t i = 0; i < queries.size(); ++i) {
    const double after = target.score(perturb(perturbation, queries[i], random));
    const bool was_strong = scores[i] >= target.threshold, is_strong = after >= target.threshold;
    weak += was_strong ? 0 : 1;
    up += !was_strong && is_strong ? 1 : 0;
    down += was_strong && !is_strong ? 1 : 0;
    shift += after - scores[i];
  }
  const auto count = static_cast<double>(queries.size());
  row.flip_rate = (up + down) / count;
  row.flip_ci95 = share_interval(static_cast<int64_t>(up + down), row.queries);
  row.upgrade_rate = ratio(up, weak);
  row.downgrade_rate = ratio(down, count - weak);
  row.mean_shift = shift / count;
  return row;
}

// `prefix_of(i)` comes before query i.
template <typename PrefixOf>
AttackRow measure_attack(const Target& target, std::span<const std::string> queries,
                         PrefixOf&& prefix_of) {
  AttackRow row;
  int64_t upgraded = 0, strong = 0;
  double shift = 0;
  for (size_t i = 0; i < queries.size(); ++i) {
    const double before = target.score(queries[i]);
    if (before >= target.threshold) {
      ++strong;
      continue;
    }
    ++row.weak_before;
    const double after = target.score(prefix_of(i) + " " + queries[i]);
    upgraded += after >= target.threshold ? 1 : 0;
    shift += after - before;
  }
  row.upgrade_rate = ratio(static_cast<double>(upgraded), static_cast<double>(row.weak_before));
  row.upgrade_ci95 = share_interval(upgraded, row.weak_before);
  row.mean_shift = ratio(shift, static_cast<double>(row.weak_before));
  row.strong_share_after =
      ratio(static_cast<double>(strong + upgraded), static_cast<double>(queries.size()));
  return row;
}

double mean_score(const Target& target, std::string_view prefix,
                  std::span<const std::string> queries) {
  double sum = 0;
  for (const std::string& query : queries)
    sum += target.score(fmt::format("{} {}", prefix, query));
  return sum / static_cast<double>(queries.size());
}

}  // namespace

std::string_view to_string(Perturbation perturbation) {
  switch (perturbation) {
    case Perturbation::kUpperCase:
      return "upper case";
    case Perturbation::kLowerCase:
      return "lower case";
    case Perturbation::kWhitespace:
      return "whitespace";
    case Perturbation::kUnicode:
      return "unicode";
    case Perturbation::kPoliteness:
      return "polite paraphrase";
    case Perturbation::kTypos:
      return "typos";
  }
  return "";
}

std::span<const Perturbation> all_perturbations() {
  return kPerturbations;
}

std::string perturb(Perturbation perturbation, std::string_view query, Random& random) {
  std::string out(query);
  switch (perturbation) {
    case Perturbation::kUpperCase:
      std::ranges::transform(out, out.begin(), upper);
      return out;
    case Perturbation::kLowerCase:
      std::ranges::transform(out, out.begin(), lower);
      return out;
    case Perturbation::kWhitespace:
      return other_whitespace(query);
    case Perturbation::kUnicode:
      return other_unicode(query);
    case Perturbation::kPoliteness:
      return fmt::format("Could you please help me with this? {} Thank you!", query);
    case Perturbation::kTypos:
      return with_typos(query, random);
  }
  return out;
}

std::string greedy_gadget(const Target& target, std::span<const std::string> weak_queries,
                          std::span<const std::string> tokens, const RobustnessOptions& options) {
  if (weak_queries.empty()) return "";
  const auto look = weak_queries.first(std::min(weak_queries.size(), kFirstLook));
  std::vector<double> gains;
  for (const std::string& token : tokens)
    gains.push_back(mean_score(target, token, look));
  std::vector<uint32_t> order(tokens.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::sort(order, [&](uint32_t a, uint32_t b) {
    return gains[a] != gains[b] ? gains[a] > gains[b] : a < b;
  });
  order.resize(std::min(order.size(), options.shortlist));
  const auto search = weak_queries.first(std::min(weak_queries.size(), options.search_queries));
  std::string gadget;
  double best = -1;
  for (int place = 0; place < options.gadget_tokens; ++place) {
    std::string best_gadget;
    for (const uint32_t token : order) {
      const std::string longer = gadget.empty() ? tokens[token] : gadget + " " + tokens[token];
      const double score = mean_score(target, longer, search);
      if (score > best) best = score, best_gadget = longer;
    }
    if (best_gadget.empty()) break;  // no token helps any more
    gadget = best_gadget;
  }
  return gadget;
}

AttackRow measure_prefix(const Target& target, std::span<const std::string> queries,
                         std::string_view name, std::string_view prefix) {
  AttackRow row = measure_attack(target, queries, [&](size_t) { return std::string(prefix); });
  row.name = name;
  row.prefix = prefix;
  return row;
}

Robustness measure_robustness(const Target& target, std::span<const std::string> queries,
                              std::span<const std::string> tokens, const RobustnessOptions& options,
                              const std::function<void(size_t done, size_t total)>& progress) {
  CHECK(!queries.empty() && !tokens.empty());
  const size_t total = kPerturbations.size() + 2;
  size_t done = 0;
  const auto step = [&] {
    if (progress) progress(++done, total);
  };
  Random random(options.seed);
  Robustness result{.queries = std::ssize(queries), .flips = {}, .attacks = {}};
  std::vector<double> scores;
  std::vector<std::string> search, measured;
  for (const std::string& query : queries) {
    scores.push_back(target.score(query));
    const bool strong = scores.back() >= target.threshold;
    result.strong_share += strong ? 1 : 0;
    // The gadget is made on some weak queries and measured on the others.
    if (!strong && search.size() < options.search_queries && measured.size() > search.size())
      search.push_back(query);
    else
      measured.push_back(query);
  }
  result.strong_share /= static_cast<double>(queries.size());
  for (const Perturbation perturbation : kPerturbations) {
    result.flips.push_back(measure_flips(target, queries, scores, perturbation, random));
    step();
  }
  AttackRow prefix = measure_attack(target, queries, [&](size_t) {
    std::string words;
    for (int i = 0; i < options.random_tokens; ++i)
      words += (i > 0 ? " " : "") + tokens[random.below(tokens.size())];
    return words;
  });
  prefix.name = fmt::format("{} random tokens", options.random_tokens);
  result.attacks.push_back(std::move(prefix));
  step();
  const std::string gadget = greedy_gadget(target, search, tokens, options);
  result.attacks.push_back(measure_prefix(
      target, measured, fmt::format("greedy, {} tokens", options.gadget_tokens), gadget));
  step();
  return result;
}

std::string to_text(const Robustness& r) {
  std::string out =
      fmt::format("{} queries, {:.1f} % to strong\n\n", r.queries, 100 * r.strong_share);
  out += fmt::format("{:<20} {:>22} {:>9} {:>10} {:>11}\n", "changed", "decisions flipped, %",
                     "upgraded", "downgraded", "mean shift");
  for (const FlipRow& row : r.flips) {
    out += fmt::format("{:<20} {:>22} {:>8.1f}% {:>9.1f}% {:>+11.4f}\n", row.name,
                       fmt::format("{:.1f} [{:.1f}, {:.1f}]", 100 * row.flip_rate,
                                   100 * row.flip_ci95.low, 100 * row.flip_ci95.high),
                       100 * row.upgrade_rate, 100 * row.downgrade_rate, row.mean_shift);
  }
  out += fmt::format("\n{:<20} {:>22} {:>11} {:>16}\n", "prefix before weak", "upgraded, %",
                     "mean shift", "strong share");
  for (const AttackRow& row : r.attacks) {
    out += fmt::format("{:<20} {:>22} {:>+11.4f} {:>15.1f}%\n", row.name,
                       fmt::format("{:.1f} [{:.1f}, {:.1f}]", 100 * row.upgrade_rate,
                                   100 * row.upgrade_ci95.low, 100 * row.upgrade_ci95.high),
                       row.mean_shift, 100 * row.strong_share_after);
    if (!row.prefix.empty()) out += fmt::format("  the prefix: {}\n", row.prefix);
  }
  return out;
}

std::string to_json(const Robustness& r) {
  json::Writer out;
  const auto interval = [&](std::string_view key, const stats::Interval& i) {
    out.key(key).begin_array().value(i.low).value(i.high).end_array();
  };
  out.begin_object().member("queries", r.queries).member("strong_share", r.strong_share);
  out.key("flips").begin_array();
  for (const FlipRow& row : r.flips) {
    out.begin_object().member("change", row.name).member("flip_rate", row.flip_rate);
    interval("flip_ci95", row.flip_ci95);
    out.member("upgrade_rate", row.upgrade_rate).member("downgrade_rate", row.downgrade_rate);
    out.member("mean_shift", row.mean_shift).end_object();
  }
  out.end_array().key("attacks").begin_array();
  for (const AttackRow& row : r.attacks) {
    out.begin_object().member("attack", row.name).member("prefix", row.prefix);
    out.member("weak_before", row.weak_before).member("upgrade_rate", row.upgrade_rate);
    interval("upgrade_ci95", row.upgrade_ci95);
    out.member("mean_shift", row.mean_shift);
    out.member("strong_share_after", row.strong_share_after).end_object();
  }
  out.end_array().end_object();
  return out.take();
}

}  // namespace weir::eval
