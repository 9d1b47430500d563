#include "base/json.h"

#include <fmt/format.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>

#include "base/check.h"
#include "base/utf8.h"

namespace weir::json {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Marks the bytes of the word that are below 0x20, '"' or '\\' by their high bits. The lowest mark
// is exact; one above it may be false, because a subtraction borrows from there.
uint64_t special_bytes(uint64_t word) {
  constexpr uint64_t kOnes = 0x0101010101010101, kHighs = 0x8080808080808080;
  const auto zero = [](uint64_t v) { return (v - kOnes) & ~v; };
  return (((word - kOnes * 0x20) & ~word) | zero(word ^ (kOnes * '"')) |
          zero(word ^ (kOnes * '\\'))) &
         kHighs;
}

// The first byte that is special to a string literal, or `end`.
const char* find_special(const char* p, const char* end) {
#if defined(__SSE2__)
  for (; end - p >= 16; p += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const __m128i control =
        _mm_cmpeq_epi8(_mm_max_epu8(bytes, _mm_set1_epi8(0x1F)), _mm_set1_epi8(0x1F));
    const __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
    const __m128i backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
    const int marks = _mm_movemask_epi8(_mm_or_si128(control, _mm_or_si128(quote, backslash)));
    if (marks != 0) return p + std::countr_zero(static_cast<unsigned>(marks));
  }
#endif
  for (; end - p >= 8; p += 8) {
    uint64_t word;
    __builtin_memcpy(&word, p, 8);
    const uint64_t special = special_bytes(word);
    if (special != 0) return p + std::countr_zero(special) / 8;
  }
  while (p < end && static_cast<unsigned char>(*p) >= 0x20 && *p != '"' && *p != '\\')
    ++p;
  return p;
}

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

// One pass over the text that appends nodes in source order. Recursion is bounded by max_depth.
class Parser {
 public:
  Parser(Document& document, Limits limits)
      : doc_(document), text_(document.text_), limits_(limits) {}

  std::expected<void, Error> run() {
    skip_space();
    if (!parse_value(0, 0, false, 0)) return std::unexpected(error_);
    skip_space();
    if (position_ != text_.size()) {
      set_error("unexpected text after the JSON value");
      return std::unexpected(error_);
    }
    return {};
  }

 private:
  bool parse_value(uint32_t key_begin, uint32_t key_end, bool key_escaped, int depth) {
    if (doc_.nodes_.size() >= limits_.max_values)
      return set_error("too many values", ErrorCode::kTooLarge);
    const auto index = static_cast<uint32_t>(doc_.nodes_.size());
    Document::Node node;
    node.begin = static_cast<uint32_t>(position_);
    node.key_begin = key_begin, node.key_end = key_end, node.key_escaped = key_escaped;
    doc_.nodes_.push_back(node);
    if (position_ >= text_.size()) return set_error("expected a value");
    if (!parse_content(index, depth)) return false;
    doc_.nodes_[index].end = static_cast<uint32_t>(position_);
    doc_.nodes_[index].next = static_cast<uint32_t>(doc_.nodes_.size());
    return true;
  }

  bool parse_content(uint32_t index, int depth) {
    switch (text_[position_]) {
      case '{':
        doc_.nodes_[index].type = Type::kObject;
        return parse_object(depth + 1);
      case '[':
        doc_.nodes_[index].type = Type::kArray;
        return parse_array(depth + 1);
      case '"': {
        bool escaped = false;
        doc_.nodes_[index].type = Type::kString;
        const bool ok = parse_string(escaped);
        doc_.nodes_[index].escaped = escaped;
        return ok;
      }
      case 't':
        doc_.nodes_[index].type = Type::kBool;
        return literal("true");
      case 'f':
        doc_.nodes_[index].type = Type::kBool;
        return literal("false");
      case 'n':
        doc_.nodes_[index].type = Type::kNull;
        return literal("null");
      default:
        doc_.nodes_[index].type = Type::kNumber;
        return parse_number();
    }
  }

  bool parse_object(int depth) {
    if (depth > limits_.max_depth) return set_error("nested too deeply", ErrorCode::kTooLarge);
    ++position_;
    skip_space();
    if (take('}')) return true;
    for (;;) {
      if (peek() != '"') return set_error("expected a key in double quotes");
      const auto begin = static_cast<uint32_t>(position_ + 1);
      bool escaped = false;
      if (!parse_string(escaped)) return false;
      const auto end = static_cast<uint32_t>(position_ - 1);
      skip_space();
      if (!take(':')) return set_error("expected ':' after the key");
      skip_space();
      if (!parse_value(begin, end, escaped, depth)) return false;
      skip_space();
      if (take('}')) return true;
      if (!take(',')) return set_error("expected ',' or '}'");
      skip_space();
    }
  }

  bool parse_array(int depth) {
    if (depth > limits_.max_depth) return set_error("nested too deeply", ErrorCode::kTooLarge);
    ++position_;
    skip_space();
    if (take(']')) return true;
    for (;;) {
      if (!parse_value(0, 0, false, depth)) return false;
      skip_space();
      if (take(']')) return true;
      if (!take(',')) return set_error("expected ',' or ']'");
      skip_space();
    }
  }

  bool parse_string(bool& escaped) {
    const char* p = text_.data() + position_ + 1;
    const char* const end = text_.data() + text_.size();
    for (;;) {
      p = find_special(p, end);
      if (p == end) return fail_at(p, "unterminated string");
      const auto c = static_cast<unsigned char>(*p);
      if (c == '"') {
        position_ = static_cast<size_t>(p + 1 - text_.data());
        return true;
      }
      if (c < 0x20) return fail_at(p, "raw control character in a string");
      escaped = true;
      if (end - p < 2) return fail_at(p, "unterminated string");
      if (p[1] == 'u') {
        if (end - p < 6 || std::any_of(p + 2, p + 6, [](char h) { return hex_digit(h) < 0; }))
          return fail_at(p, "bad \\u escape");
        p += 6;
      } else if (std::string_view("\"\\/bfnrt").find(p[1]) != std::string_view::npos) {
        p += 2;
      } else {
        return fail_at(p, "unknown escape");
      }
    }
  }

  bool parse_number() {
    const size_t start = position_;
    take('-');
    if (take('0')) {
    } else if (!digits()) {
      position_ = start;
      return set_error("expected a value");
    }
    if (take('.') && !digits()) return set_error("expected digits after '.'");
    if (peek() == 'e' || peek() == 'E') {
      ++position_;
      if (peek() == '+' || peek() == '-') ++position_;
      if (!digits()) return set_error("expected digits in the exponent");
    }
    return true;
  }

  bool digits() {
    const size_t start = position_;
    while (position_ < text_.size() && is_digit(text_[position_]))
      ++position_;
    return position_ > start;
  }

  bool literal(std::string_view word) {
    if (std::string_view(text_).substr(position_, word.size()) != word)
      return set_error("expected a value");
    position_ += word.size();
    return true;
  }

  void skip_space() {
    while (position_ < text_.size()) {
      const char c = text_[position_];
      if (c != ' ' && c != '\n' && c != '\r' && c != '\t') return;
      ++position_;
    }
  }

  char peek() const { return position_ < text_.size() ? text_[position_] : '\0'; }
  bool take(char c) {
    if (position_ >= text_.size() || text_[position_] != c) return false;
    ++position_;
    return true;
  }

  bool fail_at(const char* p, const char* what) {
    position_ = static_cast<size_t>(p - text_.data());
    return set_error(what);
  }

  bool set_error(const char* what, ErrorCode code = ErrorCode::kInvalidArgument) {
    const auto at = text_.begin() + static_cast<std::ptrdiff_t>(std::min(position_, text_.size()));
    const auto line = 1 + std::count(text_.begin(), at, '\n');
    const auto line_start = std::find(std::make_reverse_iterator(at), text_.rend(), '\n').base();
    error_ = {code, fmt::format("invalid JSON at line {} column {}: {}", line, at - line_start + 1,
                                what)};
    return false;
  }

  Document& doc_;
  const std::string& text_;
  Limits limits_;
  size_t position_ = 0;
  Error error_;
};

std::expected<Document, Error> Document::parse(std::string text, Limits limits) {
  if (text.size() >= UINT32_MAX) return fail(ErrorCode::kTooLarge, "JSON text of 4 GiB or more");
  Document document;
  document.text_ = std::move(text);
  document.nodes_.reserve(std::min<size_t>(document.text_.size() / 16 + 4, 1 << 16));
  TRY(Parser(document, limits).run());
  return document;
}

std::optional<std::string> Document::duplicate_key(Value object) {
  std::vector<std::string> keys;
  if (object.is_object())
    for (const Value member : object)
      keys.push_back(member.key());
  std::ranges::sort(keys);
  const auto twice = std::ranges::adjacent_find(keys);
  return twice == keys.end() ? std::nullopt : std::optional(*twice);
}

Type Value::type() const {
  return exists() ? document_->nodes_[node_].type : Type::kNull;
}

Range Value::range() const {
  if (!exists()) return {};
  const auto& node = document_->nodes_[node_];
  return {node.begin, node.end};
}

std::string_view Value::raw() const {
  const Range r = range();
  return exists() ? std::string_view(document_->text_).substr(r.begin, r.end - r.begin)
                  : std::string_view();
}

std::optional<bool> Value::as_bool() const {
  if (!is(Type::kBool)) return std::nullopt;
  return raw() == "true";
}

std::optional<double> Value::as_double() const {
  if (!is(Type::kNumber)) return std::nullopt;
  const std::string_view text = raw();
  double number = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  if (result.ec != std::errc() || !std::isfinite(number)) return std::nullopt;
  return number;
}

std::optional<int64_t> Value::as_int64() const {
  if (!is(Type::kNumber)) return std::nullopt;
  const std::string_view text = raw();
  int64_t integer = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), integer);
  if (result.ec == std::errc() && result.ptr == text.data() + text.size()) return integer;
  const auto number = as_double();
  if (!number || *number != std::trunc(*number) || std::abs(*number) > 0x1p53) return std::nullopt;
  return static_cast<int64_t>(*number);
}

std::optional<std::string> Value::as_string() const {
  if (!is(Type::kString)) return std::nullopt;
  const std::string_view inside = raw().substr(1, raw().size() - 2);
  return document_->nodes_[node_].escaped ? unescape(inside) : std::string(inside);
}

std::string Value::string_or(std::string_view fallback) const {
  auto text = as_string();
  return text ? std::move(*text) : std::string(fallback);
}

std::string Value::key() const {
  if (!exists()) return {};
  const auto& node = document_->nodes_[node_];
  const auto inside =
      std::string_view(document_->text_).substr(node.key_begin, node.key_end - node.key_begin);
  return node.key_escaped ? unescape(inside) : std::string(inside);
}

bool Value::key_is(std::string_view name) const {
  if (!exists()) return false;
  const auto& node = document_->nodes_[node_];
  const auto inside =
      std::string_view(document_->text_).substr(node.key_begin, node.key_end - node.key_begin);
  return node.key_escaped ? unescape(inside) == name : inside == name;
}

Value Value::operator[](std::string_view name) const {
  if (!is_object()) return {};
  const auto& nodes = document_->nodes_;
  const char* const text = document_->text_.data();
  for (uint32_t i = node_ + 1; i < nodes[node_].next; i = nodes[i].next) {
    const auto& node = nodes[i];
    const std::string_view inside(text + node.key_begin, node.key_end - node.key_begin);
    if (node.key_escaped ? unescape(inside) == name : inside == name) return Value(document_, i);
  }
  return {};
}

size_t Value::size() const {
  size_t count = 0;
  for ([[maybe_unused]] const Value element : *this)
    ++count;
  return count;
}

Value Value::at(size_t index) const {
  for (const Value element : *this)
    if (index-- == 0) return element;
  return {};
}

Value::Iterator& Value::Iterator::operator++() {
  node_ = document_->nodes_[node_].next;
  return *this;
}

Value::Iterator Value::begin() const {
  if (!is_object() && !is_array()) return {document_, 0, 0};
  const uint32_t end = document_->nodes_[node_].next;
  return {document_, node_ + 1, end};
}

Value::Iterator Value::end() const {
  if (!is_object() && !is_array()) return {document_, 0, 0};
  const uint32_t end = document_->nodes_[node_].next;
  return {document_, end, end};
}

namespace {

// The code unit of a \uXXXX at `i` (pointing at the backslash), or -1.
int32_t unicode_escape(std::string_view s, size_t i) {
  if (i + 6 > s.size() || s[i] != '\\' || s[i + 1] != 'u') return -1;
  int32_t unit = 0;
  for (size_t k = i + 2; k < i + 6; ++k)
    unit = unit * 16 + hex_digit(s[k]);
  return unit;
}

}  // namespace

std::string unescape(std::string_view s) {
  std::string out;
  out.reserve(s.size());
  for (size_t i = 0; i < s.size();) {
    const size_t plain = std::min(s.find('\\', i), s.size()) - i;
    out.append(s, i, plain);
    i += plain;
    if (i + 1 >= s.size()) {
      out.append(s, i);
      break;
    }
    const int32_t unit = unicode_escape(s, i);
    if (unit < 0) {
      static constexpr std::string_view kFrom = "bfnrt", kTo = "\b\f\n\r\t";
      const size_t which = kFrom.find(s[i + 1]);
      out.push_back(which == std::string_view::npos ? s[i + 1] : kTo[which]);
      i += 2;
      continue;
    }
    i += 6;
    const int32_t low = unicode_escape(s, i);
    if (unit >= 0xD800 && unit < 0xDC00 && low >= 0xDC00 && low < 0xE000) {
      append_utf8(static_cast<char32_t>(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00)), out);
      i += 6;
    } else {
      append_utf8(static_cast<char32_t>(unit), out);
    }
  }
  return out;
}

namespace {

// How many bytes from `begin` on stand in a string literal as they are. Stops at bytes above 0x7F
// too, which are checked one by one.
size_t plain_bytes(std::string_view text, size_t begin) {
  size_t i = begin;
#if defined(__SSE2__)
  for (; text.size() - i >= 16; i += 16) {
    // As signed numbers, everything below a space is a control character or above 0x7F.
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + i));
    const __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
    const __m128i backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
    const __m128i below = _mm_cmplt_epi8(bytes, _mm_set1_epi8(' '));
    const int marks = _mm_movemask_epi8(_mm_or_si128(below, _mm_or_si128(quote, backslash)));
    if (marks != 0)
      return i + static_cast<size_t>(std::countr_zero(static_cast<unsigned>(marks))) - begin;
  }
#endif
  for (; text.size() - i >= 8; i += 8) {
    uint64_t word;
    __builtin_memcpy(&word, text.data() + i, 8);
    const uint64_t stop = special_bytes(word) | (word & 0x8080808080808080);
    if (stop != 0) return i + static_cast<size_t>(std::countr_zero(stop)) / 8 - begin;
  }
  for (; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\') break;
  }
  return i - begin;
}

}  // namespace

size_t unescaped_bytes(std::string_view text) {
  return static_cast<size_t>(find_special(text.data(), text.data() + text.size()) - text.data());
}

bool is_plain(std::string_view text) {
  return plain_bytes(text, 0) == text.size();
}

void append_quoted(std::string_view text, std::string& out) {
  out.push_back('"');
  for (size_t i = 0; i < text.size();) {
    const size_t plain = plain_bytes(text, i);
    out.append(text, i, plain);
    i += plain;
    if (i == text.size()) break;
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x80) {
      append_utf8(decode_utf8(text, i), out);
    } else {
      ++i;
      switch (c) {
        case '"':
          out += "\\\"";
          break;
        case '\\':
          out += "\\\\";
          break;
        case '\n':
          out += "\\n";
          break;
        case '\r':
          out += "\\r";
          break;
        case '\t':
          out += "\\t";
          break;
        default:
          fmt::format_to(std::back_inserter(out), "\\u{:04x}", c);
      }
    }
  }
  out.push_back('"');
}

std::string quoted(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 2);
  append_quoted(text, out);
  return out;
}

std::string apply_edits(std::string_view source, std::vector<Edit> edits) {
  std::ranges::sort(edits, {}, [](const Edit& e) { return e.range.begin; });
  std::string out;
  out.reserve(source.size() + 64);
  size_t done = 0;
  for (const Edit& edit : edits) {
    CHECK(edit.range.begin >= done && edit.range.end <= source.size());
    out.append(source.substr(done, edit.range.begin - done));
    out.append(edit.replacement);
    done = edit.range.end;
  }
  return out.append(source.substr(done));
}

void Writer::separate() {
  if (needs_comma_ && !after_key_) out_.push_back(',');
  needs_comma_ = true;
  after_key_ = false;
}

Writer& Writer::begin_object() {
  separate();
  out_.push_back('{');
  open_.push_back('{');
  needs_comma_ = false;
  return *this;
}

Writer& Writer::end_object() {
  CHECK(!open_.empty() && open_.back() == '{' && !after_key_);
  open_.pop_back();
  out_.push_back('}');
  needs_comma_ = true;
  return *this;
}

Writer& Writer::begin_array() {
  separate();
  out_.push_back('[');
  open_.push_back('[');
  needs_comma_ = false;
  return *this;
}

Writer& Writer::end_array() {
  CHECK(!open_.empty() && open_.back() == '[');
  open_.pop_back();
  out_.push_back(']');
  needs_comma_ = true;
  return *this;
}

Writer& Writer::key(std::string_view name) {
  CHECK(!open_.empty() && open_.back() == '{' && !after_key_);
  separate();
  append_quoted(name, out_);
  out_.push_back(':');
  after_key_ = true;
  return *this;
}

Writer& Writer::value(std::string_view text) {
  separate();
  append_quoted(text, out_);
  return *this;
}

Writer& Writer::value(int64_t number) {
  separate();
  fmt::format_to(std::back_inserter(out_), "{}", number);
  return *this;
}

Writer& Writer::value(uint64_t number) {
  separate();
  fmt::format_to(std::back_inserter(out_), "{}", number);
  return *this;
}

Writer& Writer::value(double number) {
  if (!std::isfinite(number)) return null();
  separate();
  fmt::format_to(std::back_inserter(out_), "{}", number);
  return *this;
}

Writer& Writer::value(bool truth) {
  separate();
  out_ += truth ? "true" : "false";
  return *this;
}

Writer& Writer::null() {
  separate();
  out_ += "null";
  return *this;
}

Writer& Writer::raw(std::string_view json) {
  separate();
  out_ += json;
  return *this;
}

std::string Writer::take() {
  CHECK(open_.empty());
  needs_comma_ = false;
  return std::move(out_);
}

}  // namespace weir::json
