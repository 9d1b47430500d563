// Names to addresses, on threads of its own, because getaddrinfo(3) blocks.
// Thread-safe. A lookup that hangs does not hold up the end of the program: the threads are
// detached and own what they touch.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"

namespace weir::http {

using Addresses = std::vector<boost::asio::ip::address>;

class Resolver {
 public:
  using Lookup = std::function<std::expected<Addresses, Error>(const std::string& host)>;
  using Done = std::function<void(std::expected<Addresses, Error>)>;

  // getaddrinfo(3): A and AAAA, in the order of the system's preference (RFC 6724).
  static std::expected<Addresses, Error> system_lookup(const std::string& host);
  static std::shared_ptr<Resolver> make(Lookup lookup = &Resolver::system_lookup);
  ~Resolver();

  // Calls `done` from one of the threads "resolver".
  void resolve(std::string host, Done done);

 private:
  struct State;
  explicit Resolver(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

// The families in turn, beginning with that of the first address (RFC 8305, 4).
Addresses interleave_families(const Addresses& addresses);

}  // namespace weir::http
