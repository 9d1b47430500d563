// The values of HTTP/1.1 (RFC 9110, 9112) as the layers above see them; they know no socket.
// Plain values, thread-safe as such.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace weir::http {

struct Header {
  std::string name;
  std::string value;
};

// Fields in arrival order; names compare without case (RFC 9110, 5.1).
class Headers {
 public:
  // The first value, or "" when missing; contains() tells the two apart.
  std::string_view get(std::string_view name) const;
  bool contains(std::string_view name) const;
  void add(std::string_view name, std::string_view value);
  void set(std::string_view name, std::string_view value);  // replaces all of that name
  void remove(std::string_view name);
  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }
  size_t size() const { return fields_.size(); }
  void reserve(size_t count) { fields_.reserve(count); }

 private:
  std::vector<Header> fields_;
};

// Of two texts of the same length.
bool same_letters(std::string_view a, std::string_view b);
// Inline, because nearly every pair of names differs in length.
inline bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && same_letters(a, b);
}

struct Request {
  std::string method;  // as sent: "POST"
  std::string path;    // without the query: "/v1/messages"
  std::string query;   // without '?': "beta=true"
  int version = 11;    // 10 or 11
  Headers headers;
  std::string body;        // decoded: no chunking, no content coding
  std::string peer;        // "127.0.0.1:52114"
  int64_t arrived_us = 0;  // steady clock, when the first byte of the request was read
  Deadline deadline;       // arrived + total limit; bounds everything done for this request
};

struct Response {
  int status = 200;
  Headers headers;
  std::string body;
};

// Reason phrase of a status ("Not Found"), "" when unknown.
std::string_view reason_phrase(int status);

}  // namespace weir::http
