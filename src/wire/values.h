// Small questions to JSON values that several readers of requests and answers ask. Pure.
#pragma once

#include "base/json.h"

namespace weir::wire {

// Of requests, answers and events: 32 bytes of memory a value.
inline constexpr json::Limits kBodyLimits{.max_depth = 128, .max_values = size_t{1} << 20};
// Of tool arguments, which become a part of such a body.
inline constexpr json::Limits kArgumentLimits{.max_depth = 64, .max_values = size_t{1} << 18};

// Present and not null: both dialects treat null as "not given".
inline bool given(json::Value value) {
  return value.exists() && !value.is_null();
}

inline bool is_false(json::Value value) {
  return value.as_bool() == false;
}

inline bool is_zero(json::Value value) {
  return value.as_double() == 0.0;
}

// An object, array or string of size 0.
inline bool is_empty(json::Value value) {
  return value.is_string() ? value.raw() == "\"\""
                           : (value.is_array() || value.is_object()) && value.size() == 0;
}

}  // namespace weir::wire
