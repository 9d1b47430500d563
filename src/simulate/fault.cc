#include "simulate/fault.h"

#include <algorithm>

#include "simulate/pattern.h"

namespace weir::simulate {
namespace {

struct Named {
  std::string_view name;
  FaultKind kind;
  int64_t number;  // when none is given
};
constexpr Named kNamed[] = {{"slow-head", FaultKind::kSlowHead, 2'000},
                            {"slow", FaultKind::kSlow, 50},
                            {"stall", FaultKind::kStall, 0},
                            {"stall-mid", FaultKind::kStallMid, 0},
                            {"cut", FaultKind::kCut, 0},
                            {"no-end", FaultKind::kNoEnd, 0},
                            {"garbage", FaultKind::kGarbage, 0},
                            {"error-first", FaultKind::kErrorFirst, 0},
                            {"no-usage", FaultKind::kNoUsage, 0},
                            {"wrong-usage", FaultKind::kWrongUsage, 0}};
constexpr int64_t kNumberLimit = 600'000;

}  // namespace

Fault parse_fault(std::string_view words, std::string_view tier) {
  const size_t at = words.find('@');
  if (at != std::string_view::npos && words.substr(at + 1) != tier) return {};
  words = words.substr(0, at);
  const size_t colon = words.find(':');
  const std::string_view name = words.substr(0, colon);
  std::optional<int64_t> number, second;
  if (colon != std::string_view::npos) {
    const std::string_view numbers = words.substr(colon + 1);
    const size_t next = numbers.find(':');
    number = to_number(numbers.substr(0, next));
    second = next == std::string_view::npos ? 0 : to_number(numbers.substr(next + 1));
    const auto fits = [](auto n) { return n && *n >= 0 && *n <= kNumberLimit; };
    if (!fits(number) || !fits(second)) return {};
  }
  const auto status = to_number(name);
  if (status && *status >= 400 && *status <= 599)
    return {FaultKind::kStatus, static_cast<int>(*status), second.value_or(0), number.value_or(0)};
  const auto found = std::ranges::find(kNamed, name, &Named::name);
  if (found == std::end(kNamed)) return {};
  return {found->kind, 0, number.value_or(found->number), 0};
}

Fault find_fault(std::string_view text, std::string_view tier) {
  constexpr std::string_view kOpen = "[[sim:", kClose = "]]";
  for (size_t open = text.rfind(kOpen); open != std::string_view::npos;
       open = open == 0 ? std::string_view::npos : text.rfind(kOpen, open - 1)) {
    const size_t begin = open + kOpen.size();
    const size_t close = text.find(kClose, begin);
    if (close == std::string_view::npos) continue;
    const Fault fault = parse_fault(text.substr(begin, close - begin), tier);
    if (fault.kind != FaultKind::kNone) return fault;
  }
  return {};
}

}  // namespace weir::simulate
