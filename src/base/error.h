// Outcomes that a caller must handle: a code for code, a message for people.
// Every fallible function of weir returns std::expected<T, Error> and is [[nodiscard]].
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace weir {

enum class ErrorCode {
  kInvalidArgument,  // the input breaks a stated rule
  kNotFound,         // a named thing does not exist
  kConflict,         // the thing exists or is held by somebody else
  kCorrupt,          // stored bytes fail their checks
  kUnsupported,      // valid, but not something that weir or the candidate can do
  kTooLarge,         // a stated limit is exceeded
  kUnauthorized,     // no or a wrong credential
  kTimeout,          // a deadline passed
  kConnection,       // the peer could not be reached, or closed
  kCancelled,        // the caller went away
  kIo,               // the operating system refused
  kInternal,         // a library failed in a way that it should not
};

// The code's name in words, as it stands in logs ("invalid argument").
std::string_view to_string(ErrorCode code);

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;
};

// Shorthand for `return std::unexpected(Error{code, message})`.
inline std::unexpected<Error> fail(ErrorCode code, std::string message) {
  return std::unexpected(Error{code, std::move(message)});
}

}  // namespace weir

// Leaves the function with the error of `expr`, or goes on. The CO_ forms are for coroutines.
#define WEIR_CONCAT_(a, b) a##b
#define WEIR_CONCAT(a, b) WEIR_CONCAT_(a, b)
#define TRY_IMPL_(leave, tmp, expr)                          \
  do {                                                       \
    auto&& tmp = (expr);                                     \
    if (!tmp) leave std::unexpected(std::move(tmp).error()); \
  } while (0)
#define TRY(expr) TRY_IMPL_(return, WEIR_CONCAT(try_, __LINE__), expr)
#define CO_TRY(expr) TRY_IMPL_(co_return, WEIR_CONCAT(try_, __LINE__), expr)
#define TRY_ASSIGN_IMPL_(leave, tmp, lhs, expr)            \
  auto tmp = (expr);                                       \
  if (!tmp) leave std::unexpected(std::move(tmp).error()); \
  lhs = std::move(*tmp)
#define TRY_ASSIGN(lhs, expr) TRY_ASSIGN_IMPL_(return, WEIR_CONCAT(try_, __LINE__), lhs, expr)
#define CO_TRY_ASSIGN(lhs, expr) TRY_ASSIGN_IMPL_(co_return, WEIR_CONCAT(try_, __LINE__), lhs, expr)
