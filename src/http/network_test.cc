// TLS, name resolution, staggered connecting and proxies.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <boost/asio/co_spawn.hpp>
#include <thread>

#include "http/certificates_for_test.h"
#include "http/loop.h"
#include "http/raw_socket_for_test.h"
#include "http/resolver.h"

namespace weir::http {
namespace {

struct Outcome {
  std::string body;
  std::optional<ErrorCode> error;
  std::string message;
};

// A client's loop with names that the test resolves.
class Caller {
 public:
  explicit Caller(Resolver::Lookup lookup, const ClientOptions& options = {})
      : loop_(0, options, Resolver::make(std::move(lookup)), SystemClock::instance(), running_) {}

  Outcome get(const Endpoint& endpoint) {
    Outcome outcome;
    loop_.io().restart();
    bool over = false;
    boost::asio::co_spawn(loop_.io(), call(endpoint, outcome), [&](std::exception_ptr thrown) {
      if (thrown) std::rethrow_exception(thrown);
      over = true;
    });
    while (!over)
      loop_.io().run_one();
    return outcome;
  }

 private:
  Task<void> call(const Endpoint& endpoint, Outcome& outcome) {
    Cancellation cancellation;
    ClientRequest request;
    request.method = "GET";
    request.target = "/x";
    const CallLimits limits{Deadline::after_ms(loop_.clock(), 60'000)};
    auto response = co_await loop_.client().send(endpoint, request, limits, cancellation);
    if (!response) {
      outcome.error = response.error().code;
      outcome.message = response.error().message;
      co_return;
    }
    auto body = co_await (*response)->read_all(1 << 20);
    if (body) outcome.body = *body;
  }

  Running running_;
  Loop loop_;
};

Addresses addresses(const std::vector<std::string>& literals) {
  Addresses made;
  for (const std::string& literal : literals)
    made.push_back(boost::asio::ip::make_address(literal));
  return made;
}

std::expected<Addresses, Error> to_loopback(const std::string&) {
  return addresses({"127.0.0.1"});
}

class Tls : public testing::Test {
 protected:
  std::unique_ptr<Server> serve(const Certificate& certificate) {
    ServerOptions options;
    options.tls = ServerTls{folder_.write("server.pem", certificate),
                            folder_.write_key("server.key", certificate)};
    return start_server(echo, options);
  }
  Endpoint endpoint(const std::string& host, uint16_t port) const {
    Endpoint made;
    made.tls = true;
    made.host = host;
    made.port = port;
    made.ca_file = ca_file_;
    return made;
  }

  CertificateFolder folder_;
  Certificate authority_ = make_certificate("Test Authority", "", nullptr);
  std::string ca_file_ = folder_.write("ca.pem", authority_);
};

TEST_F(Tls, ReachesAServerThatItsAuthorityVouchesFor) {
  const auto server = serve(make_certificate("s", "DNS:api.test,IP:127.0.0.1", &authority_));
  Caller caller(to_loopback);
  EXPECT_EQ(caller.get(endpoint("api.test", server->port())).body, "GET /x? ");
  EXPECT_EQ(caller.get(endpoint("api.test", server->port())).body, "GET /x? ") << "reused";
  EXPECT_EQ(caller.get(endpoint("127.0.0.1", server->port())).body, "GET /x? ");
}

TEST_F(Tls, CarriesLargeBodiesBothWays) {
  const auto server = start_server(
      [](Exchange& exchange) -> Task<void> {
        Response response;
        response.body.assign(600'000, 'x');
        (void)co_await exchange.respond(std::move(response));
      },
      [&] {
        const Certificate certificate = make_certificate("s", "DNS:api.test", &authority_);
        ServerOptions options;
        options.tls = ServerTls{folder_.write("server.pem", certificate),
                                folder_.write_key("server.key", certificate)};
        return options;
      }());
  Caller caller(to_loopback);
  EXPECT_EQ(caller.get(endpoint("api.test", server->port())).body, std::string(600'000, 'x'));
}

TEST_F(Tls, HonoursTheSystemsAuthorities) {
  const auto server = serve(make_certificate("s", "DNS:api.test", &authority_));
  Endpoint system = endpoint("api.test", server->port());
  system.ca_file.clear();
  ASSERT_EQ(::setenv("SSL_CERT_FILE", ca_file_.c_str(), 1), 0);
  EXPECT_EQ(Caller(to_loopback).get(system).body, "GET /x? ");
  ::unsetenv("SSL_CERT_FILE");
  const Outcome outcome = Caller(to_loopback).get(system);
  EXPECT_EQ(outcome.error, ErrorCode::kConnection);
}

TEST_F(Tls, RefusesWhatItCannotVerifyAndSaysWhy) {
  const Certificate stranger = make_certificate("Other Authority", "", nullptr);
  struct Case {
    Certificate certificate;
    std::string host, reason;
  };
  const std::vector<Case> cases = {
      {make_certificate("s", "DNS:other.test", &authority_), "api.test", "hostname mismatch"},
      {make_certificate("s", "DNS:api.test", &authority_), "127.0.0.1", "IP address mismatch"},
      {make_certificate("s", "DNS:api.test", &authority_, Validity::kExpired), "api.test",
       "certificate has expired"},
      {make_certificate("s", "DNS:api.test", &stranger), "api.test",
       "unable to get local issuer certificate"},
      {make_certificate("s", "DNS:api.test", nullptr), "api.test", "self-signed certificate"},
  };
  for (const Case& c : cases) {
    const auto server = serve(c.certificate);
    const Outcome outcome = Caller(to_loopback).get(endpoint(c.host, server->port()));
    EXPECT_EQ(outcome.error, ErrorCode::kConnection);
    EXPECT_EQ(outcome.message, "no TLS with " + c.host + ":" + std::to_string(server->port()) +
                                   ": its certificate is not accepted: " + c.reason);
  }
}

TEST_F(Tls, SaysSoWhenThePeerSpeaksNoTls) {
  const auto server = start_server(echo);
  const Outcome outcome = Caller(to_loopback).get(endpoint("api.test", server->port()));
  EXPECT_EQ(outcome.error, ErrorCode::kConnection);
  EXPECT_TRUE(outcome.message.starts_with("no TLS with api.test:")) << outcome.message;
}

TEST_F(Tls, NamesTheFileThatIsNoCertificate) {
  Endpoint missing = endpoint("api.test", 1);
  missing.ca_file = "/nowhere/ca.pem";
  const auto listening = start_server(echo);
  missing.port = listening->port();
  const Outcome outcome = Caller(to_loopback).get(missing);
  EXPECT_EQ(outcome.error, ErrorCode::kInvalidArgument);
  EXPECT_NE(outcome.message.find("/nowhere/ca.pem"), std::string::npos);

  ServerOptions options;
  options.tls = ServerTls{ca_file_, "/nowhere/key.pem"};
  const auto server = Server::bind(options, echo, plain_error);
  ASSERT_FALSE(server.has_value());
  EXPECT_NE(server.error().message.find("/nowhere/key.pem"), std::string::npos);
}

TEST(Names, AreLookedUpOnceAndOffTheLoop) {
  const auto server = start_server(echo);
  std::atomic<int> lookups = 0;
  std::thread::id looked_up_by;
  Caller caller([&](const std::string& host) {
    EXPECT_EQ(host, "api.test");
    ++lookups;
    looked_up_by = std::this_thread::get_id();
    return to_loopback(host);
  });
  Endpoint endpoint;
  endpoint.host = "api.test";
  endpoint.port = server->port();
  EXPECT_EQ(caller.get(endpoint).body, "GET /x? ");
  EXPECT_EQ(caller.get(endpoint).body, "GET /x? ");
  EXPECT_EQ(lookups, 1);
  EXPECT_NE(looked_up_by, std::this_thread::get_id());
}

TEST(Names, ThatDoNotResolveAreNotRemembered) {
  const auto server = start_server(echo);
  std::atomic<int> lookups = 0;
  Caller caller([&](const std::string& host) -> std::expected<Addresses, Error> {
    if (++lookups == 1) return fail(ErrorCode::kConnection, "cannot resolve " + host);
    return to_loopback(host);
  });
  Endpoint endpoint;
  endpoint.host = "api.test";
  endpoint.port = server->port();
  EXPECT_EQ(caller.get(endpoint).message, "cannot resolve api.test");
  EXPECT_EQ(caller.get(endpoint).body, "GET /x? ");
}

TEST(Names, AreTriedAtAllTheirAddresses) {
  const auto server = start_server(echo);
  // Nobody listens at ::1, and 192.0.2.1 (RFC 5737) is nobody's at all.
  for (const auto& literals : {std::vector<std::string>{"::1", "127.0.0.1"},
                               {"192.0.2.1", "127.0.0.1"},
                               {"127.0.0.2", "::1", "127.0.0.1"}}) {
    Caller caller([&](const std::string&) { return addresses(literals); });
    Endpoint endpoint;
    endpoint.host = "api.test";
    endpoint.port = server->port();
    EXPECT_EQ(caller.get(endpoint).body, "GET /x? ") << literals[0];
  }
}

TEST(Names, GiveTheFamiliesInTurn) {
  EXPECT_EQ(interleave_families(addresses({"::1", "::2", "::3", "1.1.1.1", "2.2.2.2"})),
            addresses({"::1", "1.1.1.1", "::2", "2.2.2.2", "::3"}));
  EXPECT_EQ(interleave_families(addresses({"1.1.1.1", "::1", "2.2.2.2"})),
            addresses({"1.1.1.1", "::1", "2.2.2.2"}));
  EXPECT_TRUE(interleave_families({}).empty());
}

TEST(Names, ThatHangEndAtTheConnectTimeout) {
  std::promise<void> release;
  std::shared_future<void> released = release.get_future().share();
  ClientOptions options;
  options.connect_timeout_ms = 1;
  Caller caller(
      [released](const std::string& host) {
        released.wait();
        return to_loopback(host);
      },
      options);
  Endpoint endpoint;
  endpoint.host = "api.test";
  const Outcome outcome = caller.get(endpoint);
  EXPECT_EQ(outcome.error, ErrorCode::kTimeout);
  EXPECT_EQ(outcome.message, "the name api.test was not resolved in time");
  release.set_value();
}

// Copies bytes until either side ends.
void pump(RawSocket& a, RawSocket& b) {
  for (;;) {
    pollfd both[2] = {{a.fd(), POLLIN, 0}, {b.fd(), POLLIN, 0}};
    if (::poll(both, 2, kTestPatienceMs) <= 0) return;
    for (const bool first : {true, false}) {
      if ((both[first ? 0 : 1].revents & (POLLIN | POLLHUP)) == 0) continue;
      const std::string piece = (first ? a : b).receive_some();
      if (piece.empty() || !(first ? b : a).send(piece)) return;
    }
  }
}

TEST_F(Tls, GoesThroughTheTunnelOfAProxy) {
  const auto server = serve(make_certificate("s", "DNS:api.test", &authority_));
  RawListener proxy;
  std::string head;
  std::thread tunnel([&] {
    RawSocket client = proxy.accept();
    head = client.receive_until("\r\n\r\n");
    client.send("HTTP/1.1 200 Connection established\r\n\r\n");
    RawSocket upstream = RawSocket::connect(server->port());
    pump(client, upstream);
  });
  ClientOptions options;
  options.https_proxy = "http://user:p%40ss@127.0.0.1:" + std::to_string(proxy.port());
  {
    Caller caller(
        [](const std::string& host) -> std::expected<Addresses, Error> {
          return fail(ErrorCode::kConnection, "the proxy resolves names, not we: " + host);
        },
        options);
    const Outcome outcome = caller.get(endpoint("api.test", server->port()));
    EXPECT_EQ(outcome.body, "GET /x? ") << outcome.message;
  }
  tunnel.join();
  const std::string target = "api.test:" + std::to_string(server->port());
  EXPECT_EQ(head, "CONNECT " + target + " HTTP/1.1\r\nHost: " + target +
                      "\r\nProxy-Authorization: Basic dXNlcjpwQHNz\r\n"
                      "Accept-Encoding: identity\r\n\r\n");
}

TEST_F(Tls, SaysThatTheProxyRefused) {
  RawListener proxy;
  std::thread refusal([&] {
    RawSocket client = proxy.accept();
    client.receive_until("\r\n\r\n");
    client.send("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
    client.receive_until_end();
  });
  ClientOptions options;
  options.https_proxy = proxy.url();
  const Outcome outcome = Caller(to_loopback, options).get(endpoint("api.test", 443));
  refusal.join();
  EXPECT_EQ(outcome.error, ErrorCode::kConnection);
  EXPECT_EQ(outcome.message, "the proxy 127.0.0.1:" + std::to_string(proxy.port()) +
                                 " refused a tunnel to api.test:443 with status 407");
}

TEST(Proxy, GetsTheWholeUrlOfAPlainCall) {
  RawListener proxy;
  std::string head;
  std::thread peer([&] {
    RawSocket client = proxy.accept();
    head = client.receive_until("\r\n\r\n");
    client.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    client.receive_until_end();
  });
  ClientOptions options;
  options.http_proxy = proxy.url();
  Endpoint endpoint;
  endpoint.host = "api.test";
  endpoint.port = 8080;
  endpoint.path_prefix = "/v1";
  EXPECT_EQ(Caller(to_loopback, options).get(endpoint).body, "ok");
  peer.join();
  EXPECT_EQ(head,
            "GET http://api.test:8080/v1/x HTTP/1.1\r\nHost: api.test:8080\r\n"
            "Accept-Encoding: identity\r\n\r\n");
}

TEST(Proxy, IsLeftOutForLoopbackAndForNoProxy) {
  const auto server = start_server(echo);
  ClientOptions options;
  options.http_proxy = "http://127.0.0.1:1";  // nobody listens
  options.no_proxy = "other, .test";
  Endpoint endpoint;
  endpoint.port = server->port();
  for (const std::string host : {"127.0.0.1", "api.test"}) {
    endpoint.host = host;
    EXPECT_EQ(Caller(to_loopback, options).get(endpoint).body, "GET /x? ");
  }
  endpoint.host = "api.example";
  EXPECT_EQ(Caller(to_loopback, options).get(endpoint).error, ErrorCode::kConnection);
}

}  // namespace
}  // namespace weir::http
