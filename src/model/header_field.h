// One value of a router file's JSON header, read with its bounds checked: every accessor fails with
// kCorrupt and names the field when it is not as it must be. Internal to the folder. A Field views
// its document, which must outlive it. Thread-safe.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json.h"

namespace weir::model {

// Whether text is UTF-8 throughout, so that it is written as it was read.
bool is_clean(std::string_view text);

class Field {
 public:
  Field(json::Value parent, std::string_view name) : value_(parent[name]), name_(name) {}

  json::Value value() const { return value_; }

  std::expected<std::string, Error> text(size_t limit = 4096) const;
  std::expected<bool, Error> truth() const;
  std::expected<int64_t, Error> integer(int64_t least, int64_t most) const;
  std::expected<double, Error> number(double least, double most) const;
  std::expected<uint64_t, Error> hex64() const;
  std::expected<json::Value, Error> array(size_t least, size_t most) const;
  std::unexpected<Error> wrong(std::string_view expected) const;

 private:
  json::Value value_;
  std::string_view name_;
};

}  // namespace weir::model
