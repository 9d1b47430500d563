#include "eval/transfer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/check.h"
#include "stats/quantile.h"

namespace weir::eval {
namespace {

constexpr size_t kFewestLabels = 20;
constexpr size_t kNobody = static_cast<size_t>(-1);

// Rows of unit length, zero rows stay zero.
struct UnitRows {
  size_t dimension = 0;
  std::vector<float> values;

  size_t size() const { return values.size() / dimension; }
  std::span<const float> row(size_t i) const {
    return std::span(values).subspan(i * dimension, dimension);
  }
  template <typename T>
  void add(std::span<const T> vector) {
    double squares = 0;
    for (const T x : vector)
      squares += static_cast<double>(x) * static_cast<double>(x);
    const double scale = squares > 0 ? 1 / std::sqrt(squares) : 0;
    for (const T x : vector)
      values.push_back(static_cast<float>(static_cast<double>(x) * scale));
  }
};

double largest_cosine(std::span<const float> vector, const UnitRows& labels, size_t without) {
  float largest = -1;
  for (size_t i = 0; i < labels.size(); ++i) {
    if (i == without) continue;
    const auto other = labels.row(i);
    float sum = 0;
    for (size_t j = 0; j < vector.size(); ++j)
      sum += vector[j] * other[j];
    largest = std::max(largest, sum);
  }
  return static_cast<double>(largest);
}

double mean(std::span<const double> values) {
  double sum = 0;
  for (const double value : values)
    sum += value;
  return sum / static_cast<double>(values.size());
}

}  // namespace

std::optional<Transfer> measure_transfer(std::string_view label_sample,
                                         std::span<const float> vectors, size_t dimension) {
  if (dimension == 0) return std::nullopt;
  CHECK(label_sample.size() % dimension == 0 && vectors.size() % dimension == 0);
  const size_t count = vectors.size() / dimension;
  if (label_sample.size() / dimension < kFewestLabels || count == 0) return std::nullopt;
  UnitRows labels{dimension, {}};
  const std::vector<int8_t> bytes(label_sample.begin(), label_sample.end());
  for (size_t at = 0; at < bytes.size(); at += dimension)
    labels.add(std::span<const int8_t>(bytes).subspan(at, dimension));

  std::vector<double> own, fresh;
  for (size_t i = 0; i < labels.size(); ++i)
    own.push_back(largest_cosine(labels.row(i), labels, i));
  const size_t compared = std::min(count, kTransferQueries);
  UnitRows queries{dimension, {}};
  for (size_t i = 0; i < compared; ++i)
    queries.add(vectors.subspan(i * count / compared * dimension, dimension));
  for (size_t i = 0; i < compared; ++i)
    fresh.push_back(largest_cosine(queries.row(i), labels, kNobody));
  const double edge = stats::quantile(own, 0.05);
  Transfer transfer;
  transfer.queries = static_cast<int64_t>(compared);
  transfer.label_sample = static_cast<int64_t>(labels.size());
  transfer.similarity = mean(fresh);
  transfer.own_similarity = mean(own);
  transfer.outside_share =
      static_cast<double>(std::ranges::count_if(fresh, [=](double x) { return x < edge; })) /
      static_cast<double>(compared);
  return transfer;
}

std::string to_text(const std::optional<Transfer>& transfer) {
  if (!transfer)
    return "similarity to the labels: unknown, the router file holds no vectors of its labels\n";
  std::string out = fmt::format(
      "similarity to the labels: mean maximum cosine {:.3f} (among the labels {:.3f}); {:.0f} % of "
      "these queries lie outside\n",
      transfer->similarity, transfer->own_similarity, 100 * transfer->outside_share);
  if (transfer->warns())
    out +=
        "WARNING: the router was labelled with other queries than these; expect less than its "
        "figures, and label some of these\n";
  return out;
}

void write_transfer(json::Writer& out, const std::optional<Transfer>& transfer) {
  out.key("transfer");
  if (!transfer) {
    out.null();
    return;
  }
  out.begin_object().member("similarity", transfer->similarity);
  out.member("own_similarity", transfer->own_similarity);
  out.member("outside_share", transfer->outside_share).member("queries", transfer->queries);
  out.member("label_sample", transfer->label_sample)
      .member("warns", transfer->warns())
      .end_object();
}

}  // namespace weir::eval
