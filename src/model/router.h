// A trained router, loaded from a .weir file (docs/formats/weir_file.md): features in, P(strong
// needed) out. One forward pass for training, evaluation and serving.
// Immutable after load and thread-safe; the StaticEmbedder must outlive it. score() does not
// allocate once the caller's Scratch is warm.
#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "model/embedder.h"
#include "model/encoder.h"
#include "model/kind.h"
#include "model/router_file.h"
#include "model/workspace.h"
#include "text/features.h"

namespace weir::model {

// One thread's memory for scoring. `workspace` holds what the last score rests on.
struct Scratch {
  text::Features features;
  std::vector<float> embedding;
  Workspace workspace;
  EncoderScratch encoder;  // stays empty until a router with an encoder is asked
};

struct Score {
  double prob_strong_needed = 1;  // calibrated, where the file holds a calibration
  bool judged = false;            // false: no known token, so there is nothing to judge -> strong
  double raw = 1;                 // as the kind gives it, before the calibration
};

class Router {
 public:
  // Fails: kNotFound, kCorrupt (checksum, shape, truncation), kUnsupported (newer version, other
  // feature spec, other embedder) with one clear sentence that names the file. A router whose
  // vectors come from a transformer finds that encoder's file beside its own or among the model
  // files; kNotFound then says how to get it.
  [[nodiscard]] static std::expected<Router, Error> load(const std::filesystem::path& path,
                                                         const StaticEmbedder& embedder);
  // The same from memory; messages do not name a file. `folder`: where an encoder may be.
  [[nodiscard]] static std::expected<Router, Error> from_bytes(
      std::string_view bytes, const StaticEmbedder& embedder,
      const std::filesystem::path& folder = {});
  Router(Router&&) noexcept;
  Router& operator=(Router&&) noexcept;
  ~Router();

  // `query`: the words to judge (text::own_words has been applied). Not judged when the router is
  // untrained or its embeddings come from a URL. Takes milliseconds where encoder() is not null.
  Score score(std::string_view query, Scratch& scratch) const;
  // The same with the encoder's vector of the query at hand, made on another thread; takes
  // microseconds. Not judged when the vector is empty or of another size.
  Score score(std::string_view query, std::span<const float> embedding, Scratch& scratch) const;
  // For a router whose embed_source() is a URL: `embedding` is what that endpoint answered. Not
  // judged when untrained, when the size is another than embed_source().dimension, or when the
  // vector is zero or not finite.
  Score score_embedding(std::span<const float> embedding, Scratch& scratch) const;

  Kind kind() const;
  bool trained() const;  // false: everything goes to strong, reason "untrained"
  double threshold() const;
  std::string_view threshold_origin() const;  // "default" | "recall 0.8" | "strong share 0.5" ...
  const std::vector<std::string>& models() const;  // weakest first
  const EmbedSource& embed_source() const;
  // The transformer that makes this router's vectors; null when it needs none or is untrained.
  std::shared_ptr<const Encoder> encoder() const;
  bool was_trained_on(std::string_view query) const;  // by query_hash
  const RouterFile& file() const;
  uint64_t hash() const;         // of the file, for the ledger
  std::string describe() const;  // one line for people

 private:
  struct State;
  explicit Router(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace weir::model
