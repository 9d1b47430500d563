// Certificates made on the spot, so that none can run out in the repository.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <filesystem>
#include <memory>
#include <string>

#include "base/check.h"

namespace weir::http {

struct Key {
  std::shared_ptr<EVP_PKEY> key{EVP_EC_gen("P-256"), EVP_PKEY_free};
};

struct Certificate {
  std::shared_ptr<X509> x509;
  Key key;
};

enum class Validity { kCurrent, kExpired };

// `alternative` is an OpenSSL subjectAltName such as "DNS:api.test" or "IP:127.0.0.1", "" for an
// authority; `issuer` nullptr = self-signed.
inline Certificate make_certificate(const std::string& name, const std::string& alternative,
                                    const Certificate* issuer,
                                    Validity validity = Validity::kCurrent) {
  Certificate made;
  made.x509 = {X509_new(), X509_free};
  X509* x509 = made.x509.get();
  X509_set_version(x509, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(x509), issuer == nullptr ? 1 : 2);
  constexpr long kDay = 24 * 3600;
  X509_gmtime_adj(X509_getm_notBefore(x509), -10 * kDay);
  X509_gmtime_adj(X509_getm_notAfter(x509), validity == Validity::kExpired ? -kDay : kDay);
  X509_set_pubkey(x509, made.key.key.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_issuer_name(x509, X509_get_subject_name(issuer == nullptr ? x509 : issuer->x509.get()));
  const auto extend = [&](int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer == nullptr ? x509 : issuer->x509.get(), x509, nullptr, nullptr,
                   0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
    CHECK(extension != nullptr);
    X509_add_ext(x509, extension, -1);
    X509_EXTENSION_free(extension);
  };
  if (alternative.empty())
    extend(NID_basic_constraints, "critical,CA:TRUE");
  else
    extend(NID_subject_alt_name, alternative);
  CHECK(X509_sign(x509, issuer == nullptr ? made.key.key.get() : issuer->key.key.get(),
                  EVP_sha256()) > 0);
  return made;
}

// A folder of its own that goes away with the object.
class CertificateFolder {
 public:
  CertificateFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "weir-http-XXXXXX").string();
    CHECK(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~CertificateFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  CertificateFolder(const CertificateFolder&) = delete;
  CertificateFolder& operator=(const CertificateFolder&) = delete;

  std::string write(const std::string& file, const Certificate& certificate) const {
    return write_pem(file, [&](FILE* out) { PEM_write_X509(out, certificate.x509.get()); });
  }
  std::string write_key(const std::string& file, const Certificate& certificate) const {
    return write_pem(file, [&](FILE* out) {
      PEM_write_PrivateKey(out, certificate.key.key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
  }

 private:
  template <typename Write>
  std::string write_pem(const std::string& file, Write write) const {
    const std::string path = (path_ / file).string();
    FILE* out = std::fopen(path.c_str(), "w");
    CHECK(out != nullptr);
    write(out);
    std::fclose(out);
    return path;
  }
  std::filesystem::path path_;
};

}  // namespace weir::http
