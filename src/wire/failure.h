// Errors inside JSON that has already been parsed, for the readers of answers and streams. Pure.
#pragma once

#include "base/json.h"
#include "wire/answer.h"

namespace weir::wire {

// Whether this JSON is an error of either dialect or of a compatible server.
bool is_error_body(json::Value root);

// As classify_failure, for a parsed body.
Failure classify_error_value(int status, json::Value root);

// Cuts to `limit` bytes at a character's border and blanks what looks like a credential.
std::string safe_message(std::string_view text, size_t limit = 2'000);

}  // namespace weir::wire
