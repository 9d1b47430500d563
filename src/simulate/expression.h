// Whole-number expressions: + - * % // with the usual precedence, brackets, unary minus, and
// variables. Pure; overflow, division by zero and more than 50 levels of brackets are "no value".
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

namespace weir::simulate {

struct Evaluated {
  int64_t value = 0;
  size_t length = 0;  // characters read, without trailing space
  int operators = 0;
  int64_t largest = 0;  // largest number that stands in it
  bool brackets = false;
};

using Variables = std::function<std::optional<int64_t>(std::string_view name)>;

// The longest expression at the beginning of `text`. `//` and `%` round down, as Python's do.
std::optional<Evaluated> evaluate(std::string_view text, const Variables& variables = {});

}  // namespace weir::simulate
