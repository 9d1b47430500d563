// base/json: whatever it accepts keeps its bytes, can be walked and edited, and what it accepts or
// refuses does not depend on the space around it. What weir quotes, it reads back. Where
// nlohmann-json is installed, both must agree on plain input.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/json.h"
#include "base/utf8.h"

#if __has_include(<nlohmann/json.hpp>)
#include <nlohmann/json.hpp>
#define WEIR_HAS_NLOHMANN 1
#endif

namespace {

using weir::json::Document;
using weir::json::Value;

size_t walk(const Value& value, int depth) {
  CHECK(depth < 70);
  size_t seen = 1;
  CHECK(!value.raw().empty());
  const auto text = value.as_string();
  CHECK(text.has_value() == value.is_string());
  if (const auto number = value.as_int64()) CHECK(value.as_double().has_value());
  size_t index = 0;
  for (const Value child : value) {
    const auto outer = value.range(), inner = child.range();
    CHECK(outer.begin < inner.begin && inner.end < outer.end);
    CHECK(value.at(index).raw().data() == child.raw().data());
    if (value.is_object()) CHECK(value[child.key()].exists());
    // Linear look-ups on both axes: enough of them.
    if (++index > 50) break;
    seen += walk(child, depth + 1);
  }
  return seen;
}

// Ill-formed UTF-8 replaced, as quoting does it.
std::string well_formed(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size();)
    weir::append_utf8(weir::decode_utf8(text, i), out);
  return out;
}

#ifdef WEIR_HAS_NLOHMANN
// The other parser refuses ill-formed UTF-8, lone surrogates and numbers beyond double, skips a
// byte order mark and ends at a NUL; elsewhere the grammar is the same.
void compare(const std::string& input, const std::expected<Document, weir::Error>& document) {
  const bool too_large = !document && document.error().code == weir::ErrorCode::kTooLarge;
  if (too_large || input.starts_with("\xEF") || input.find('\0') != std::string::npos) return;
  const bool other = nlohmann::json::accept(input);
  if (other) CHECK(document.has_value());
  const bool plain = input.find_first_of("eE\\") == std::string::npos && input.size() < 300 &&
                     well_formed(input) == input;
  if (plain && document) CHECK(other);
}
#endif

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);
  const weir::json::Limits limits{.max_depth = 64, .max_values = 10'000};
  const auto document = Document::parse(input, limits);
  const auto padded = Document::parse("\n\t " + input + " \r\n", limits);
  CHECK(document.has_value() == padded.has_value());

#ifdef WEIR_HAS_NLOHMANN
  compare(input, document);
#endif

  const std::string quoted = weir::json::quoted(input);
  const auto read_back = Document::parse(quoted);
  CHECK(read_back && read_back->root().as_string() == well_formed(input));

  if (!document) {
    CHECK(!document.error().message.empty());
    return 0;
  }
  CHECK(document->text() == input);
  walk(document->root(), 0);
  (void)Document::duplicate_key(document->root());
  const auto range = document->root().range();
  CHECK(weir::json::apply_edits(input, {{range, std::string(document->root().raw())}}) == input);
  weir::json::Writer writer;
  writer.begin_array().raw(document->root().raw()).value(input).end_array();
  CHECK(Document::parse(writer.take(), {.max_depth = 65, .max_values = 20'000}));
  return 0;
}
