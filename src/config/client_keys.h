// Keys that clients of weir present. Only their SHA-256 is stored: a key has 256 random bits, so no
// slow hash is needed. Thread-safe.
#pragma once

#include <string>
#include <string_view>

namespace weir::config {

// "weir-" and 43 characters of unpadded base64url, from the system's randomness.
std::string make_client_key();

// The value of the setting `keys.<id>` for a key.
std::string hash_client_key(std::string_view key);

}  // namespace weir::config
