#include "http/parser.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

namespace weir::http {
namespace {

constexpr size_t kFieldsLimit = 128;
constexpr size_t kFieldsExpected = 16;
constexpr size_t kChunkOverheadLimitBytes = 8 << 10;
constexpr int kChunkDigitsLimit = 15;

constexpr std::array<bool, 256> make_token_table() {
  std::array<bool, 256> table{};
  for (int c = '0'; c <= '9'; ++c)
    table[static_cast<size_t>(c)] = true;
  for (int c = 'a'; c <= 'z'; ++c)
    table[static_cast<size_t>(c)] = true;
  for (int c = 'A'; c <= 'Z'; ++c)
    table[static_cast<size_t>(c)] = true;
  for (const char c : std::string_view("!#$%&'*+-.^_`|~"))
    table[static_cast<size_t>(c)] = true;
  return table;
}
constexpr std::array<bool, 256> kTokenTable = make_token_table();

std::unexpected<Fault> fault(int status, const char* message) {
  return std::unexpected(Fault{status, message});
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
    text.remove_suffix(1);
  return text;
}

// Without a way out of the loop, so that it is done many bytes at a time.
bool is_field_value(std::string_view text) {
  bool bad = false;
  for (const char raw : text) {
    const auto c = static_cast<unsigned char>(raw);
    bad |= (c < 0x20 && c != '\t') || c == 0x7F;
  }
  return !bad;
}

// Visible ASCII without '#': what may stand in a request target.
bool is_target(std::string_view text) {
  return std::ranges::all_of(text, [](char raw) {
    const auto c = static_cast<unsigned char>(raw);
    return c > 0x20 && c < 0x7F && c != '#';
  });
}

bool is_host(std::string_view text) {
  return std::ranges::all_of(text, [](char raw) {
    const auto c = static_cast<unsigned char>(raw);
    return c > 0x20 && c < 0x7F && std::strchr("/?#@\\,\"<>^`{|}", raw) == nullptr;
  });
}

// Takes the next line off `head`; every line ends in CR LF, which HeadScanner has checked.
std::string_view take_line(std::string_view& head) {
  const size_t end = head.find('\n');
  const std::string_view line = head.substr(0, end - 1);
  head.remove_prefix(end + 1);
  return line;
}

std::optional<uint64_t> parse_length(std::string_view text) {
  if (text.empty() || text.size() > 18) return std::nullopt;
  uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<uint64_t>(c - '0');
  }
  return value;
}

std::expected<void, Fault> parse_fields(std::string_view head, Headers& headers) {
  headers.reserve(kFieldsExpected);
  for (std::string_view line = take_line(head); !line.empty(); line = take_line(head)) {
    if (line.front() == ' ' || line.front() == '\t') return fault(400, "folded header line");
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) return fault(400, "header line without a colon");
    const std::string_view name = line.substr(0, colon);
    if (!is_token(name)) return fault(400, "invalid header name");
    const std::string_view value = trim(line.substr(colon + 1));
    if (!is_field_value(value)) return fault(400, "control character in a header value");
    if (headers.size() >= kFieldsLimit) return fault(431, "more than 128 header fields");
    headers.add(name, value);
  }
  return {};
}

// The version digits of "HTTP/1.1" as 11.
std::optional<int> parse_version(std::string_view text) {
  if (text.size() != 8 || !text.starts_with("HTTP/") || text[6] != '.') return std::nullopt;
  if (text[5] < '0' || text[5] > '9' || text[7] < '0' || text[7] > '9') return std::nullopt;
  return (text[5] - '0') * 10 + (text[7] - '0');
}

void split_query(std::string_view target, Request& request) {
  const size_t mark = target.find('?');
  request.path = target.substr(0, mark);
  if (mark != std::string_view::npos) request.query = target.substr(mark + 1);
}

// Origin, absolute and asterisk form (RFC 9112, 3.2). `authority` gets the host of an absolute one.
std::expected<void, Fault> parse_target(std::string_view target, Request& request,
                                        std::string_view& authority) {
  if (target.empty() || !is_target(target)) return fault(400, "invalid request target");
  if (request.method == "CONNECT") return fault(501, "CONNECT is not supported");
  if (target == "*") {
    if (request.method != "OPTIONS") return fault(400, "target * belongs to OPTIONS");
    request.path = "*";
    return {};
  }
  if (target.front() == '/') {
    split_query(target, request);
    return {};
  }
  const size_t scheme_end = target.find("://");
  if (scheme_end == std::string_view::npos ||
      !(equals_ignoring_case(target.substr(0, scheme_end), "http") ||
        equals_ignoring_case(target.substr(0, scheme_end), "https")))
    return fault(400, "invalid request target");
  const std::string_view rest = target.substr(scheme_end + 3);
  const size_t path_begin = std::min(rest.find_first_of("/?"), rest.size());
  authority = rest.substr(0, path_begin);
  if (authority.empty() || !is_host(authority)) return fault(400, "invalid host in the target");
  split_query(rest.substr(path_begin), request);
  if (request.path.empty()) request.path = "/";
  return {};
}

std::expected<void, Fault> parse_request_line(std::string_view line, Request& request,
                                              std::string_view& authority) {
  const size_t first = line.find(' ');
  if (first == std::string_view::npos || !is_token(line.substr(0, first)))
    return fault(400, "invalid request line");
  request.method = line.substr(0, first);
  const size_t last = line.rfind(' ');
  const auto version = parse_version(line.substr(last + 1));
  if (last == first || !version) return fault(400, "invalid request line");
  if (*version != 10 && *version != 11) return fault(505, "only HTTP/1.0 and HTTP/1.1 are spoken");
  request.version = *version;
  return parse_target(line.substr(first + 1, last - first - 1), request, authority);
}

std::expected<void, Fault> check_host(Request& request, std::string_view authority) {
  size_t hosts = 0;
  for (const Header& field : request.headers) {
    if (!equals_ignoring_case(field.name, "host")) continue;
    ++hosts;
    if (!is_host(field.value)) return fault(400, "invalid Host");
  }
  if (hosts > 1) return fault(400, "more than one Host");
  if (hosts == 0 && request.version >= 11) return fault(400, "missing Host");
  // RFC 9112, 3.2.2: the target's host counts, whatever Host says.
  if (!authority.empty()) request.headers.set("Host", authority);
  return {};
}

struct LengthFields {
  const Header* length = nullptr;
  const Header* coding = nullptr;
  bool repeated_length = false, repeated_coding = false;
};

LengthFields find_length_fields(const Headers& headers) {
  LengthFields found;
  for (const Header& field : headers) {
    if (equals_ignoring_case(field.name, "content-length")) {
      found.repeated_length |= found.length != nullptr;
      found.length = &field;
    } else if (equals_ignoring_case(field.name, "transfer-encoding")) {
      found.repeated_coding |= found.coding != nullptr;
      found.coding = &field;
    }
  }
  return found;
}

bool persists(int version, const Headers& headers) {
  if (list_contains(headers, "connection", "close")) return false;
  return version >= 11 || list_contains(headers, "connection", "keep-alive");
}

std::expected<void, Fault> frame_request(const Request& request, Framing& framing) {
  const LengthFields found = find_length_fields(request.headers);
  if (found.repeated_length) return fault(400, "more than one Content-Length");
  if (found.repeated_coding) return fault(400, "more than one Transfer-Encoding");
  if (found.length && found.coding)
    return fault(400, "Content-Length together with Transfer-Encoding");
  if (found.coding) {
    if (request.version < 11) return fault(400, "Transfer-Encoding in HTTP/1.0");
    if (!equals_ignoring_case(found.coding->value, "chunked"))
      return fault(501, "the only Transfer-Encoding spoken is chunked");
    framing.body = BodyKind::kChunked;
  } else if (found.length) {
    const auto length = parse_length(found.length->value);
    if (!length) return fault(400, "invalid Content-Length");
    framing.body = *length > 0 ? BodyKind::kLength : BodyKind::kNone;
    framing.length_bytes = *length;
  }
  if (request.version >= 11 && request.headers.contains("expect")) {
    if (!equals_ignoring_case(request.headers.get("expect"), "100-continue"))
      return fault(417, "the only expectation met is 100-continue");
    framing.expects_continue = framing.body != BodyKind::kNone;
  }
  framing.keep_alive = persists(request.version, request.headers);
  return {};
}

std::expected<void, Fault> parse_status_line(std::string_view line, ResponseHead& response) {
  const auto version = parse_version(line.substr(0, 8));
  if (!version || (*version != 10 && *version != 11) || line.size() < 12 || line[8] != ' ' ||
      (line.size() > 12 && line[12] != ' ') || !is_field_value(line))
    return fault(502, "invalid status line");
  const auto status = parse_length(line.substr(9, 3));
  if (!status || *status < 100 || *status > 999) return fault(502, "invalid status line");
  response.version = *version;
  response.status = static_cast<int>(*status);
  return {};
}

// "5, 5" counts as 5: some senders repeat the field and something in between joins it.
std::optional<uint64_t> agreed_length(const Headers& headers) {
  std::optional<uint64_t> agreed;
  for (const Header& field : headers) {
    if (!equals_ignoring_case(field.name, "content-length")) continue;
    std::string_view rest = field.value;
    for (;;) {
      const size_t comma = rest.find(',');
      const auto length = parse_length(trim(rest.substr(0, comma)));
      if (!length || (agreed && *agreed != *length)) return std::nullopt;
      agreed = length;
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
  return agreed;
}

}  // namespace

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return kTokenTable[static_cast<unsigned char>(c)];
  });
}

bool list_contains(const Headers& headers, std::string_view name, std::string_view token) {
  for (const Header& field : headers) {
    if (!equals_ignoring_case(field.name, name)) continue;
    std::string_view rest = field.value;
    for (;;) {
      const size_t comma = rest.find(',');
      if (equals_ignoring_case(trim(rest.substr(0, comma)), token)) return true;
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
  return false;
}

std::expected<size_t, Fault> HeadScanner::scan(std::string_view bytes) {
  for (;;) {
    const void* found = position_ < bytes.size()
                            ? std::memchr(bytes.data() + position_, '\n', bytes.size() - position_)
                            : nullptr;
    if (found == nullptr) {
      position_ = bytes.size();
      return 0;
    }
    const auto lf = static_cast<size_t>(static_cast<const char*>(found) - bytes.data());
    if (lf == line_begin_ || bytes[lf - 1] != '\r')
      return fault(400, "a line does not end in CR LF");
    const bool empty = lf - 1 == line_begin_;
    position_ = line_begin_ = lf + 1;
    if (empty) return position_;
  }
}

std::expected<Framing, Fault> parse_request_head(std::string_view head, Request& request) {
  Framing framing;
  std::string_view authority;
  if (auto parsed = parse_request_line(take_line(head), request, authority); !parsed)
    return std::unexpected(parsed.error());
  if (auto parsed = parse_fields(head, request.headers); !parsed)
    return std::unexpected(parsed.error());
  if (auto checked = check_host(request, authority); !checked)
    return std::unexpected(checked.error());
  if (auto framed = frame_request(request, framing); !framed)
    return std::unexpected(framed.error());
  return framing;
}

std::expected<Framing, Fault> parse_response_head(std::string_view head,
                                                  std::string_view request_method,
                                                  ResponseHead& response) {
  if (auto parsed = parse_status_line(take_line(head), response); !parsed)
    return std::unexpected(parsed.error());
  if (auto parsed = parse_fields(head, response.headers); !parsed)
    return fault(502, parsed.error().message);
  Framing framing;
  framing.keep_alive = persists(response.version, response.headers);
  const LengthFields found = find_length_fields(response.headers);
  if (request_method == "HEAD" || response.status < 200 || response.status == 204 ||
      response.status == 304)
    return framing;
  if (found.coding) {
    if (found.repeated_coding || !equals_ignoring_case(found.coding->value, "chunked"))
      return fault(502, "a Transfer-Encoding other than chunked");
    framing.body = BodyKind::kChunked;
    // RFC 9112, 6.3: such a sender is not to be trusted with a second message.
    if (found.length || response.version < 11) framing.keep_alive = false;
  } else if (found.length) {
    const auto length = agreed_length(response.headers);
    if (!length) return fault(502, "invalid Content-Length");
    framing.body = *length > 0 ? BodyKind::kLength : BodyKind::kNone;
    framing.length_bytes = *length;
  } else {
    framing.body = BodyKind::kUntilClose;
    framing.keep_alive = false;
  }
  return framing;
}

ChunkedDecoder::Step ChunkedDecoder::next(std::string_view input) {
  Step step;
  while (step.consumed < input.size() && !done()) {
    if (state_ == State::kData) {
      const size_t size = std::min<uint64_t>(left_bytes_, input.size() - step.consumed);
      step.data = input.substr(step.consumed, size);
      step.consumed += size;
      left_bytes_ -= size;
      if (left_bytes_ == 0) state_ = State::kDataCr;
      return step;
    }
    if (!take(static_cast<unsigned char>(input[step.consumed]))) {
      step.bad = true;
      return step;
    }
    ++step.consumed;
  }
  return step;
}

// One byte of the coding itself; false when it must not stand there.
bool ChunkedDecoder::take(unsigned char c) {
  const auto expect = [&](unsigned char wanted, State next) {
    state_ = next;
    return c == wanted;
  };
  switch (state_) {
    case State::kSize: {
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit >= 0) {
        left_bytes_ = left_bytes_ * 16 + static_cast<uint64_t>(digit);
        return ++digits_ <= kChunkDigitsLimit;
      }
      if (digits_ == 0) return false;
      if (c == '\r') return expect('\r', State::kSizeLf);
      state_ = State::kExtension;
      return c == ';' || c == ' ' || c == '\t';
    }
    case State::kExtension:
      if (c == '\r') return expect('\r', State::kSizeLf);
      return ++overhead_bytes_ <= kChunkOverheadLimitBytes &&
             (c == '\t' || (c >= 0x20 && c != 0x7F));
    case State::kSizeLf:
      digits_ = 0;
      return expect('\n', left_bytes_ > 0 ? State::kData : State::kTrailer);
    case State::kDataCr:
      return expect('\r', State::kDataLf);
    case State::kDataLf:
      return expect('\n', State::kSize);
    case State::kTrailer:
      if (c == '\r') return expect('\r', State::kEndLf);
      state_ = State::kTrailerLine;
      [[fallthrough]];
    case State::kTrailerLine:
      if (c == '\r') return expect('\r', State::kTrailerLf);
      return ++overhead_bytes_ <= kChunkOverheadLimitBytes &&
             (c == '\t' || (c >= 0x20 && c != 0x7F));
    case State::kTrailerLf:
      return expect('\n', State::kTrailer);
    case State::kEndLf:
      return expect('\n', State::kDone);
    case State::kData:
    case State::kDone:
      return false;
  }
  return false;
}

}  // namespace weir::http
