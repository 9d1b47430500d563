#include "store/record_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <concepts>
#include <utility>

#include "base/check.h"
#include "base/json.h"
#include "store/crc32c.h"
#include "store/quick_reader.h"
#include "store/record_fields.h"

namespace weir::store {
namespace {

constexpr size_t kChecksumChars = 9;  // eight hex digits and a space

void write_checksum(uint32_t checksum, char* out) {
  for (int shift = 28; shift >= 0; shift -= 4)
    *out++ = "0123456789abcdef"[checksum >> shift & 15];
  *out = ' ';
}

// How many bytes a record may take at most, so that its writer need not look at the room again.
class FieldBound {
 public:
  size_t bytes() const { return bytes_; }
  void operator()(std::string_view name, const std::string& text) {
    // An escaped byte takes six.
    bytes_ += name.size() + 6 * std::min(text.size(), kLongestField) + kAroundField;
  }
  void operator()(std::string_view name, const auto&) {
    bytes_ += name.size() + kLongestNumber + kAroundField;
  }

 private:
  static constexpr size_t kAroundField = 8, kLongestNumber = 32;
  size_t bytes_ = 64;
};

// Writes behind `at`, where FieldBound has made room. Inlined, so that a name is a few constant
// moves: a request has fifty fields.
class FieldWriter {
 public:
  explicit FieldWriter(char* at) : at_(at) {}
  char* end() const { return at_; }

  void literal(std::string_view text) { at_ = std::copy(text.begin(), text.end(), at_); }
  [[gnu::always_inline]] void operator()(std::string_view name, const std::string& text) {
    if (text.empty()) return;
    key(name);
    quoted(text);
  }
  [[gnu::always_inline]] void operator()(std::string_view name, bool truth) {
    if (!truth) return;
    key(name);
    literal("true");
  }
  [[gnu::always_inline]] void operator()(std::string_view name, std::integral auto number) {
    if (number == 0) return;
    key(name);
    number_text(int64_t{number});
  }
  [[gnu::always_inline]] void operator()(std::string_view name, double number) {
    if (!std::isfinite(number)) return;
    key(name);
    number_text(number);
  }
  [[gnu::always_inline]] void operator()(std::string_view name, std::optional<int64_t> number) {
    if (!number) return;
    key(name);
    number_text(*number);
  }
  [[gnu::always_inline]] void operator()(std::string_view name, std::optional<double> number) {
    if (number) (*this)(name, *number);
  }
  [[gnu::always_inline]] void operator()(std::string_view name, CallRole role) {
    key(name);
    quoted(to_string(role));
  }
  [[gnu::always_inline]] void operator()(std::string_view name, catalog::UsageSource source) {
    key(name);
    quoted(to_string(source));
  }

 private:
  // Every object begins with a member, so a comma is right unless this is the first of a call.
  [[gnu::always_inline]] void key(std::string_view name) {
    *at_ = ',';
    at_ += at_[-1] != '{';
    *at_++ = '"';
    literal(name);
    *at_++ = '"';
    *at_++ = ':';
  }
  // Texts that need no escapes are all but a few.
  void quoted(std::string_view text) {
    text = text.substr(0, kLongestField);
    if (!json::is_plain(text)) {
      escaped_.clear();
      json::append_quoted(text, escaped_);
      return literal(escaped_);
    }
    *at_++ = '"';
    literal(text);
    *at_++ = '"';
  }
  void number_text(auto number) { at_ = std::to_chars(at_, at_ + 32, number).ptr; }

  char* at_;
  std::string escaped_;
};

// Takes the fields of any order and spelling, as another program may have written them.
class FieldReader {
 public:
  explicit FieldReader(json::Value object) : object_(object) {}

  void operator()(std::string_view name, std::string& text) {
    if (auto found = object_[name].as_string()) text = std::move(*found);
  }
  void operator()(std::string_view name, bool& truth) {
    truth = object_[name].as_bool().value_or(truth);
  }
  void operator()(std::string_view name, int64_t& number) {
    number = object_[name].as_int64().value_or(number);
  }
  void operator()(std::string_view name, int& number) {
    const int64_t wide = object_[name].as_int64().value_or(number);
    if (std::in_range<int>(wide)) number = static_cast<int>(wide);
  }
  void operator()(std::string_view name, double& number) {
    number = object_[name].as_double().value_or(number);
  }
  void operator()(std::string_view name, std::optional<int64_t>& number) {
    number = object_[name].as_int64();
  }
  void operator()(std::string_view name, std::optional<double>& number) {
    number = object_[name].as_double();
  }
  void operator()(std::string_view name, CallRole& role) {
    role = parse_call_role(object_[name].string_or("")).value_or(role);
  }
  void operator()(std::string_view name, catalog::UsageSource& source) {
    source = catalog::parse_usage_source(object_[name].string_or("")).value_or(source);
  }

 private:
  json::Value object_;
};

// Appends at most `bound` bytes that `write` writes with a FieldWriter, and the checksum before
// them.
template <typename Write>
void append_checked(size_t bound, std::string& out, Write&& write) {
  const size_t begin = out.size();
  out.resize_and_overwrite(begin + kChecksumChars + bound + 1, [&](char* data, size_t) {
    char* const text = data + begin + kChecksumChars;
    FieldWriter writer(text);
    write(writer);
    const auto written = static_cast<size_t>(writer.end() - text);
    CHECK(written <= bound);
    write_checksum(crc32c({text, written}), data + begin);
    text[written] = '\n';
    return begin + kChecksumChars + written + 1;
  });
}

std::expected<StartRecord, Error> read_start(json::Value object) {
  StartRecord record;
  visit_start_fields(record, FieldReader(object));
  if (record.id.empty()) return fail(ErrorCode::kCorrupt, "a start record without id");
  return record;
}

std::expected<EndRecord, Error> read_end(json::Value object) {
  EndRecord record;
  FieldReader read(object);
  read("id", record.id);
  visit_end_fields(record, read);
  if (record.id.empty()) return fail(ErrorCode::kCorrupt, "an end record without id");
  for (const json::Value call : object["calls"])
    visit_call_fields(record.calls.emplace_back(), FieldReader(call));
  return record;
}

// The line as this program writes it; nullopt: take the long way.
std::optional<Line> read_quickly(std::string_view text) {
  constexpr std::string_view kStart = R"({"t":"start")", kEnd = R"({"t":"end")";
  if (text.starts_with(kStart)) {
    QuickReader read(text.substr(kStart.size()));
    StartRecord record;
    visit_start_fields(record, read);
    if (read.at_end() && !record.id.empty()) return record;
  } else if (text.starts_with(kEnd)) {
    QuickReader read(text.substr(kEnd.size()));
    EndRecord record;
    read("id", record.id);
    visit_end_fields(record, read);
    read.objects("calls", [&] { visit_call_fields(record.calls.emplace_back(), read); });
    if (read.at_end() && !record.id.empty()) return record;
  }
  return std::nullopt;
}

std::expected<SegmentHeader, Error> read_header(json::Value object) {
  SegmentHeader header;
  FieldReader read(object);
  read("version", header.version);
  read("series", header.series);
  read("number", header.number);
  if (header.version > kJournalVersion)
    return fail(ErrorCode::kUnsupported,
                fmt::format("a journal of version {}, this program reads up to {}", header.version,
                            kJournalVersion));
  return header;
}

}  // namespace

void append_line(const SegmentHeader& header, std::string& out) {
  append_checked(256 + 6 * header.series.size(), out, [&](FieldWriter& write) {
    write.literal(R"({"t":"segment")");
    write("version", header.version);
    write("series", header.series);
    write("number", header.number);
    write.literal("}");
  });
}

void append_line(const StartRecord& record, std::string& out) {
  FieldBound bound;
  visit_start_fields(record, bound);
  append_checked(bound.bytes(), out, [&](FieldWriter& write) {
    write.literal(R"({"t":"start")");
    visit_start_fields(record, write);
    write.literal("}");
  });
}

void append_line(const EndRecord& record, std::string& out) {
  FieldBound bound;
  bound("id", record.id);
  visit_end_fields(record, bound);
  for (const CallRecord& call : record.calls)
    visit_call_fields(call, bound);
  append_checked(bound.bytes() + 3 * record.calls.size(), out, [&](FieldWriter& write) {
    write.literal(R"({"t":"end")");
    write("id", record.id);
    visit_end_fields(record, write);
    if (!record.calls.empty()) {
      write.literal(R"(,"calls":[)");
      for (const CallRecord& call : record.calls) {
        if (&call != record.calls.data()) write.literal(",");
        write.literal("{");
        visit_call_fields(call, write);
        write.literal("}");
      }
      write.literal("]");
    }
    write.literal("}");
  });
}

std::expected<Line, Error> parse_line(std::string_view line) {
  uint32_t stated = 0;
  const char* digits_end = line.data() + std::min<size_t>(line.size(), 8);
  const auto [end, problem] = std::from_chars(line.data(), digits_end, stated, 16);
  if (line.size() < kChecksumChars || problem != std::errc() || end != digits_end || line[8] != ' ')
    return fail(ErrorCode::kCorrupt, "no checksum where a record begins");
  const std::string_view text = line.substr(kChecksumChars);
  if (crc32c(text) != stated) return fail(ErrorCode::kCorrupt, "the checksum does not fit");
  if (auto quick = read_quickly(text)) return std::move(*quick);
  auto document = json::Document::parse(std::string(text));
  if (!document) return fail(ErrorCode::kCorrupt, document.error().message);
  const json::Value root = document->root();
  const std::string type = root["t"].string_or("");
  if (type == "start") return read_start(root);
  if (type == "end") return read_end(root);
  if (type == "segment") return read_header(root);
  return fail(ErrorCode::kCorrupt, "a record of unknown type '" + type + "'");
}

}  // namespace weir::store
