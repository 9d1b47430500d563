// Facts about models: what they can take and what they cost. The built-in table is generated from a
// published price list by tools/prices (its version and date stand in table_version()); the
// configuration overrides single entries. docs/prices.md.
// A Catalog is immutable once built: share it freely between threads.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/usage.h"

namespace weir::catalog {

enum class Capability : uint8_t { kTools, kImages, kJsonSchema, kThinking };
std::string_view to_string(Capability capability);

struct Model {
  std::string name = {};          // as the provider spells it
  int64_t context_tokens = 0;     // most input tokens; 0: unknown, not checked
  int64_t max_output_tokens = 0;  // 0: unknown, not checked
  // Bit per Capability; facts_known false means that no capability is ever refused.
  uint32_t capabilities = 0;
  bool facts_known = false;
  Price price = {};

  bool has(Capability c) const { return (capabilities >> static_cast<int>(c) & 1u) != 0; }
};

class Catalog {
 public:
  // The table that is compiled in.
  static Catalog built_in();

  void put(Model model);                           // adds or replaces, before sharing
  const Model* find(std::string_view name) const;  // nullptr when unknown
  // The entry, or one with that name and nothing known.
  Model get_or_unknown(std::string_view name) const;
  // At most `limit` known names, nearest by edit distance first.
  std::vector<std::string> near(std::string_view name, size_t limit = 3) const;
  static std::string_view table_version();  // "litellm 1.109.1, 2026-11-23": for reports
  size_t size() const { return models_.size(); }

 private:
  std::map<std::string, Model, std::less<>> models_;
};

// Names of `candidates` nearest to `name` (Levenshtein, case-insensitive), closest first and then
// in the candidates' order, at most `limit`, none farther than half the name's length. Nothing is
// near to a name of more than 256 bytes.
std::vector<std::string> nearest_names(std::string_view name,
                                       const std::vector<std::string>& candidates,
                                       size_t limit = 3);

}  // namespace weir::catalog
