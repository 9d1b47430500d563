#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "simulate/expression.h"
#include "simulate/families.h"

// Small Python programs: assignments, `for x in range(n):`, `if a < b:` with `else:`, and one
// `print` at the end. Blocks are indented by four spaces.
namespace weir::simulate {
namespace {

constexpr std::string_view kOpening = "What does this Python program print?\n```python\n";
constexpr std::string_view kClosing = "```";
constexpr int kStepsLimit = 20'000;
constexpr size_t kLinesLimit = 200;
constexpr size_t kLineLimit = 200;
constexpr size_t kIndentation = 4;

// Assignments, comparisons and rounds that are executed.
int difficulty_of(int steps) {
  constexpr int kMost[] = {2, 3, 5, 7, 10, 14, 20, 28, 40};
  int difficulty = 1;
  for (const int most : kMost)
    difficulty += steps > most ? 1 : 0;
  return difficulty;
}

struct Line {
  size_t indentation = 0;
  std::string_view text;
};

std::vector<Line> split_lines(std::string_view program) {
  std::vector<Line> lines;
  while (!program.empty() && lines.size() < kLinesLimit) {
    const size_t end = std::min(program.find('\n'), program.size());
    std::string_view line = program.substr(0, end);
    program.remove_prefix(std::min(end + 1, program.size()));
    const size_t first = line.find_first_not_of(' ');
    if (first == std::string_view::npos) continue;
    lines.push_back({first / kIndentation, line.substr(first)});
  }
  return lines;
}

class Interpreter {
 public:
  explicit Interpreter(std::vector<Line> lines) : lines_(std::move(lines)) {}

  // The printed number; nullopt when the program is not one of ours.
  std::optional<int64_t> run() {
    if (!run_block(0, lines_.size(), 0)) return std::nullopt;
    return printed_;
  }
  int steps() const { return steps_; }

 private:
  bool step() { return ++steps_ <= kStepsLimit; }

  std::optional<int64_t> value_of(std::string_view text) {
    const auto value = evaluate(text, [this](std::string_view name) -> std::optional<int64_t> {
      const auto found = variables_.find(name);
      return found == variables_.end() ? std::nullopt : std::optional(found->second);
    });
    return value && value->length == text.size() ? std::optional(value->value) : std::nullopt;
  }

  size_t block_end(size_t begin, size_t end, size_t indentation) const {
    while (begin < end && lines_[begin].indentation >= indentation)
      ++begin;
    return begin;
  }

  bool run_block(size_t begin, size_t end, size_t indentation) {
    if (indentation > 8) return false;
    for (size_t at = begin; at < end;) {
      const Line& line = lines_[at];
      if (line.indentation != indentation || printed_ || line.text.size() > kLineLimit)
        return false;
      if (line.text.ends_with(':')) {
        const size_t body_end = block_end(at + 1, end, indentation + 1);
        const bool is_for = line.text.starts_with("for ");
        const auto next = is_for ? run_for(at, body_end) : run_if(at, body_end, end);
        if (!next) return false;
        at = *next;
      } else if (!run_line(line.text)) {
        return false;
      } else {
        ++at;
      }
    }
    return true;
  }

  bool run_line(std::string_view text) {
    if (text.starts_with("print(") && text.ends_with(')')) {
      printed_ = value_of(text.substr(6, text.size() - 7));
      return printed_.has_value();
    }
    const size_t equals = text.find(" = ");
    if (equals == std::string_view::npos || !step()) return false;
    const auto value = value_of(text.substr(equals + 3));
    if (!value) return false;
    variables_.insert_or_assign(std::string(text.substr(0, equals)), *value);
    return true;
  }

  std::optional<size_t> run_for(size_t at, size_t body_end) {
    constexpr std::string_view kRange = " in range(";
    const std::string_view head = lines_[at].text;
    const size_t range = head.find(kRange);
    if (range == std::string_view::npos || !head.ends_with("):") || range < 5) return std::nullopt;
    const size_t count_begin = range + kRange.size();
    const auto count = value_of(head.substr(count_begin, head.size() - 2 - count_begin));
    const std::string variable(head.substr(4, range - 4));
    if (!count) return std::nullopt;
    for (int64_t i = 0; i < *count; ++i) {
      if (!step()) return std::nullopt;
      variables_.insert_or_assign(variable, i);
      if (!run_block(at + 1, body_end, lines_[at].indentation + 1)) return std::nullopt;
    }
    return body_end;
  }

  std::optional<bool> compare(std::string_view condition) {
    for (const std::string_view sign : {" < ", " > ", " == "}) {
      const size_t found = condition.find(sign);
      if (found == std::string_view::npos) continue;
      const auto left = value_of(condition.substr(0, found));
      const auto right = value_of(condition.substr(found + sign.size()));
      if (!left || !right) return std::nullopt;
      return sign[1] == '<' ? *left < *right : sign[1] == '>' ? *left > *right : *left == *right;
    }
    return std::nullopt;
  }

  std::optional<size_t> run_if(size_t at, size_t body_end, size_t end) {
    const Line& head = lines_[at];
    if (!head.text.starts_with("if ") || !step()) return std::nullopt;
    const auto holds = compare(head.text.substr(3, head.text.size() - 4));
    if (!holds) return std::nullopt;
    size_t else_end = body_end;
    const bool has_else = body_end < end && lines_[body_end].text == "else:" &&
                          lines_[body_end].indentation == head.indentation;
    if (has_else) else_end = block_end(body_end + 1, end, head.indentation + 1);
    if (*holds && !run_block(at + 1, body_end, head.indentation + 1)) return std::nullopt;
    if (!*holds && has_else && !run_block(body_end + 1, else_end, head.indentation + 1))
      return std::nullopt;
    return else_end;
  }

  std::vector<Line> lines_;
  std::map<std::string, int64_t, std::less<>> variables_;
  std::optional<int64_t> printed_;
  int steps_ = 0;
};

struct Program {
  std::string text;
  int64_t printed = 0;
  int steps = 0;
};

Program make_straight(int assignments, Random& random) {
  Program program;
  int64_t x = draw(random, 2, 12), y = draw(random, 2, 12);
  program.text = fmt::format("x = {}\n", x);
  program.steps = 1;
  if (assignments > 1) {
    program.text += fmt::format("y = x + {}\n", y);
    y += x;
    ++program.steps;
  }
  for (; program.steps < assignments; ++program.steps) {
    const int64_t k = draw(random, 2, 9);
    const bool product = random.below(2) == 0 && x < 200;
    program.text +=
        product ? fmt::format("x = x * {} - y\n", k) : fmt::format("x = x + y + {}\n", k);
    x = product ? x * k - y : x + y + k;
  }
  program.printed = x;
  return program;
}

Program make_loop(int rounds, Random& random) {
  const int64_t start = draw(random, 1, 9), k = draw(random, 2, 7);
  Program program;
  program.text = fmt::format("x = {}\nfor i in range({}):\n    x = x + i * {}\n", start, rounds, k);
  program.printed = start + k * (int64_t{rounds} * (rounds - 1) / 2);
  program.steps = 1 + 2 * rounds;
  return program;
}

Program make_branching_loop(int rounds, Random& random) {
  const int64_t start = draw(random, 1, 9), limit = draw(random, 15, 60), k = draw(random, 3, 14);
  Program program;
  program.text = fmt::format(
      "x = {}\nfor i in range({}):\n    x = x * 2 + i\n    if x > {}:\n        x = x - {}\n"
      "    else:\n        x = x + 1\n",
      start, rounds, limit, limit - k);
  int64_t x = start;
  for (int64_t i = 0; i < rounds; ++i) {
    x = 2 * x + i;
    x += x > limit ? k - limit : 1;
  }
  program.printed = x;
  program.steps = 1 + 4 * rounds;
  return program;
}

Program make_nested_loop(int outer, int inner, Random& random) {
  const int64_t k = draw(random, 2, 5), m = draw(random, 3, 7);
  Program program;
  program.text = fmt::format(
      "x = 0\nfor i in range({}):\n    for j in range({}):\n        x = x + i * {} + j % {}\n",
      outer, inner, k, m);
  for (int i = 0; i < outer; ++i)
    for (int j = 0; j < inner; ++j)
      program.printed += i * k + j % m;
  program.steps = 1 + outer + 2 * outer * inner;
  return program;
}

Program make_program(int difficulty, Random& random) {
  if (difficulty <= 3) return make_straight(std::max(2, difficulty + 1), random);
  if (difficulty <= 5)
    return make_loop(static_cast<int>(draw(random, 3, difficulty == 4 ? 3 : 4)), random);
  if (difficulty <= 8) return make_branching_loop(difficulty - 3, random);
  return make_nested_loop(difficulty == 9 ? 3 : 5, difficulty == 9 ? 4 : 5, random);
}

}  // namespace

Question make_code(int difficulty, Random& random) {
  const Program program = make_program(difficulty, random);
  return {Family::kCode, fmt::format("{}{}print(x)\n{}", kOpening, program.text, kClosing),
          std::to_string(program.printed), difficulty_of(program.steps)};
}

std::optional<Solved> solve_code(std::string_view text) {
  const size_t at = text.rfind(kOpening);
  if (at == std::string_view::npos) return std::nullopt;
  const size_t begin = at + kOpening.size();
  const size_t end = text.find(kClosing, begin);
  if (end == std::string_view::npos) return std::nullopt;
  Interpreter interpreter(split_lines(text.substr(begin, end - begin)));
  const auto printed = interpreter.run();
  if (!printed) return std::nullopt;
  Solved solved;
  solved.family = Family::kCode;
  solved.position = at;
  solved.text = text.substr(at, end + kClosing.size() - at);
  solved.answer = std::to_string(*printed);
  solved.difficulty = difficulty_of(interpreter.steps());
  solved.working = {fmt::format("The program takes {} steps.", interpreter.steps())};
  return solved;
}

}  // namespace weir::simulate
