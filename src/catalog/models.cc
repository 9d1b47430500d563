#include "catalog/models.h"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <utility>

#include "base/check.h"
#include "catalog/table.h"

namespace weir::catalog {
namespace {

constexpr size_t kLongestNearName = 256;

// Takes the next field of a line of the built-in table.
std::string_view next_field(std::string_view& line) {
  const size_t end = std::min(line.find(' '), line.size());
  const std::string_view field = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  CHECK(!field.empty());
  return field;
}

int64_t next_number(std::string_view& line) {
  const std::string_view field = next_field(line);
  int64_t number = 0;
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), number);
  CHECK(error == std::errc() && end == field.data() + field.size());
  return number;
}

std::optional<int64_t> next_optional(std::string_view& line) {
  if (line.starts_with('-')) {
    next_field(line);
    return std::nullopt;
  }
  return next_number(line);
}

PriceTier read_tier(int64_t above_input_tokens, std::string_view line) {
  PriceTier tier{.above_input_tokens = above_input_tokens};
  tier.input_picousd = next_number(line);
  tier.output_picousd = next_number(line);
  tier.cache_read_picousd = next_optional(line);
  tier.cache_write_picousd = next_optional(line);
  tier.cache_write_1h_picousd = next_optional(line);
  CHECK(line.empty());
  return tier;
}

void read_capabilities(std::string_view letters, Model& model) {
  model.facts_known = letters != "?";
  for (const auto& [letter, capability] :
       {std::pair{'t', Capability::kTools}, std::pair{'i', Capability::kImages},
        std::pair{'s', Capability::kJsonSchema}, std::pair{'r', Capability::kThinking}})
    if (letters.find(letter) != letters.npos)
      model.capabilities |= 1u << static_cast<unsigned>(capability);
}

// "litellm 1.109.1, 2026-11-23" -> "litellm-1.109.1", short enough for every row of the ledger.
std::string price_version() {
  std::string version(kTableVersion.substr(0, kTableVersion.find(',')));
  std::ranges::replace(version, ' ', '-');
  return version;
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, replaced}));
    }
  }
  return row[b.size()];
}

}  // namespace

std::string_view to_string(Capability capability) {
  switch (capability) {
    case Capability::kTools:
      return "tools";
    case Capability::kImages:
      return "images";
    case Capability::kJsonSchema:
      return "json_schema";
    case Capability::kThinking:
      return "thinking";
  }
  return "unknown";
}

Catalog Catalog::built_in() {
  Catalog catalog;
  const std::string version = price_version();
  Model* last = nullptr;
  for (std::string_view rest = kTable; !rest.empty();) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.empty()) continue;
    const std::string_view name = next_field(line);
    if (name == "+") {
      CHECK(last != nullptr);
      const int64_t above = next_number(line);
      CHECK(above > last->price.tiers.back().above_input_tokens);
      last->price.tiers.push_back(read_tier(above, line));
      continue;
    }
    Model model{.name = std::string(name)};
    model.context_tokens = next_number(line);
    model.max_output_tokens = next_number(line);
    read_capabilities(next_field(line), model);
    model.price = {.tiers = {read_tier(0, line)}, .version = version};
    last = &(catalog.models_[model.name] = std::move(model));
  }
  return catalog;
}

void Catalog::put(Model model) {
  std::string name = model.name;
  models_[std::move(name)] = std::move(model);
}

const Model* Catalog::find(std::string_view name) const {
  const auto found = models_.find(name);
  return found == models_.end() ? nullptr : &found->second;
}

Model Catalog::get_or_unknown(std::string_view name) const {
  if (const Model* model = find(name)) return *model;
  return Model{.name = std::string(name)};
}

std::vector<std::string> Catalog::near(std::string_view name, size_t limit) const {
  std::vector<std::string> names;
  names.reserve(models_.size());
  for (const auto& [key, model] : models_)
    names.push_back(key);
  return nearest_names(name, names, limit);
}

std::string_view Catalog::table_version() {
  return kTableVersion;
}

std::vector<std::string> nearest_names(std::string_view name,
                                       const std::vector<std::string>& candidates, size_t limit) {
  if (name.size() > kLongestNearName) return {};
  std::vector<std::pair<size_t, size_t>> found;  // distance, index
  for (size_t i = 0; i < candidates.size(); ++i) {
    const size_t apart = candidates[i].size() > name.size() ? candidates[i].size() - name.size()
                                                            : name.size() - candidates[i].size();
    if (apart > name.size() / 2) continue;
    const size_t distance = edit_distance(name, candidates[i]);
    if (distance <= name.size() / 2) found.emplace_back(distance, i);
  }
  std::ranges::sort(found);
  std::vector<std::string> nearest;
  for (const auto& [distance, index] : found) {
    if (nearest.size() == limit) break;
    nearest.push_back(candidates[index]);
  }
  return nearest;
}

}  // namespace weir::catalog
