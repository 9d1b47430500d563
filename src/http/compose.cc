#include "http/compose.h"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <array>

namespace weir::http {
namespace {

constexpr std::array<std::string_view, 10> kConnectionFields = {
    "connection", "content-length", "date",    "keep-alive",        "proxy-connection",
    "te",         "trailer",        "upgrade", "transfer-encoding", "expect"};

bool written_here(std::string_view name) {
  return std::ranges::any_of(kConnectionFields, [name](std::string_view field) {
    return equals_ignoring_case(field, name);
  });
}

bool is_control(char raw) {
  const auto c = static_cast<unsigned char>(raw);
  return (c < 0x20 && c != '\t') || c == 0x7F;
}

void append_field(std::string_view name, std::string_view value, std::string& out) {
  constexpr std::string_view kColon = ": ", kEnd = "\r\n";
  const size_t begin = out.size();
  out.resize_and_overwrite(
      begin + name.size() + kColon.size() + value.size() + kEnd.size(), [&](char* data, size_t) {
        char* at = std::copy(name.begin(), name.end(), data + begin);
        at = std::copy(kColon.begin(), kColon.end(), at);
        at = std::ranges::replace_copy_if(value, at, is_control, ' ').out;
        return static_cast<size_t>(std::copy(kEnd.begin(), kEnd.end(), at) - data);
      });
}

void append_number(uint64_t number, std::string& out) {
  fmt::format_int text(number);
  out.append(text.data(), text.size());
}

}  // namespace

void append_response_head(int status, const Headers& headers, const ResponseFraming& framing,
                          std::string& out) {
  out.append("HTTP/1.1 ");
  append_number(static_cast<uint64_t>(status), out);
  out.append(" ").append(reason_phrase(status)).append("\r\n");
  for (const Header& field : headers)
    if (is_token(field.name) && !written_here(field.name))
      append_field(field.name, field.value, out);
  out.append("Date: ").append(framing.date).append("\r\n");
  if (framing.body == BodyKind::kLength) {
    out.append("Content-Length: ");
    append_number(framing.length_bytes, out);
    out.append("\r\n");
  } else if (framing.body == BodyKind::kChunked) {
    out.append("Transfer-Encoding: chunked\r\n");
  }
  if (framing.persistence == Persistence::kClose)
    out.append("Connection: close\r\n");
  else if (framing.persistence == Persistence::kKeepOldClient)
    out.append("Connection: keep-alive\r\n");
  out.append("\r\n");
}

void append_request_head(std::string_view method, std::string_view target,
                         std::string_view authority, const Headers& headers, uint64_t body_bytes,
                         std::string_view proxy_authorization, std::string& out) {
  out.append(method).append(" ").append(target).append(" HTTP/1.1\r\nHost: ");
  out.append(authority).append("\r\n");
  for (const Header& field : headers)
    if (is_token(field.name) && !written_here(field.name) &&
        !equals_ignoring_case(field.name, "host") &&
        !equals_ignoring_case(field.name, "accept-encoding") &&
        !equals_ignoring_case(field.name, "proxy-authorization"))
      append_field(field.name, field.value, out);
  if (!proxy_authorization.empty()) append_field("Proxy-Authorization", proxy_authorization, out);
  out.append("Accept-Encoding: identity\r\n");
  if (body_bytes > 0 || method == "POST" || method == "PUT" || method == "PATCH") {
    out.append("Content-Length: ");
    append_number(body_bytes, out);
    out.append("\r\n");
  }
  out.append("\r\n");
}

void append_chunk_size(uint64_t bytes, std::string& out) {
  fmt::format_to(std::back_inserter(out), "{:x}\r\n", bytes);
}

std::string format_http_date(int64_t unix_us) {
  static constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed",
                                                       "Thu", "Fri", "Sat"};
  static constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const time_t seconds = unix_us / 1'000'000;
  tm parts{};
  gmtime_r(&seconds, &parts);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
                     kDays[static_cast<size_t>(parts.tm_wday)], parts.tm_mday,
                     kMonths[static_cast<size_t>(parts.tm_mon)], parts.tm_year + 1900,
                     parts.tm_hour, parts.tm_min, parts.tm_sec);
}

}  // namespace weir::http
