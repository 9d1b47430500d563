// The .weir file: a trained router as bytes. A fixed head, a JSON header that describes everything
// in words, sections of numbers, a SHA-256 over all of it. Layout: docs/formats/weir_file.md.
// Pure functions on values, thread-safe. parse_router_file trusts nothing in its input.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "model/calibration.h"
#include "model/kind.h"

namespace weir::model {

inline constexpr std::string_view kRouterMagic = "weir.rtr";
inline constexpr uint32_t kRouterFileVersion = 1;
inline constexpr size_t kRouterFileLimit = size_t{1} << 30;
inline constexpr uint32_t kMaxDimension = 1 << 14;

enum class EmbedFrom { kNothing, kStatic, kUrl, kEncoder };
std::string_view to_string(EmbedFrom from);

// Where the vectors come from that a router was trained on and must be given again.
struct EmbedSource {
  EmbedFrom from = EmbedFrom::kNothing;
  uint32_t dimension = 0;    // 0 for kNothing
  uint64_t static_hash = 0;  // kStatic: StaticEmbedder::hash(); kEncoder: Encoder::hash()
  std::string url;           // kUrl: base URL of an OpenAI-compatible endpoint, without key
  std::string model;         // kUrl: the model name sent to it; kEncoder: its file's bare name

  bool operator==(const EmbedSource&) const = default;
};

// One file of training data and the pair of models whose results made its labels.
struct TrainingSource {
  std::string name;  // file name without folder
  std::string weak, strong;
  int64_t rows = 0;
  int64_t strong_needed = 0;

  bool operator==(const TrainingSource&) const = default;
};

struct RouterFile {
  Kind kind = Kind::kLr;
  bool trained = false;  // false: no weights, every query goes to strong
  std::string feature_spec;
  EmbedSource embed;
  std::vector<std::string> models;  // weakest first, at least two
  double threshold = 0.5;           // in [0, 1]
  std::string threshold_origin = "default";
  std::optional<Calibration> calibration;   // nullopt: scores are used as they come
  std::vector<StoredThreshold> thresholds;  // found on calibrated scores; `threshold` is in force
  std::string cut_time;                     // RFC 3339: nothing later is in the training data
  int64_t split_seed = 0;
  std::vector<TrainingSource> sources;
  std::map<std::string, std::vector<double>, std::less<>> weights;  // by section name, finite
  std::map<std::string, std::string, std::less<>> blobs;     // by section name: int8 rows and such
  std::map<std::string, std::string, std::less<>> settings;  // words of the kind's own, UTF-8
  std::string
      label_sample;  // int8 [n, embed.dimension]: unit vectors of some training queries x 127
  std::vector<uint64_t> query_hashes;  // query_hash of every training query, sorted, unique

  bool operator==(const RouterFile&) const = default;
};

// Fails with one sentence without the file's name: kCorrupt (not such a file, cut short, checksum,
// a field that is missing or out of range), kUnsupported (later version, unknown kind).
[[nodiscard]] std::expected<RouterFile, Error> parse_router_file(std::string_view bytes);

// Equal values give equal bytes. Fails as parse_router_file would on the result: a name that is too
// long or not UTF-8, weights that do not fit the kind.
[[nodiscard]] std::expected<std::string, Error> encode_router_file(const RouterFile& file);

// Puts size and checksum right on bytes that begin with the fixed head (for the fuzzer, which
// could not get past the checksum). Requires bytes.size() >= 64.
void reseal(std::string& bytes);

// The first 8 bytes of the checksum, little-endian. Requires bytes that parse_router_file accepts.
uint64_t router_file_hash(std::string_view bytes);

}  // namespace weir::model
