// Drives the tokenizer from another program (tools/unicode/diff_tokenizers.py).
// usage: wordpiece_dump VOCAB_FILE < requests > ids
// A request is a line with a byte count, then that many bytes of text. The answer to each is one
// line with the ids, separated by spaces.
#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "text/wordpiece.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: wordpiece_dump VOCAB_FILE < requests > ids\n");
    return 2;
  }
  std::ifstream file(argv[1], std::ios::binary);
  const std::string vocab_text{std::istreambuf_iterator<char>(file), {}};
  const auto vocabulary = weir::text::Vocabulary::from_text(vocab_text);
  if (!vocabulary) {
    fmt::print(stderr, "{}: {}\n", argv[1], vocabulary.error().message);
    return 1;
  }
  std::ios::sync_with_stdio(false);
  weir::text::TokenBuffer tokens;
  std::string line, text;
  while (std::getline(std::cin, line)) {
    text.resize(std::stoull(line));
    if (!std::cin.read(text.data(), static_cast<std::streamsize>(text.size()))) return 1;
    weir::text::tokenize(*vocabulary, text, tokens);
    fmt::print("{}\n", fmt::join(tokens.ids, " "));
  }
}
