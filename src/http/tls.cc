#include "http/tls.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <boost/asio/ip/address.hpp>

namespace weir::http {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Context = asio::ssl::context;

constexpr unsigned char kAlpn[] = "\x08http/1.1";

std::unique_ptr<Context> make_context(Context::method method) {
  auto context = std::make_unique<Context>(method);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  SSL_CTX_set_mode(context->native_handle(), SSL_MODE_RELEASE_BUFFERS);
  return context;
}

int choose_alpn(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                unsigned in_size, void*) {
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, kAlpn, sizeof kAlpn - 1, in, in_size) !=
      OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_NOACK;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

std::expected<std::unique_ptr<Context>, Error> make_client_context(const std::string& ca_file) {
  auto context = make_context(Context::tls_client);
  error_code failure;
  if (ca_file.empty())
    context->set_default_verify_paths(failure);
  else
    context->load_verify_file(ca_file, failure);
  if (failure)
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("cannot read the certificate authorities {}: {}",
                            ca_file.empty() ? "of the system" : ca_file, failure.message()));
  context->set_verify_mode(asio::ssl::verify_peer, failure);
  SSL_CTX_set_alpn_protos(context->native_handle(), kAlpn, sizeof kAlpn - 1);
  return context;
}

std::expected<std::unique_ptr<Context>, Error> make_server_context(const ServerTls& settings) {
  auto context = make_context(Context::tls_server);
  error_code failure;
  context->use_certificate_chain_file(settings.certificate_file, failure);
  if (failure)
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("cannot use the TLS certificate {}: {}", settings.certificate_file,
                            failure.message()));
  context->use_private_key_file(settings.key_file, Context::pem, failure);
  if (failure)
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("cannot use the TLS key {}: {}", settings.key_file, failure.message()));
  SSL_CTX_set_alpn_select_cb(context->native_handle(), choose_alpn, nullptr);
  return context;
}

void expect_peer(SSL* tls, const std::string& host) {
  error_code not_an_address;
  asio::ip::make_address(host, not_an_address);
  X509_VERIFY_PARAM* expected = SSL_get0_param(tls);
  if (!not_an_address) {
    X509_VERIFY_PARAM_set1_ip_asc(expected, host.c_str());
    return;
  }
  // SSL_set_tlsext_host_name is a macro with a C cast.
  SSL_ctrl(tls, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
           const_cast<char*>(host.c_str()));
  X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  X509_VERIFY_PARAM_set1_host(expected, host.c_str(), host.size());
}

std::string describe_tls_failure(SSL* tls, const error_code& failure) {
  const long verified = SSL_get_verify_result(tls);
  if (verified != X509_V_OK)
    return fmt::format("its certificate is not accepted: {}",
                       X509_verify_cert_error_string(verified));
  return failure.message();
}

}  // namespace weir::http
