// How easily words that change nothing change a router's decision: perturbations that keep the
// meaning, and prefixes that push queries up to the strong model (rerouting attacks: Shafran et
// al., arXiv 2501.01818). docs/robustness.md. Pure for a given seed where the scorer is; one
// thread.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "stats/interval.h"

namespace weir::eval {

enum class Perturbation {
  kUpperCase,  // ASCII letters
  kLowerCase,
  kWhitespace,  // spaces doubled, line breaks and tabs around
  kUnicode,     // curly quotes, full-width digits, non-breaking and zero-width spaces
  kPoliteness,  // a rule-made paraphrase: "Could you please help me with this? ... Thank you!"
  kTypos,       // two neighbouring letters swapped in one word of eight
};
std::string_view to_string(Perturbation perturbation);
std::span<const Perturbation> all_perturbations();

// The same query in other clothes. Valid UTF-8 stays valid.
std::string perturb(Perturbation perturbation, std::string_view query, Random& random);

// A router under test: P(strong needed) of a query's words; strong where >= threshold.
struct Target {
  std::function<double(std::string_view)> score;
  double threshold = 0.5;

  bool to_strong(std::string_view query) const { return score(query) >= threshold; }
};

struct FlipRow {
  std::string name;
  int64_t queries = 0;
  double flip_rate = 0;  // decision differs
  stats::Interval flip_ci95;
  double upgrade_rate = 0;    // of those weak before, now strong
  double downgrade_rate = 0;  // of those strong before, now weak
  double mean_shift = 0;      // of the score
};

struct AttackRow {
  std::string name;
  std::string prefix;  // the greedy gadget; empty where every query has its own
  int64_t weak_before = 0;
  double upgrade_rate = 0;  // P(strong | prefix + query, weak before)
  stats::Interval upgrade_ci95;
  double mean_shift = 0;
  double strong_share_after = 0;  // of all queries, the attacked ones with the prefix
};

struct RobustnessOptions {
  uint64_t seed = 0;
  int random_tokens = 5;       // of a random prefix
  int gadget_tokens = 5;       // of the greedy one
  size_t search_queries = 24;  // weak queries that the gadget is made on, apart from those it is
                               // measured on
  size_t shortlist = 64;       // tokens that are tried at every place
};

struct Robustness {
  int64_t queries = 0;
  double strong_share = 0;
  std::vector<FlipRow> flips;
  std::vector<AttackRow> attacks;  // random prefix, greedy gadget
};

// `tokens`: words to build prefixes from. White box: the gadget search asks the scorer as often as
// it likes: every token once behind a few queries, then the best of the shortlist place by place.
// Requires at least one query and one token.
Robustness measure_robustness(const Target& target, std::span<const std::string> queries,
                              std::span<const std::string> tokens, const RobustnessOptions& options,
                              const std::function<void(size_t done, size_t total)>& progress = {});

// The gadget that `measure_robustness` searches, for tests and for transfer between routers.
std::string greedy_gadget(const Target& target, std::span<const std::string> weak_queries,
                          std::span<const std::string> tokens, const RobustnessOptions& options);

// What a prefix does to the queries that `target` sends to weak.
AttackRow measure_prefix(const Target& target, std::span<const std::string> queries,
                         std::string_view name, std::string_view prefix);

std::string to_text(const Robustness& robustness);
std::string to_json(const Robustness& robustness);  // keys: docs/robustness.md

}  // namespace weir::eval
