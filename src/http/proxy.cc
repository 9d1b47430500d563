#include "http/proxy.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <boost/asio/ip/address.hpp>
#include <cstdlib>

namespace weir::http {
namespace {

std::string base64(std::string_view bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  out.resize(static_cast<size_t>(size));
  return out;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string percent_decode(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 &&
        hex_digit(text[i + 2]) >= 0) {
      out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::expected<ProxyRoute, Error> parse_proxy(std::string_view url, std::string_view setting) {
  ProxyRoute route;
  if (url.empty()) return route;
  std::string plain(url);
  if (!plain.contains("://")) plain.insert(0, "http://");
  const size_t begin = plain.find("://") + 3;
  const size_t at = plain.rfind('@');
  if (at != std::string::npos && at >= begin) {
    route.authorization = "Basic " + base64(percent_decode(plain.substr(begin, at - begin)));
    plain.erase(begin, at + 1 - begin);
  }
  auto endpoint = Endpoint::parse(plain);
  if (!endpoint)
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: {}", setting, endpoint.error().message));
  if (endpoint->tls)
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: a proxy is spoken to by http://, not https://", setting));
  route.used = true;
  route.endpoint = std::move(*endpoint);
  return route;
}

bool is_loopback(std::string_view host) {
  if (equals_ignoring_case(host, "localhost")) return true;
  boost::system::error_code not_an_address;
  const auto address = boost::asio::ip::make_address(std::string(host), not_an_address);
  return !not_an_address && address.is_loopback();
}

std::string_view trim_spaces(std::string_view text) {
  while (text.starts_with(' '))
    text.remove_prefix(1);
  while (text.ends_with(' '))
    text.remove_suffix(1);
  return text;
}

bool matches(std::string_view entry, std::string_view host, uint16_t port) {
  if (entry == "*") return true;
  const std::string with_port = fmt::format(":{}", port);
  // An IPv6 address has colons of its own, so a port needs brackets there.
  if (entry.starts_with('[')) {
    const size_t close = entry.find(']');
    if (close == std::string_view::npos) return false;
    if (close + 1 < entry.size() && entry.substr(close + 1) != with_port) return false;
    entry = entry.substr(1, close - 1);
  } else if (entry.find(':') == entry.rfind(':') && entry.contains(':')) {
    if (!entry.ends_with(with_port)) return false;
    entry.remove_suffix(with_port.size());
  }
  if (entry.starts_with("*.")) entry.remove_prefix(1);
  if (entry.starts_with('.')) entry.remove_prefix(1);
  if (entry.empty() || entry.size() > host.size()) return false;
  if (!equals_ignoring_case(host.substr(host.size() - entry.size()), entry)) return false;
  return host.size() == entry.size() || host[host.size() - entry.size() - 1] == '.';
}

std::string from_environment(const char* lower, const char* upper) {
  for (const char* name : {lower, upper})
    if (const char* value = std::getenv(name); value != nullptr && *value != '\0') return value;
  return {};
}

}  // namespace

void ClientOptions::read_proxy_environment() {
  https_proxy = from_environment("https_proxy", "HTTPS_PROXY");
  http_proxy = from_environment("http_proxy", "HTTP_PROXY");
  no_proxy = from_environment("no_proxy", "NO_PROXY");
}

bool bypasses_proxy(std::string_view no_proxy, std::string_view host, uint16_t port) {
  while (!no_proxy.empty()) {
    const size_t comma = no_proxy.find(',');
    if (matches(trim_spaces(no_proxy.substr(0, comma)), host, port)) return true;
    if (comma == std::string_view::npos) break;
    no_proxy.remove_prefix(comma + 1);
  }
  return false;
}

std::expected<ProxyTable, Error> ProxyTable::make(const ClientOptions& options) {
  ProxyTable table;
  TRY_ASSIGN(table.http_, parse_proxy(options.http_proxy, "HTTP_PROXY"));
  TRY_ASSIGN(table.https_, parse_proxy(options.https_proxy, "HTTPS_PROXY"));
  table.no_proxy_ = options.no_proxy;
  return table;
}

const ProxyRoute& ProxyTable::route(const Endpoint& endpoint) const {
  const ProxyRoute& route = endpoint.tls ? https_ : http_;
  if (!route.used || is_loopback(endpoint.host) ||
      bypasses_proxy(no_proxy_, endpoint.host, endpoint.port))
    return none_;
  return route;
}

}  // namespace weir::http
