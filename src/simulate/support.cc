#include <fmt/format.h>

#include <algorithm>

#include "simulate/families.h"
#include "simulate/pattern.h"

// A customer-support desk: short questions with a policy for an answer, and complaints whose answer
// follows from several rules at once.
namespace weir::simulate {
namespace {

struct Policy {
  std::string_view question, answer;
};
constexpr Policy kPolicies[] = {
    {"What are your store hours?", "9:00 to 18:00, Monday to Saturday"},
    {"When do you open?", "9:00 to 18:00, Monday to Saturday"},
    {"Where are you located?", "12 Harbour Street"},
    {"What is your return policy?", "30 days for a full refund"},
    {"How long do I have to return something?", "30 days for a full refund"},
    {"Do you ship internationally?", "yes, to 40 countries"},
    {"What payment methods do you accept?", "cards and bank transfer"},
    {"Can I pay by card?", "cards and bank transfer"},
    {"How long does delivery take?", "3 to 5 working days"},
    {"When will my order arrive?", "3 to 5 working days"},
    {"How long is the warranty?", "2 years"},
    {"Can I change my shipping address?", "yes, until the parcel leaves"},
    {"How do I reset my password?", "with the link on the sign-in page"},
    {"Do gift cards expire?", "after 24 months"},
    {"Do you offer a student discount?", "10 percent with a student card"}};

constexpr std::string_view kReturn =
    "I bought {n} items at {n} dollars each and want to return {n} of them after {n} days. How "
    "many dollars will I get back?";
constexpr std::string_view kComplaint =
    "I am really upset. I ordered {n} items at {n} dollars each and paid {n} dollars for shipping, "
    "and you charged me {n} times for the same order. {n} of the items arrived broken, and I am "
    "sending back {n} more after {n} days because I do not like them. Your support has ignored me "
    "for {n} weeks. How many dollars will I get back in total?";

// Full refund up to 30 days, half up to 60, nothing later.
constexpr int64_t kFullDays = 30, kHalfDays = 60;
constexpr int64_t kAmountLimit = 100'000;

std::optional<int64_t> returned_value(int64_t items, int64_t price, int64_t days) {
  const int64_t value = items * price;
  if (days <= kFullDays) return value;
  if (days > kHalfDays) return 0;
  return value % 2 == 0 ? std::optional(value / 2) : std::nullopt;
}

int return_difficulty(int64_t days) {
  return days <= kFullDays ? 4 : 5;
}
int complaint_difficulty(int64_t charges, int64_t days) {
  return 7 + (charges > 1 ? 1 : 0) + (days > kFullDays ? 1 : 0);
}

std::optional<std::vector<int64_t>> read_numbers(const Match& match) {
  std::vector<int64_t> numbers;
  for (const std::string& value : match.values) {
    const auto number = to_number(value);
    if (!number || *number < 0 || *number > kAmountLimit) return std::nullopt;
    numbers.push_back(*number);
  }
  return numbers;
}

Solved solved_at(const Match& match, std::string_view text) {
  Solved solved;
  solved.family = Family::kSupport;
  solved.position = match.begin;
  solved.text = text.substr(match.begin, match.end - match.begin);
  return solved;
}

std::optional<Solved> solve_policy(std::string_view text) {
  std::optional<Solved> last;
  for (const Policy& policy : kPolicies) {
    const auto match = find_last(policy.question, text);
    if (!match || (last && last->position > match->begin)) continue;
    last = solved_at(*match, text);
    last->answer = policy.answer;
    last->difficulty = 1;
    for (const Policy& other : kPolicies)
      if (other.answer != policy.answer) last->others.emplace_back(other.answer);
  }
  return last;
}

std::optional<Solved> solve_return(std::string_view text) {
  const auto match = find_last(kReturn, text);
  const auto numbers = match ? read_numbers(*match) : std::nullopt;
  if (!numbers || (*numbers)[2] > (*numbers)[0]) return std::nullopt;
  const auto value = returned_value((*numbers)[2], (*numbers)[1], (*numbers)[3]);
  if (!value) return std::nullopt;
  Solved solved = solved_at(*match, text);
  solved.answer = std::to_string(*value);
  solved.difficulty = return_difficulty((*numbers)[3]);
  solved.working = {"Returns are refunded in full for 30 days, by half up to 60 days."};
  return solved;
}

std::optional<Solved> solve_complaint(std::string_view text) {
  const auto match = find_last(kComplaint, text);
  const auto numbers = match ? read_numbers(*match) : std::nullopt;
  if (!numbers) return std::nullopt;
  const auto& n = *numbers;
  const int64_t items = n[0], price = n[1], shipping = n[2], charges = n[3];
  const int64_t broken = n[4], returned = n[5], days = n[6];
  if (charges < 1 || broken + returned > items) return std::nullopt;
  const auto refund = returned_value(returned, price, days);
  if (!refund) return std::nullopt;
  const int64_t overcharged = (charges - 1) * (items * price + shipping);
  const int64_t shipping_back = broken == items ? shipping : 0;
  Solved solved = solved_at(*match, text);
  solved.answer = std::to_string(overcharged + broken * price + *refund + shipping_back);
  solved.difficulty = complaint_difficulty(charges, days);
  solved.working = {fmt::format("Charged too often: {}.", overcharged),
                    fmt::format("Broken items: {}.", broken * price),
                    fmt::format("Returned items: {}.", *refund)};
  return solved;
}

int64_t draw_days(bool late, Random& random) {
  return late ? draw(random, kFullDays + 1, kHalfDays) : draw(random, 2, kFullDays);
}

}  // namespace

Question make_support(int difficulty, Random& random) {
  if (difficulty <= 3) {
    const Policy& policy = draw_from(random, kPolicies);
    return {Family::kSupport, std::string(policy.question), std::string(policy.answer), 1};
  }
  // Even prices keep half refunds whole.
  const int64_t price = draw(random, 4, 40) * 2;
  std::vector<int64_t> numbers;
  if (difficulty <= 5) {
    const bool late = difficulty == 5;
    const int64_t items = draw(random, 2, 9), days = draw_days(late, random);
    const int64_t returned = draw(random, 1, items);
    numbers = {items, price, returned, days};
    const int64_t value = late ? price / 2 * returned : price * returned;
    return {Family::kSupport,
            fill(kReturn, {std::to_string(items), std::to_string(price), std::to_string(returned),
                           std::to_string(days)}),
            std::to_string(value), return_difficulty(days)};
  }
  const int64_t charges = difficulty >= 8 ? draw(random, 2, 4) : 1;
  const bool late = difficulty >= 9;
  const int64_t items = draw(random, 3, 9), broken = draw(random, 1, items - 1);
  const int64_t returned = draw(random, 1, items - broken), days = draw_days(late, random);
  const int64_t shipping = draw(random, 3, 15);
  numbers = {items, price, shipping, charges, broken, returned, days, draw(random, 1, 4)};
  int64_t total = price * broken + (late ? price / 2 : price) * returned;
  for (int64_t extra = 1; extra < charges; ++extra)
    total += items * price + shipping;
  std::vector<std::string> holes;
  for (const int64_t number : numbers)
    holes.push_back(std::to_string(number));
  return {Family::kSupport, fill(kComplaint, holes), std::to_string(total),
          complaint_difficulty(charges, days)};
}

std::optional<Solved> solve_support(std::string_view text) {
  std::optional<Solved> last;
  for (const auto solver : {solve_policy, solve_return, solve_complaint}) {
    auto solved = solver(text);
    if (solved && (!last || solved->position > last->position)) last = std::move(solved);
  }
  return last;
}

}  // namespace weir::simulate
