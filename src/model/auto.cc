#include "model/auto.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "model/estimators.h"
#include "model/sections.h"

namespace weir::model {
namespace {

constexpr double kLeastProbability = 1e-4;
constexpr size_t kMostMembers = 8;
// What every router with embedding pays before its estimator is asked: features and vector.
constexpr double kFeaturesCostUs = 8, kEmbeddingCostUs = 5;
constexpr double kCostPerAnchorUs = 0.015;  // one product of 256 int8 values

std::unexpected<Error> corrupt(std::string what) {
  return fail(ErrorCode::kCorrupt, std::move(what));
}

std::expected<std::vector<Kind>, Error> read_members(const RouterFile& file) {
  TRY_ASSIGN(std::string_view names, setting_of(file, section::kMembers));
  std::vector<Kind> members;
  while (!names.empty()) {
    const size_t end = std::min(names.find(' '), names.size());
    const auto kind = parse_kind(names.substr(0, end));
    if (!kind || *kind == Kind::kAuto || members.size() == kMostMembers)
      return corrupt(fmt::format("'{}' must name up to {} kinds", section::kMembers, kMostMembers));
    members.push_back(*kind);
    names.remove_prefix(std::min(end + 1, names.size()));
  }
  if (members.empty()) return corrupt(fmt::format("'{}' is empty", section::kMembers));
  return members;
}

// Infinite when no budget is set.
std::expected<double, Error> read_budget_us(const RouterFile& file) {
  const auto found = file.settings.find(section::kBudgetUs);
  if (found == file.settings.end()) return HUGE_VAL;
  const std::string& text = found->second;
  double budget = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), budget);
  if (error == std::errc{} && end == text.data() + text.size() && budget > 0) return budget;
  return corrupt(fmt::format("'{}' is '{}', must be a number above 0", section::kBudgetUs, text));
}

struct Member {
  std::unique_ptr<const Estimator> estimator;
  double weight = 0;
};

// Other kinds' scores, put together on the logit scale.
class AutoEstimator final : public Estimator {
 public:
  static MadeEstimator make(const RouterFile& file) {
    TRY_ASSIGN(const std::vector<Kind> kinds, read_members(file));
    TRY_ASSIGN(const double budget_us, read_budget_us(file));
    const size_t columns = kinds.size() + 3;
    TRY_ASSIGN(const std::vector<double> stacks,
               numbers_of(file, section::kStacks, kinds.size() * columns));
    AutoEstimator made;
    double cost_us = kFeaturesCostUs + kEmbeddingCostUs;
    size_t used = 0;
    for (; used < kinds.size(); ++used) {
      const RouterFile member = member_file(file, kinds[used]);
      cost_us += expected_cost_us(member);
      if (used > 0 && cost_us > budget_us) break;
      auto estimator = make_estimator(member);
      if (!estimator)
        return fail(estimator.error().code, fmt::format("member '{}': {}", to_string(kinds[used]),
                                                        estimator.error().message));
      made.members_.push_back({*std::move(estimator), 0});
    }
    const double* stack = &stacks[(used - 1) * columns];
    for (size_t i = 0; i < used; ++i)
      made.members_[i].weight = stack[i];
    std::erase_if(made.members_, [](const Member& member) { return member.weight == 0; });
    made.intercept_ = stack[kinds.size()];
    made.slope_ = stack[kinds.size() + 1], made.offset_ = stack[kinds.size() + 2];
    if (!(made.slope_ > 0))
      return corrupt(fmt::format("a slope in '{}' is not above 0", section::kStacks));
    return std::make_unique<const AutoEstimator>(std::move(made));
  }

  double score(const Inputs& inputs, Workspace& workspace) const noexcept override {
    double gap = intercept_;
    for (const Member& member : members_)
      gap += member.weight * member_logit(member.estimator->score(inputs, workspace));
    // They speak of one member's view, not of the ensemble's.
    workspace.estimates.clear();
    return 1 / (1 + std::exp(-(slope_ * gap + offset_)));
  }

 private:
  std::vector<Member> members_;
  double intercept_ = 0, slope_ = 0, offset_ = 0;
};

}  // namespace

double member_logit(double probability) noexcept {
  const double p = std::clamp(probability, kLeastProbability, 1 - kLeastProbability);
  return std::log(p / (1 - p));
}

RouterFile member_file(const RouterFile& file, Kind kind) {
  RouterFile member;
  member.kind = kind;
  member.trained = true;
  member.feature_spec = file.feature_spec;
  member.models = file.models;
  if (needs_embedding(kind_info(kind).needs)) member.embed = file.embed;
  const std::string prefix = fmt::format("{}/", to_string(kind));
  const auto take = [&](const auto& from, auto& to) {
    for (auto at = from.lower_bound(prefix); at != from.end() && at->first.starts_with(prefix);
         ++at)
      to.emplace(at->first.substr(prefix.size()), at->second);
  };
  take(file.weights, member.weights);
  take(file.blobs, member.blobs);
  take(file.settings, member.settings);
  return member;
}

double expected_cost_us(const RouterFile& member) {
  switch (member.kind) {
    case Kind::kNgram:
      return 10;
    case Kind::kLr:
    case Kind::kLength:
    case Kind::kRandom:
      return 1;
    default:
      break;
  }
  size_t bytes = 0;
  for (const auto& [name, blob] : member.blobs)
    bytes += blob.size();
  return 2 + kCostPerAnchorUs * static_cast<double>(bytes) /
                 static_cast<double>(std::max(1U, member.embed.dimension));
}

MadeEstimator make_auto(const RouterFile& file) {
  return AutoEstimator::make(file);
}

}  // namespace weir::model
