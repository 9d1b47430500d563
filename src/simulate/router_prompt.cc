#include "simulate/router_prompt.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <string_view>

#include "simulate/confidence.h"
#include "simulate/question.h"

namespace weir::simulate {
namespace {

constexpr int kUnknownDifficulty = 5;

bool holds(std::string_view text, std::string_view part) {
  return text.find(part) != text.npos;
}

bool asks_label(const Prompt& prompt) {
  return holds(prompt.all_text, "[[1]]") && holds(prompt.all_text, "[[5]]");
}

bool asks_yes_or_no(const Prompt& prompt) {
  return holds(prompt.all_text, "YES or NO") && holds(prompt.all_text, "stronger model");
}

// Shares of the labels 1 to 5 among the bad and the good answers of the weak model.
constexpr std::array<double, 5> kShare{0.2, 0.3, 0.5, 0.4, 0.6};

Reply label(double weak_right) {
  std::array<double, 5> probability;
  for (size_t i = 0; i < 5; ++i)
    probability[i] = kShare[i] * (i < 3 ? 1 - weak_right : weak_right);
  const auto best =
      static_cast<size_t>(std::ranges::max_element(probability) - probability.begin());
  Token digit{std::to_string(best + 1), std::log(probability[best]), {}};
  for (size_t i = 0; i < 5; ++i)
    digit.top.emplace_back(std::to_string(i + 1), std::log(std::max(probability[i], 1e-9)));
  std::ranges::sort(digit.top, std::greater(), &std::pair<std::string, double>::second);
  const auto certain = [](std::string_view text) {
    return Token{std::string(text), -1e-4, {{std::string(text), -1e-4}}};
  };
  Reply reply;
  reply.text = "[[" + digit.text + "]]";
  reply.tokens = {certain("[["), std::move(digit), certain("]]")};
  return reply;
}

}  // namespace

bool asks_router(const Prompt& prompt) {
  return asks_label(prompt) || asks_yes_or_no(prompt);
}

Reply make_router_reply(const Prompt& prompt) {
  const auto solved = solve(prompt.question);
  const double weak_right = belief(Tier::kWeak, solved ? solved->difficulty : kUnknownDifficulty);
  if (asks_label(prompt)) return label(weak_right);
  Reply reply;
  reply.text = weak_right < 0.5 ? "YES" : "NO";
  reply.tokens = tokens_of(reply.text, std::max(weak_right, 1 - weak_right), 0);
  return reply;
}

}  // namespace weir::simulate
