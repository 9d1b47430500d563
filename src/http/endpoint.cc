// Endpoint: base URLs (RFC 3986, the part of it that makes sense for an API).
#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <charconv>

#include "http/client.h"

namespace weir::http {
namespace {

std::unexpected<Error> bad_url(std::string_view url, std::string_view what) {
  // A URL may carry a password, so only what precedes an '@' is left out of the message.
  const size_t at = url.rfind('@');
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("invalid URL '{}': {}",
                          at == std::string_view::npos ? url : url.substr(at + 1), what));
}

bool is_name(std::string_view host) {
  return !host.empty() && host.size() <= 253 && std::ranges::all_of(host, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
  });
}

}  // namespace

std::expected<Endpoint, Error> Endpoint::parse(std::string_view url) {
  Endpoint endpoint;
  std::string_view rest = url;
  const size_t scheme_end = url.find("://");
  const std::string_view scheme = url.substr(0, std::min(scheme_end, url.size()));
  if (scheme_end != std::string_view::npos && equals_ignoring_case(scheme, "https"))
    endpoint.tls = true;
  else if (scheme_end == std::string_view::npos || !equals_ignoring_case(scheme, "http"))
    return bad_url(url, "it must begin with http:// or https://");
  endpoint.port = endpoint.tls ? 443 : 80;
  rest.remove_prefix(scheme_end + 3);

  const size_t authority_end = std::min(rest.find_first_of("/?#"), rest.size());
  std::string_view authority = rest.substr(0, authority_end);
  std::string_view path = rest.substr(authority_end);
  if (authority.contains('@')) return bad_url(url, "user name and password do not belong there");
  if (path.find_first_of("?#") != std::string_view::npos)
    return bad_url(url, "a base URL has no query and no fragment");
  if (std::ranges::any_of(path, [](char c) { return c <= 0x20 || c >= 0x7F; }))
    return bad_url(url, "the path has a character that must be percent-encoded");

  std::string_view port;
  if (authority.starts_with('[')) {
    const size_t close = authority.find(']');
    if (close == std::string_view::npos) return bad_url(url, "']' is missing");
    endpoint.host = authority.substr(1, close - 1);
    port = authority.substr(close + 1);
    boost::system::error_code failure;
    boost::asio::ip::make_address_v6(endpoint.host, failure);
    if (failure) return bad_url(url, "the text in brackets is not an IPv6 address");
  } else {
    const size_t colon = std::min(authority.find(':'), authority.size());
    endpoint.host = authority.substr(0, colon);
    port = authority.substr(colon);
    if (!is_name(endpoint.host))
      return bad_url(url, "the host is missing or has a character that no host has");
  }
  if (!port.empty()) {
    unsigned number = 0;
    const auto [end, status] = std::from_chars(port.data() + 1, port.data() + port.size(), number);
    if (port.front() != ':' || status != std::errc() || end != port.data() + port.size() ||
        number == 0 || number > 65535)
      return bad_url(url, "the port must be a number from 1 to 65535");
    endpoint.port = static_cast<uint16_t>(number);
  }
  while (path.ends_with('/'))
    path.remove_suffix(1);
  endpoint.path_prefix = path;
  return endpoint;
}

std::string Endpoint::authority() const {
  std::string text = host.contains(':') ? "[" + host + "]" : host;
  if (port != (tls ? 443 : 80)) text += fmt::format(":{}", port);
  return text;
}

}  // namespace weir::http
