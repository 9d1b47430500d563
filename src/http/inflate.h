// Takes gzip, deflate or zstd off a stream while it arrives, in pieces of bounded size.
// Belongs to one response.
#pragma once

#include <expected>
#include <memory>
#include <string_view>

#include "base/compress.h"
#include "base/error.h"

namespace weir::http {

class Inflater {
 public:
  virtual ~Inflater() = default;
  // Gives the next compressed bytes; they must live until pull() has returned an empty piece.
  virtual void push(std::string_view bytes) = 0;
  // The next decoded piece, valid until the next call; empty when more input is needed.
  // Fails: kCorrupt.
  [[nodiscard]] virtual std::expected<std::string_view, Error> pull() = 0;
  // False when the input ended inside the compressed stream.
  virtual bool complete() const = 0;
};

// Requires a coding other than identity.
std::unique_ptr<Inflater> make_inflater(ContentCoding coding);

}  // namespace weir::http
