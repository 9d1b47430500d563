#include "model/router_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/json.h"
#include "model/calibration_header.h"
#include "model/estimator.h"
#include "model/header_field.h"

namespace weir::model {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are stored little-endian");

struct Head {
  std::array<char, 8> magic;
  uint32_t version;
  uint32_t header_bytes;  // of the JSON text
  uint64_t file_bytes;    // all of it, checksum included
  uint64_t reserved;      // 0
};
static_assert(sizeof(Head) == 32);
constexpr size_t kSmallest = sizeof(Head) + sizeof(Sha256);
constexpr size_t kMaxModels = 64;
constexpr size_t kMaxNameBytes = 1024;
constexpr size_t kMaxSections = 1024;
constexpr size_t kMaxSettings = 100'000;
constexpr size_t kMaxSettingBytes = 1 << 20;
constexpr std::string_view kHashesName = "query_hashes";
constexpr std::string_view kLabelSampleName = "label_sample";
constexpr std::string_view kBytesType = "bytes";

constexpr size_t aligned(size_t bytes) {
  return (bytes + 7) / 8 * 8;
}

std::unexpected<Error> corrupt(std::string what) {
  return fail(ErrorCode::kCorrupt, std::move(what));
}

std::expected<Head, Error> read_head(std::string_view bytes) {
  if (!bytes.starts_with(kRouterMagic))
    return corrupt("this is no .weir router file (its first bytes differ)");
  if (bytes.size() < kSmallest)
    return corrupt(fmt::format("cut short: {} bytes cannot hold a router", bytes.size()));
  Head head{};
  std::memcpy(&head, bytes.data(), sizeof(head));
  if (head.version != kRouterFileVersion) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("format version {}, but this program reads version {}; train it again "
                            "or use the program that wrote it",
                            head.version, kRouterFileVersion));
  }
  if (head.file_bytes != bytes.size()) {
    return corrupt(fmt::format("{} bytes long, but its head says {}: cut short or appended to",
                               bytes.size(), head.file_bytes));
  }
  const std::string_view content = bytes.substr(0, bytes.size() - sizeof(Sha256));
  const Sha256 digest = sha256(content);
  if (std::memcmp(digest.data(), content.data() + content.size(), digest.size()) != 0)
    return corrupt("its checksum (SHA-256) does not match: the file is damaged");
  if (head.reserved != 0 || head.header_bytes > content.size() - sizeof(Head))
    return corrupt("its head is inconsistent");
  return head;
}

std::expected<EmbedSource, Error> read_embed(json::Value header) {
  const Field field(header, "embed");
  const json::Value value = field.value();
  TRY_ASSIGN(const std::string from, Field(value, "source").text());
  EmbedSource embed;
  if (from == to_string(EmbedFrom::kNothing)) return embed;
  TRY_ASSIGN(const int64_t dimension, Field(value, "dimension").integer(1, kMaxDimension));
  embed.dimension = static_cast<uint32_t>(dimension);
  if (from == to_string(EmbedFrom::kStatic)) {
    embed.from = EmbedFrom::kStatic;
    TRY_ASSIGN(embed.static_hash, Field(value, "hash").hex64());
    return embed;
  }
  if (from == to_string(EmbedFrom::kUrl)) {
    embed.from = EmbedFrom::kUrl;
    TRY_ASSIGN(embed.url, Field(value, "url").text());
    TRY_ASSIGN(embed.model, Field(value, "model").text());
    return embed;
  }
  if (from == to_string(EmbedFrom::kEncoder)) {
    embed.from = EmbedFrom::kEncoder;
    TRY_ASSIGN(embed.static_hash, Field(value, "hash").hex64());
    TRY_ASSIGN(embed.model, Field(value, "file").text());
    return embed;
  }
  return fail(ErrorCode::kUnsupported,
              fmt::format("its embeddings come from '{}', which this program does not know", from));
}

std::expected<std::vector<std::string>, Error> read_models(json::Value header) {
  TRY_ASSIGN(const json::Value list, Field(header, "models").array(2, kMaxModels));
  std::vector<std::string> models;
  for (const json::Value element : list) {
    auto name = element.as_string();
    if (!name || name->empty() || name->size() > kMaxNameBytes || !is_clean(*name)) {
      return corrupt(
          fmt::format("'models' in its header must hold names of up to {} bytes", kMaxNameBytes));
    }
    models.push_back(*std::move(name));
  }
  return models;
}

std::expected<void, Error> read_training(json::Value header, RouterFile& file) {
  const json::Value training = header["training"];
  TRY_ASSIGN(file.cut_time, Field(training, "cut_time").text(64));
  if (!file.cut_time.empty() && parse_rfc3339(file.cut_time) == INT64_MIN)
    return Field(training, "cut_time").wrong("empty or a time such as 2026-11-23T20:00:00Z");
  TRY_ASSIGN(file.split_seed, Field(training, "split_seed").integer(0, INT64_MAX));
  TRY_ASSIGN(const json::Value list, Field(training, "sources").array(0, 10'000));
  for (const json::Value element : list) {
    TrainingSource source;
    TRY_ASSIGN(source.name, Field(element, "name").text());
    TRY_ASSIGN(source.weak, Field(element, "weak").text());
    TRY_ASSIGN(source.strong, Field(element, "strong").text());
    TRY_ASSIGN(source.rows, Field(element, "rows").integer(0, INT64_MAX));
    TRY_ASSIGN(source.strong_needed, Field(element, "strong_needed").integer(0, source.rows));
    file.sources.push_back(std::move(source));
  }
  return {};
}

template <typename T>
std::vector<T> copy_numbers(std::string_view bytes) {
  std::vector<T> numbers(bytes.size() / sizeof(T));
  if (!numbers.empty()) std::memcpy(numbers.data(), bytes.data(), bytes.size());
  return numbers;
}

std::expected<void, Error> add_section(const std::string& name, std::string_view type,
                                       std::string_view bytes, RouterFile& file) {
  if (name == kHashesName && type == "u64") {
    file.query_hashes = copy_numbers<uint64_t>(bytes);
    if (std::ranges::adjacent_find(file.query_hashes, std::greater_equal{}) ==
        file.query_hashes.end())
      return {};
    return corrupt("its query hashes are not sorted");
  }
  if (name == kLabelSampleName && type == kBytesType) {
    if (file.embed.dimension == 0 || bytes.size() % file.embed.dimension != 0)
      return corrupt(fmt::format("section '{}' does not hold whole vectors", name));
    file.label_sample = bytes;
    return {};
  }
  if (type == kBytesType) {
    if (file.blobs.emplace(name, bytes).second) return {};
    return corrupt(fmt::format("section '{}' stands there twice", name));
  }
  if (type != "f64") {
    return fail(
        ErrorCode::kUnsupported,
        fmt::format("section '{}' has type '{}', which this program does not know", name, type));
  }
  const auto numbers = copy_numbers<double>(bytes);
  if (!std::ranges::all_of(numbers, [](double x) { return std::isfinite(x); }))
    return corrupt(fmt::format("section '{}' holds numbers that are not finite", name));
  if (!file.weights.emplace(name, numbers).second)
    return corrupt(fmt::format("section '{}' stands there twice", name));
  return {};
}

// The sections stand one after the other, in the order of the header, without gaps.
std::expected<void, Error> read_sections(json::Value header, std::string_view bytes,
                                         RouterFile& file) {
  TRY_ASSIGN(const json::Value list, Field(header, "sections").array(0, kMaxSections));
  for (const json::Value element : list) {
    TRY_ASSIGN(const std::string name, Field(element, "name").text(128));
    TRY_ASSIGN(const std::string type, Field(element, "type").text(16));
    const size_t value_bytes = type == kBytesType ? 1 : 8;
    const auto most = static_cast<int64_t>(bytes.size() / value_bytes);
    TRY_ASSIGN(const int64_t count, Field(element, "count").integer(0, most));
    const size_t size = static_cast<size_t>(count) * value_bytes;
    if (aligned(size) > bytes.size()) return corrupt(fmt::format("section '{}' is cut", name));
    TRY(add_section(name, type, bytes.substr(0, size), file));
    bytes.remove_prefix(aligned(size));
  }
  if (!bytes.empty())
    return corrupt(fmt::format("{} bytes stand behind its last section", bytes.size()));
  return {};
}

std::expected<void, Error> read_settings(json::Value header, RouterFile& file) {
  const Field field(header, "settings");
  if (!field.value().exists()) return {};
  if (!field.value().is_object() || field.value().size() > kMaxSettings)
    return field.wrong(fmt::format("an object of up to {} texts", kMaxSettings));
  for (const json::Value element : field.value()) {
    const std::string name(element.key());
    auto text = element.as_string();
    if (!text || text->size() > kMaxSettingBytes || !is_clean(*text) || !is_clean(name))
      return field.wrong(fmt::format("texts of up to {} bytes", kMaxSettingBytes));
    if (!file.settings.emplace(name, *std::move(text)).second)
      return field.wrong("without repeated names");
  }
  return {};
}

std::expected<void, Error> read_header(json::Value header, RouterFile& file) {
  TRY_ASSIGN(const std::string kind, Field(header, "kind").text(64));
  const auto known = parse_kind(kind);
  if (!known) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("its kind is '{}'; this program knows {}", kind, kind_names()));
  }
  file.kind = *known;
  TRY_ASSIGN(file.trained, Field(header, "trained").truth());
  TRY_ASSIGN(file.feature_spec, Field(header, "feature_spec").text(64));
  TRY_ASSIGN(file.embed, read_embed(header));
  const bool needs_embedding = model::needs_embedding(kind_info(file.kind).needs);
  if (needs_embedding != (file.embed.from != EmbedFrom::kNothing))
    return Field(header, "embed").wrong(needs_embedding ? "a source of embeddings" : "'none'");
  TRY_ASSIGN(file.models, read_models(header));
  TRY_ASSIGN(file.threshold, Field(header, "threshold").number(0, 1));
  TRY_ASSIGN(file.threshold_origin, Field(header, "threshold_origin").text(256));
  TRY_ASSIGN(file.calibration, read_calibration(header));
  TRY_ASSIGN(file.thresholds, read_thresholds(header));
  TRY(read_settings(header, file));
  return read_training(header, file);
}

void write_embed(const EmbedSource& embed, json::Writer& out) {
  out.begin_object().member("source", to_string(embed.from));
  if (embed.from != EmbedFrom::kNothing) out.member("dimension", embed.dimension);
  if (embed.from == EmbedFrom::kStatic || embed.from == EmbedFrom::kEncoder)
    out.member("hash", fmt::format("{:016x}", embed.static_hash));
  if (embed.from == EmbedFrom::kUrl) out.member("url", embed.url).member("model", embed.model);
  if (embed.from == EmbedFrom::kEncoder) out.member("file", embed.model);
  out.end_object();
}

void write_training(const RouterFile& file, json::Writer& out) {
  out.begin_object().member("cut_time", file.cut_time).member("split_seed", file.split_seed);
  out.key("sources").begin_array();
  for (const TrainingSource& source : file.sources) {
    out.begin_object().member("name", source.name).member("weak", source.weak);
    out.member("strong", source.strong).member("rows", source.rows);
    out.member("strong_needed", source.strong_needed).end_object();
  }
  out.end_array().end_object();
}

void write_section(std::string_view name, std::string_view type, size_t count, json::Writer& out) {
  out.begin_object().member("name", name).member("type", type);
  out.member("count", uint64_t{count}).end_object();
}

std::string header_text(const RouterFile& file) {
  json::Writer out;
  out.begin_object().member("format", "weir router").member("kind", to_string(file.kind));
  out.member("trained", file.trained).member("feature_spec", file.feature_spec);
  out.key("embed");
  write_embed(file.embed, out);
  out.key("models").begin_array();
  for (const std::string& model : file.models)
    out.value(model);
  out.end_array().member("threshold", file.threshold);
  out.member("threshold_origin", file.threshold_origin);
  write_calibration(file.calibration, out);
  write_thresholds(file.thresholds, out);
  if (!file.settings.empty()) {
    out.key("settings").begin_object();
    for (const auto& [name, text] : file.settings)
      out.member(name, text);
    out.end_object();
  }
  out.key("training");
  write_training(file, out);
  out.key("sections").begin_array();
  for (const auto& [name, numbers] : file.weights)
    write_section(name, "f64", numbers.size(), out);
  for (const auto& [name, blob] : file.blobs)
    write_section(name, kBytesType, blob.size(), out);
  if (!file.label_sample.empty())
    write_section(kLabelSampleName, kBytesType, file.label_sample.size(), out);
  if (!file.query_hashes.empty()) write_section(kHashesName, "u64", file.query_hashes.size(), out);
  out.end_array().end_object();
  return out.take();
}

template <typename T>
void append_numbers(const std::vector<T>& numbers, std::string& out) {
  out.append(reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(T));
}

void append_bytes(std::string_view blob, std::string& out) {
  out += blob;
  out.append(aligned(blob.size()) - blob.size(), '\0');
}

}  // namespace

std::string_view to_string(EmbedFrom from) {
  switch (from) {
    case EmbedFrom::kNothing:
      return "none";
    case EmbedFrom::kStatic:
      return "static";
    case EmbedFrom::kUrl:
      return "url";
    case EmbedFrom::kEncoder:
      return "encoder";
  }
  return "none";
}

std::expected<RouterFile, Error> parse_router_file(std::string_view bytes) {
  TRY_ASSIGN(const Head head, read_head(bytes));
  std::string_view rest = bytes.substr(sizeof(Head), bytes.size() - kSmallest);
  const size_t sections_at = aligned(head.header_bytes);
  if (sections_at > rest.size()) return corrupt("its head is inconsistent");
  auto document = json::Document::parse(std::string(rest.substr(0, head.header_bytes)),
                                        {.max_depth = 8, .max_values = 500'000});
  if (!document) return corrupt("its header: " + document.error().message);
  RouterFile file;
  TRY(read_header(document->root(), file));
  TRY(read_sections(document->root(), rest.substr(sections_at), file));
  if (file.trained) TRY(make_estimator(file));
  return file;
}

std::expected<std::string, Error> encode_router_file(const RouterFile& file) {
  const std::string header = header_text(file);
  std::string bytes(sizeof(Head), '\0');
  Head head{.magic = {},
            .version = kRouterFileVersion,
            .header_bytes = static_cast<uint32_t>(header.size()),
            .file_bytes = 0,
            .reserved = 0};
  std::ranges::copy(kRouterMagic, head.magic.begin());
  std::memcpy(bytes.data(), &head, sizeof(head));
  bytes += header;
  bytes.resize(sizeof(Head) + aligned(header.size()), '\0');
  for (const auto& [name, numbers] : file.weights)
    append_numbers(numbers, bytes);
  for (const auto& [name, blob] : file.blobs)
    append_bytes(blob, bytes);
  append_bytes(file.label_sample, bytes);
  append_numbers(file.query_hashes, bytes);
  bytes.append(sizeof(Sha256), '\0');
  reseal(bytes);
  TRY(parse_router_file(bytes));
  return bytes;
}

void reseal(std::string& bytes) {
  CHECK(bytes.size() >= kSmallest);
  const uint64_t size = bytes.size();
  std::memcpy(bytes.data() + offsetof(Head, file_bytes), &size, sizeof(size));
  const std::string_view content(bytes.data(), bytes.size() - sizeof(Sha256));
  const Sha256 digest = sha256(content);
  std::memcpy(bytes.data() + content.size(), digest.data(), digest.size());
}

uint64_t router_file_hash(std::string_view bytes) {
  CHECK(bytes.size() >= kSmallest);
  uint64_t hash = 0;
  std::memcpy(&hash, bytes.data() + bytes.size() - sizeof(Sha256), sizeof(hash));
  return hash;
}

}  // namespace weir::model
