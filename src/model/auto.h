// The parts of kind auto that training and serving share. Its members are other kinds, each with
// its own sections under its name and a slash ("ngram/intercept"). Pure, thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <expected>
#include <string_view>

#include "base/error.h"
#include "model/estimator.h"
#include "model/router_file.h"

namespace weir::model {

namespace section {
// A setting: the names of the members, cheapest first, separated by blanks.
inline constexpr std::string_view kMembers = "members";
// [members, members + 3]: line n is how the first n + 1 members are put together: a weight of each
// member's logit, 0 for those behind it, an intercept; then slope > 0 and offset of P.
inline constexpr std::string_view kStacks = "stacks";
// A setting, may be missing: microseconds that a decision on a query of 100 tokens may take.
inline constexpr std::string_view kBudgetUs = "budget_us";
}  // namespace section

// What a member says, as the stack wants it: ln(p / (1 - p)), p kept from the ends.
double member_logit(double probability) noexcept;

// The member's own file inside that of the ensemble: sections without the prefix.
RouterFile member_file(const RouterFile& file, Kind kind);

// Microseconds of one decision on about 100 tokens, on one core, the member alone: an estimate from
// the sizes in its file (bench/decide_bench.cc measures the kinds), so that a budget gives the same
// members on every machine.
double expected_cost_us(const RouterFile& member);

}  // namespace weir::model
