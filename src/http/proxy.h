// Which calls go through a forward proxy: HTTPS_PROXY, HTTP_PROXY and NO_PROXY as curl and Go
// understand them. Loopback names and addresses never do. Pure values.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "base/error.h"
#include "http/client.h"

namespace weir::http {

struct ProxyRoute {
  bool used = false;
  Endpoint endpoint;          // of the proxy
  std::string authorization;  // "Basic ..." or ""
};

class ProxyTable {
 public:
  // Fails: kInvalidArgument naming the setting.
  [[nodiscard]] static std::expected<ProxyTable, Error> make(const ClientOptions& options);
  const ProxyRoute& route(const Endpoint& endpoint) const;

 private:
  ProxyRoute none_, http_, https_;
  std::string no_proxy_;
};

// True when `host` matches an entry of the comma-separated list: "*", a name (also of its
// subdomains, with or without a leading dot), an address, or either of them with ":port".
bool bypasses_proxy(std::string_view no_proxy, std::string_view host, uint16_t port);

}  // namespace weir::http
