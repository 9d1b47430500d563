#!/usr/bin/env python3
"""Compares weir's tokenizer with the package `tokenizers` on random strings.

usage: tools/unicode/diff_tokenizers.py WORDPIECE_DUMP [--count N] [--seed S] [--vocab FILE]

WORDPIECE_DUMP is the program that the tests build. Without --vocab the vocabulary of the committed
goldens is used. Ends with 1 and the shortest string that differs, if any does.
"""

import argparse
import random
import subprocess
import sys
import tempfile

import oracle
import samples


def dump(program, vocab, texts):
    requests = b"".join(b"%d\n%s" % (len(text), text) for text in texts)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as file:
        file.write("".join(token + "\n" for token in vocab))
        file.flush()
        done = subprocess.run([program, file.name], input=requests, capture_output=True)
    if done.returncode != 0:
        raise SystemExit(f"{program}: {done.stderr.decode()}")
    lines = done.stdout.decode().split("\n")[:-1]
    if len(lines) != len(texts):
        raise SystemExit(f"{program}: {len(lines)} answers to {len(texts)} texts")
    return [[int(part) for part in line.split()] for line in lines]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program")
    parser.add_argument("--count", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--vocab")
    args = parser.parse_args()
    seed = random.randrange(2**32) if args.seed is None else args.seed
    vocab = oracle.read_vocab(args.vocab) if args.vocab else oracle.golden_vocab()
    texts = samples.random_texts(random.Random(seed), args.count)
    expected = oracle.Tokenizer(vocab).encode(texts)
    got = dump(args.program, vocab, texts)
    wrong = [i for i in range(len(texts)) if expected[i] != got[i]]
    if wrong:
        worst = min(wrong, key=lambda i: len(texts[i]))
        print(f"seed {seed}: {len(wrong)} of {len(texts)} texts differ; the shortest:\n"
              f"  text     {texts[worst]!r}\n  expected {expected[worst]}\n  got      {got[worst]}")
        return 1
    tokens = sum(map(len, expected))
    print(f"seed {seed}: {len(texts)} texts, {tokens} tokens, all equal to tokenizers")
    return 0


if __name__ == "__main__":
    sys.exit(main())
