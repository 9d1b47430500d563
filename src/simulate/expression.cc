#include "simulate/expression.h"

#include <algorithm>
#include <charconv>

namespace weir::simulate {
namespace {

constexpr int kDepthLimit = 50;

class Evaluator {
 public:
  Evaluator(std::string_view text, const Variables& variables)
      : text_(text), variables_(variables) {}

  std::optional<Evaluated> run() {
    const auto value = sum();
    if (!value) return std::nullopt;
    result_.value = *value;
    result_.length = end_;
    return result_;
  }

 private:
  char peek() {
    while (position_ < text_.size() && text_[position_] == ' ')
      ++position_;
    return position_ < text_.size() ? text_[position_] : '\0';
  }
  void take(size_t count = 1) { end_ = position_ += count; }

  // An operator that nothing sensible follows ends the expression before it ("2 + 3 - what?").
  template <typename Operand>
  std::optional<int64_t> operand_after(size_t operator_length, Operand operand) {
    const size_t position = position_, end = end_;
    position_ += operator_length;
    auto value = operand();
    if (!value) position_ = position, end_ = end;
    return value;
  }

  std::optional<int64_t> sum() {
    auto left = product();
    while (left && !failed_) {
      const char c = peek();
      if (c != '+' && c != '-') break;
      const auto right = operand_after(1, [this] { return product(); });
      if (!right) break;
      left = combine(c, *left, *right);
    }
    return failed_ ? std::nullopt : left;
  }

  std::optional<int64_t> product() {
    auto left = factor();
    while (left && !failed_) {
      const char c = peek();
      const bool divides = text_.substr(position_).starts_with("//");
      if (c != '*' && c != '%' && !divides) break;
      const auto right = operand_after(divides ? 2 : 1, [this] { return factor(); });
      if (!right) break;
      left = combine(c, *left, *right);
    }
    return failed_ ? std::nullopt : left;
  }

  std::optional<int64_t> factor() {
    const char c = peek();
    if (c == '(') return bracket();
    if (c == '-') {
      take();
      const auto value = number();
      return value ? std::optional(-*value) : std::nullopt;
    }
    if (c >= '0' && c <= '9') return number();
    return variable();
  }

  std::optional<int64_t> bracket() {
    if (++depth_ > kDepthLimit) return std::nullopt;
    ++position_;
    const auto value = sum();
    --depth_;
    if (!value || peek() != ')') return std::nullopt;
    take();
    result_.brackets = true;
    return value;
  }

  std::optional<int64_t> number() {
    int64_t value = 0;
    const char* begin = text_.data() + position_;
    const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), value);
    if (error != std::errc() || end == begin || value < 0) return std::nullopt;
    take(static_cast<size_t>(end - begin));
    result_.largest = std::max(result_.largest, value);
    return value;
  }

  std::optional<int64_t> variable() {
    size_t length = 0;
    while (position_ + length < text_.size() && text_[position_ + length] >= 'a' &&
           text_[position_ + length] <= 'z')
      ++length;
    if (length == 0 || !variables_) return std::nullopt;
    const auto value = variables_(text_.substr(position_, length));
    if (value) take(length);
    return value;
  }

  std::optional<int64_t> combine(char op, int64_t a, int64_t b) {
    ++result_.operators;
    int64_t value = 0;
    bool overflow = false;
    if (op == '+') overflow = __builtin_add_overflow(a, b, &value);
    if (op == '-') overflow = __builtin_sub_overflow(a, b, &value);
    if (op == '*') overflow = __builtin_mul_overflow(a, b, &value);
    if (op == '%' || op == '/') {
      overflow = b <= 0;
      if (!overflow) {
        const int64_t rest = a % b < 0 ? a % b + b : a % b;
        if (op == '/') overflow = __builtin_sub_overflow(a, rest, &a);
        value = op == '%' ? rest : a / b;
      }
    }
    failed_ = failed_ || overflow;
    return overflow ? std::nullopt : std::optional(value);
  }

  std::string_view text_;
  const Variables& variables_;
  Evaluated result_;
  size_t position_ = 0, end_ = 0;
  int depth_ = 0;
  bool failed_ = false;
};

}  // namespace

std::optional<Evaluated> evaluate(std::string_view text, const Variables& variables) {
  return Evaluator(text, variables).run();
}

}  // namespace weir::simulate
