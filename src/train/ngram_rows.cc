#include "train/ngram_rows.h"

namespace weir::train {

void NgramRows::push(const text::Features& features) {
  for (const auto* block : {&features.ngrams, &features.char_ngrams}) {
    for (const text::Ngram ngram : *block)
      ngrams_.emplace_back(ngram);
    starts_.push_back(ngrams_.size());
  }
}

void NgramRows::unpack(size_t row, text::Features& out) const {
  out.ngrams.clear();
  out.char_ngrams.clear();
  for (const PackedNgram ngram : words(row))
    out.ngrams.push_back({ngram.bucket(), ngram.count()});
  for (const PackedNgram ngram : chars(row))
    out.char_ngrams.push_back({ngram.bucket(), ngram.count()});
}

}  // namespace weir::train
