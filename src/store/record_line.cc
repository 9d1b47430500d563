#include "store/record_line.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <concepts>
#include <utility>

#include "base/digest.h"
#include "base/json.h"
#include "store/crc32c.h"
#include "store/quick_reader.h"
#include "store/record_fields.h"

namespace weir::store {
namespace {

constexpr size_t kChecksumChars = 9;  // eight hex digits and a space

class FieldWriter {
 public:
  explicit FieldWriter(std::string& out) : out_(out) {}

  void operator()(std::string_view name, const std::string& text) {
    if (text.empty()) return;
    key(name);
    json::append_quoted(std::string_view(text).substr(0, kLongestField), out_);
  }
  void operator()(std::string_view name, bool truth) {
    if (!truth) return;
    key(name);
    out_ += "true";
  }
  void operator()(std::string_view name, std::integral auto number) {
    if (number == 0) return;
    key(name);
    number_text(number);
  }
  void operator()(std::string_view name, double number) {
    if (!std::isfinite(number)) return;
    key(name);
    number_text(number);
  }
  void operator()(std::string_view name, std::optional<int64_t> number) {
    if (!number) return;
    key(name);
    number_text(*number);
  }
  void operator()(std::string_view name, std::optional<double> number) {
    if (number) (*this)(name, *number);
  }
  void operator()(std::string_view name, CallRole role) {
    key(name);
    json::append_quoted(to_string(role), out_);
  }
  void operator()(std::string_view name, catalog::UsageSource source) {
    key(name);
    json::append_quoted(to_string(source), out_);
  }

 private:
  // Every object begins with a member, so a comma is right unless this is the first of a call.
  void key(std::string_view name) {
    using namespace std::string_view_literals;
    out_.append(out_.back() == '{' ? "\""sv : ",\""sv).append(name).append("\":"sv);
  }
  void number_text(auto number) {
    char digits[32];
    const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    out_.append(digits, end);
  }

  std::string& out_;
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

// Leaves room for the checksum, then fills it in over what `write` appended.
template <typename Write>
void append_checked(std::string& out, Write&& write) {
  const size_t begin = out.size();
  out.append(kChecksumChars, ' ');
  write();
  const uint32_t checksum = crc32c(std::string_view(out).substr(begin + kChecksumChars));
  out.replace(begin, 8, to_hex(uint64_t{checksum}), 8, 8);
  out += '\n';
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
  append_checked(out, [&] {
    out += R"({"t":"segment")";
    FieldWriter write(out);
    write("version", header.version);
    write("series", header.series);
    write("number", header.number);
    out += '}';
  });
}

void append_line(const StartRecord& record, std::string& out) {
  append_checked(out, [&] {
    out += R"({"t":"start")";
    visit_start_fields(record, FieldWriter(out));
    out += '}';
  });
}

void append_line(const EndRecord& record, std::string& out) {
  append_checked(out, [&] {
    out += R"({"t":"end")";
    FieldWriter write(out);
    write("id", record.id);
    visit_end_fields(record, write);
    if (!record.calls.empty()) {
      out += R"(,"calls":[)";
      for (const CallRecord& call : record.calls) {
        if (&call != record.calls.data()) out += ',';
        out += '{';
        visit_call_fields(call, FieldWriter(out));
        out += '}';
      }
      out += ']';
    }
    out += '}';
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
