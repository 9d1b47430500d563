// Vectors from the transformer encoder, for the commands that train and evaluate routers.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>

#include "apps/embed_url.h"
#include "apps/progress.h"
#include "base/error.h"
#include "model/encoder.h"
#include "model/router_file.h"

namespace CLI {
class App;
}

namespace weir::apps {

struct EncoderOptions {
  std::string file;     // "": encoder.weir, found as routers find it
  std::string vectors;  // cache file, "": none
};

// `options` must live until the arguments are parsed.
void add_encoder_options(CLI::App& app, EncoderOptions& options);

// The encoder with the words by which a router file names it. `router_path`: where that file will
// be, as a router finds its encoder beside itself or among the model files; "" for none. Fails as
// model::find_encoder and Encoder::load do; kInvalidArgument when the router would not find it.
struct NamedEncoder {
  std::shared_ptr<const model::Encoder> encoder;
  model::EmbedSource source;
};
[[nodiscard]] std::expected<NamedEncoder, Error> load_encoder(const EncoderOptions& options,
                                                              const std::string& router_path);

// One row a text, in order, zeros for texts without a known token; on all cores, with a progress
// line. Fails as VectorCache does.
[[nodiscard]] std::expected<Vectors, Error> embed_with_encoder(const model::Encoder& encoder,
                                                               const EncoderOptions& options,
                                                               std::span<const std::string> texts,
                                                               Show show);

}  // namespace weir::apps
