#include "model/query_hash.h"

#include <string>

#include "base/digest.h"
#include "text/word_scanner.h"

namespace weir::model {
namespace {

struct Joiner {
  std::string words;

  size_t special(std::string_view) { return 0; }
  void word(const text::Word& word) {
    words += word.bytes();
    words += ' ';
  }
};

}  // namespace

uint64_t query_hash(std::string_view query) {
  Joiner joiner;
  text::WordScanner<Joiner>(joiner).scan(query);
  return siphash({}, joiner.words);
}

}  // namespace weir::model
