// Journal segments of any bytes. The first byte says how the rest is read: even, as it is; odd,
// with the right checksum put before every line, so that what lies behind the checksum is reached
// too. Whatever is read must come back the same when it is written and read again, and a cut
// segment must give a beginning of what the whole one gives.
#include <cstdint>
#include <string>
#include <vector>

#include "base/check.h"
#include "store/crc32c.h"
#include "store/journal.h"
#include "store/record_line.h"

namespace {

using namespace weir;
using namespace weir::store;

std::string with_checksums(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    static constexpr char kHex[] = "0123456789abcdef";
    const uint32_t checksum = crc32c(line);
    for (int shift = 28; shift >= 0; shift -= 4)
      out += kHex[checksum >> shift & 15];
    out += ' ';
    out += line;
    out += '\n';
  }
  return out;
}

std::string written(const Record& record) {
  std::string line;
  std::visit([&](const auto& r) { append_line(r, line); }, record);
  return line;
}

std::vector<std::string> lines_of(std::string_view bytes) {
  std::vector<std::string> lines;
  const SegmentVisitor visitor{.take = [&](Record&& record) -> std::expected<void, Error> {
                                 lines.push_back(written(record));
                                 return {};
                               },
                               .damaged = [](size_t, const Error&) {}};
  const auto settled = visit_segment(bytes, visitor);
  CHECK(!settled || *settled <= bytes.size());
  return lines;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string bytes = data[0] % 2 == 0 ? std::string(rest) : with_checksums(rest);
  const auto lines = lines_of(bytes);
  for (const std::string& line : lines)
    CHECK(lines_of(line) == std::vector{line});
  const auto cut = lines_of(std::string_view(bytes).substr(0, bytes.size() / 2));
  CHECK(cut.size() <= lines.size());
  for (size_t i = 0; i < cut.size(); ++i)
    CHECK(cut[i] == lines[i]);
  (void)read_segment(bytes, [](Record&&) {});
  if (const auto name = parse_segment_name(rest)) CHECK(parse_segment_name(name->file_name()));
  return 0;
}
