#include "simd/cosine_rows.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "simd/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/cosine_rows.cc"
#include <hwy/foreach_target.h>  // compiles this file again for every CPU level
#include <hwy/highway.h>

#ifndef WEIR_SIMD_COSINE_ROWS_SCAN
#define WEIR_SIMD_COSINE_ROWS_SCAN  // once, not once a level
namespace weir::simd {
struct Scan {
  const uint8_t* tiles;
  size_t quads;
  std::span<const float> inverse_norms;  // one a row
  const int16_t* queries;                // [queries, quads * 4]
  const int32_t* biases;                 // of each query's sums, because bytes are value + 128
  const float* scales;                   // inverse norm of each query
  float* out;                            // [queries, rows]
};
}  // namespace weir::simd
#endif

HWY_BEFORE_NAMESPACE();
namespace weir::simd::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

constexpr size_t kRows = 16;  // of a tile
constexpr size_t kQuad = 4;   // columns side by side

#if HWY_ARCH_X86 && HWY_TARGET != HWY_EMU128 && HWY_TARGET != HWY_SCALAR
using WordTag = hn::ScalableTag<int16_t>;
using SumTag = hn::RepartitionToWide<WordTag>;
using ByteTag = hn::Rebind<uint8_t, WordTag>;
constexpr size_t kParts = kRows * kQuad * 2 / HWY_MAX_BYTES;  // registers of words in one quad

// sums[query][row] = dot of the tile's biased bytes with kQueries queries, given as words, quad by
// quad. ReorderWidenMulAccumulate is pmaddwd here: it adds neighbouring products, so that a row's
// four columns end in two neighbouring sums.
template <size_t kQueries>
HWY_ATTR void dot_tile(const uint8_t* HWY_RESTRICT tile, const int16_t* HWY_RESTRICT queries,
                       size_t quads, int32_t* HWY_RESTRICT out) {
  const WordTag words;
  const SumTag wide;
  const hn::Repartition<int64_t, WordTag> whole;
  const size_t lanes = hn::Lanes(words);
  hn::Vec<SumTag> sums[kQueries][kParts];
  for (auto& of_query : sums)
    for (auto& sum : of_query)
      sum = hn::Zero(wide);
  auto unused = hn::Zero(wide);
  for (size_t quad = 0; quad < quads; ++quad) {
    hn::Vec<WordTag> rows[kParts];
    for (size_t part = 0; part < kParts; ++part)
      rows[part] = hn::PromoteTo(words, hn::LoadU(ByteTag(), tile + part * lanes));
    tile += kRows * kQuad;
    for (size_t query = 0; query < kQueries; ++query) {
      int64_t columns = 0;
      std::memcpy(&columns, queries + (query * quads + quad) * kQuad, sizeof(columns));
      const auto factor = hn::BitCast(words, hn::Set(whole, columns));
      for (size_t part = 0; part < kParts; ++part)
        sums[query][part] =
            hn::ReorderWidenMulAccumulate(wide, rows[part], factor, sums[query][part], unused);
    }
  }
  alignas(64) std::array<int32_t, kRows * 2> halves;
  for (size_t query = 0; query < kQueries; ++query) {
    for (size_t part = 0; part < kParts; ++part)
      hn::StoreU(sums[query][part], wide, halves.data() + part * hn::Lanes(wide));
    for (size_t row = 0; row < kRows; ++row)
      out[query * kRows + row] = halves[2 * row] + halves[2 * row + 1];
  }
}
#else
template <size_t kQueries>
HWY_ATTR void dot_tile(const uint8_t* tile, const int16_t* queries, size_t quads, int32_t* out) {
  std::fill_n(out, kQueries * kRows, 0);
  for (size_t query = 0; query < kQueries; ++query)
    for (size_t i = 0; i < quads * kRows * kQuad; ++i) {
      const size_t quad = i / (kRows * kQuad), row = i / kQuad % kRows;
      out[query * kRows + row] += tile[i] * queries[(query * quads + quad) * kQuad + i % kQuad];
    }
}
#endif

template <size_t kQueries>
HWY_ATTR void scan_rows(const Scan& scan) {
  const size_t tile_bytes = scan.quads * kRows * kQuad;
  const size_t size = scan.inverse_norms.size();
  alignas(64) std::array<int32_t, kQueries * kRows> dots;
  const uint8_t* tile = scan.tiles;
  for (size_t first = 0; first < size; first += kRows, tile += tile_bytes) {
    dot_tile<kQueries>(tile, scan.queries, scan.quads, dots.data());
    const size_t rows = std::min(kRows, size - first);
    for (size_t query = 0; query < kQueries; ++query) {
      const int32_t* from = dots.data() + query * kRows;
      float* to = scan.out + query * size + first;
      for (size_t row = 0; row < rows; ++row)
        to[row] = static_cast<float>(from[row] - scan.biases[query]) *
                  scan.inverse_norms[first + row] * scan.scales[query];
    }
  }
}

HWY_ATTR void scan_one(const Scan& scan) {
  scan_rows<1>(scan);
}
HWY_ATTR void scan_four(const Scan& scan) {
  scan_rows<4>(scan);
}

}  // namespace weir::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weir::simd {

HWY_EXPORT(scan_one);
HWY_EXPORT(scan_four);

namespace {

constexpr size_t kTileRows = 16;
constexpr size_t kQuadColumns = 4;
constexpr size_t kMaxColumns = size_t{1} << 15;
constexpr size_t kBatch = 4;
constexpr int kBias = 128;

float inverse_norm(std::span<const int8_t> values) {
  const int32_t squares = dot(values, values);
  return squares > 0 ? 1 / std::sqrt(static_cast<float>(squares)) : 0;
}

// What the scan needs of up to kBatch queries. One a thread, so that it allocates once only.
struct Prepared {
  std::vector<int16_t> words;  // [kBatch, quads * 4]
  std::array<int32_t, kBatch> biases;
  std::array<float, kBatch> scales;
};

}  // namespace

CosineRows::CosineRows(std::span<const int8_t> rows, size_t columns)
    : columns_(columns), quads_((columns + kQuadColumns - 1) / kQuadColumns) {
  CHECK(columns > 0 && columns <= kMaxColumns && rows.size() % columns == 0);
  const size_t count = rows.size() / columns;
  const size_t tile_bytes = quads_ * kTileRows * kQuadColumns;
  tiles_.assign((count + kTileRows - 1) / kTileRows * tile_bytes, kBias);
  for (size_t row = 0; row < count; ++row) {
    const std::span<const int8_t> values = rows.subspan(row * columns, columns);
    inverse_norms_.push_back(inverse_norm(values));
    uint8_t* tile = tiles_.data() + row / kTileRows * tile_bytes + row % kTileRows * kQuadColumns;
    for (size_t column = 0; column < columns; ++column)
      tile[column / kQuadColumns * kTileRows * kQuadColumns + column % kQuadColumns] =
          static_cast<uint8_t>(values[column] + kBias);
  }
}

void CosineRows::similarities(std::span<const int8_t> queries, std::span<float> out) const {
  if (size() == 0) return;
  CHECK(queries.size() % columns_ == 0 && out.size() == queries.size() / columns_ * size());
  thread_local Prepared prepared;
  const size_t width = quads_ * kQuadColumns;
  prepared.words.assign(kBatch * width, 0);
  size_t left = queries.size() / columns_;
  while (left > 0) {
    const size_t batch = left >= kBatch ? kBatch : 1;
    for (size_t i = 0; i < batch; ++i) {
      const std::span<const int8_t> query = queries.subspan(i * columns_, columns_);
      std::ranges::copy(query, prepared.words.begin() + static_cast<std::ptrdiff_t>(i * width));
      int32_t sum = 0;
      for (const int8_t value : query)
        sum += value;
      prepared.biases[i] = kBias * sum;
      prepared.scales[i] = inverse_norm(query);
    }
    const Scan scan{tiles_.data(),
                    quads_,
                    inverse_norms_,
                    prepared.words.data(),
                    prepared.biases.data(),
                    prepared.scales.data(),
                    out.data()};
    if (batch == kBatch)
      HWY_DYNAMIC_DISPATCH(scan_four)(scan);
    else
      HWY_DYNAMIC_DISPATCH(scan_one)(scan);
    queries = queries.subspan(batch * columns_);
    out = out.subspan(batch * size());
    left -= batch;
  }
}

void quantize(std::span<const float> values, std::span<int8_t> out) {
  CHECK(values.size() == out.size());
  float largest = 0;
  for (const float value : values)
    largest = std::max(largest, std::abs(value));
  const float scale = 127 / largest;
  if (!std::isfinite(scale)) {
    std::ranges::fill(out, int8_t{0});
    return;
  }
  for (size_t i = 0; i < values.size(); ++i)
    out[i] = static_cast<int8_t>(std::lrint(values[i] * scale));
}

}  // namespace weir::simd
#endif
