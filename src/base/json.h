// JSON with the source kept: every value knows its exact bytes, so that a proxy can pass on
// numbers, key order and escapes untouched and replace single values (docs/decisions/002-json.md).
// Strict RFC 8259 grammar, bounded depth; bytes above 0x7F inside strings are passed through, and a
// text with ill-formed UTF-8 or a lone surrogate escape decodes to U+FFFD.
// A Document is immutable after parse() and owns its text; Values point into it and die with it.
// Thread-safe for reading.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace weir::json {

enum class Type : uint8_t { kNull, kBool, kNumber, kString, kArray, kObject };

struct Limits {
  int max_depth = 128;
  size_t max_values = size_t{8} << 20;
};

// Place of some bytes inside a document's text.
struct Range {
  size_t begin = 0, end = 0;
};

class Document;

// A handle to one value; cheap to copy. The default Value is "absent": type kNull, raw() empty.
class Value {
 public:
  Value() = default;
  bool exists() const { return document_ != nullptr; }
  Type type() const;
  bool is(Type t) const { return exists() && type() == t; }
  bool is_string() const { return is(Type::kString); }
  bool is_object() const { return is(Type::kObject); }
  bool is_array() const { return is(Type::kArray); }
  bool is_null() const { return is(Type::kNull); }

  std::string_view raw() const;  // exact source bytes of the value, strings with their quotes
  Range range() const;           // where raw() stands in Document::text()

  // Scalars; nullopt when the type differs or the value does not fit.
  std::optional<bool> as_bool() const;
  std::optional<int64_t> as_int64() const;  // 5 and 5.0 and 5e0, not 5.5
  std::optional<double> as_double() const;
  std::optional<std::string> as_string() const;  // unescaped
  std::string string_or(std::string_view fallback) const;

  // Objects: the first member with that key, or an absent Value. Works on any type (absent).
  Value operator[](std::string_view key) const;
  // Members and elements in source order. An element's key() is empty.
  std::string key() const;
  bool key_is(std::string_view name) const;  // key() == name, without making a string
  size_t size() const;
  Value at(size_t index) const;  // element or member `index`; linear

  class Iterator {
   public:
    Iterator(const Document* document, uint32_t node, uint32_t end)
        : document_(document), node_(node), end_(end) {}
    Value operator*() const { return Value(document_, node_); }
    Iterator& operator++();
    bool operator!=(const Iterator& other) const { return node_ != other.node_; }

   private:
    const Document* document_;
    uint32_t node_, end_;
  };
  Iterator begin() const;
  Iterator end() const;

 private:
  friend class Document;
  Value(const Document* document, uint32_t node) : document_(document), node_(node) {}
  const Document* document_ = nullptr;
  uint32_t node_ = 0;
};

class Document {
 public:
  // Fails: kInvalidArgument with line, column and what was expected; kTooLarge over the limits
  // or 4 GiB.
  [[nodiscard]] static std::expected<Document, Error> parse(std::string text, Limits limits = {});

  Document() = default;
  Document(Document&&) noexcept = default;
  Document& operator=(Document&&) noexcept = default;
  Document(const Document&) = delete;
  Document& operator=(const Document&) = delete;

  // Values point at the Document itself, so take them after it stands where it will live.
  Value root() const { return nodes_.empty() ? Value() : Value(this, 0); }
  const std::string& text() const { return text_; }
  // The first key that stands twice in the object, if any.
  static std::optional<std::string> duplicate_key(Value object);

 private:
  friend class Value;
  friend class Parser;
  struct Node {
    uint32_t begin = 0, end = 0;          // of the value
    uint32_t key_begin = 0, key_end = 0;  // of the key without quotes; equal when none
    uint32_t next = 0;                    // first node after this value's subtree
    Type type = Type::kNull;
    bool escaped = false;  // the string holds a backslash
    bool key_escaped = false;
  };
  std::string text_;
  std::vector<Node> nodes_;
};

// Decodes the inside of a string literal (without quotes), which must be grammatical.
std::string unescape(std::string_view inside);

// How many bytes from the beginning on are neither quote, backslash nor control character.
size_t unescaped_bytes(std::string_view text);
// The text stands between quotes as it is: printable ASCII without quote and backslash.
bool is_plain(std::string_view text);
// Appends text as a string literal with quotes. Ill-formed UTF-8 is written as U+FFFD.
void append_quoted(std::string_view text, std::string& out);
std::string quoted(std::string_view text);

// Replaces ranges of `source`; edits must not overlap and are applied in order of position.
struct Edit {
  Range range;
  std::string replacement;
};
std::string apply_edits(std::string_view source, std::vector<Edit> edits);

// Builds a text front to back; commas are put by itself. Nesting errors are bugs (CHECK).
class Writer {
 public:
  Writer& begin_object();
  Writer& end_object();
  Writer& begin_array();
  Writer& end_array();
  Writer& key(std::string_view name);
  Writer& value(std::string_view text);
  Writer& value(const char* text) { return value(std::string_view(text)); }
  Writer& value(const std::string& text) { return value(std::string_view(text)); }
  Writer& value(int64_t number);
  Writer& value(int number) { return value(static_cast<int64_t>(number)); }
  Writer& value(uint64_t number);
  Writer& value(uint32_t number) { return value(static_cast<uint64_t>(number)); }
  Writer& value(double number);  // shortest form that reads back equal; not finite -> null
  Writer& value(bool truth);
  Writer& null();
  Writer& raw(std::string_view json);  // trusted JSON text, copied as it is

  template <typename T>
  Writer& member(std::string_view name, T&& content) {
    return key(name).value(std::forward<T>(content));
  }
  Writer& raw_member(std::string_view name, std::string_view json) { return key(name).raw(json); }

  const std::string& text() const { return out_; }
  std::string take();

 private:
  void separate();
  std::string out_;
  std::vector<char> open_;  // '{' or '['
  bool needs_comma_ = false;
  bool after_key_ = false;
};

}  // namespace weir::json
