// TLS settings on OpenSSL, at least TLS 1.2: for upstreams the peer's certificate and name are
// always verified, against the system's authorities (SSL_CERT_FILE and SSL_CERT_DIR count) or a
// file of the endpoint's own.
// A context is used by one worker; making one reads files.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <boost/system/error_code.hpp>
#include <expected>
#include <memory>
#include <string>

#include "base/error.h"
#include "http/server.h"

namespace weir::http {

// Fails: kInvalidArgument naming the file and what is wrong with it.
[[nodiscard]] std::expected<std::unique_ptr<boost::asio::ssl::context>, Error> make_client_context(
    const std::string& ca_file);
[[nodiscard]] std::expected<std::unique_ptr<boost::asio::ssl::context>, Error> make_server_context(
    const ServerTls& settings);

// Sets SNI and the name or address that the certificate must carry.
void expect_peer(SSL* tls, const std::string& host);

// Why a handshake failed, in words for the operator: "certificate has expired".
std::string describe_tls_failure(SSL* tls, const boost::system::error_code& failure);

}  // namespace weir::http
