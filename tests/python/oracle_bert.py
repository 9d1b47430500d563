#!/usr/bin/env python3
"""Compares weir's transformer encoder with a numpy reference, token by token and vector by vector.

usage: oracle_bert.py PATH_OF_WEIR [--with-minilm]

Seeded random weights in three shapes (MiniLM's proportions, BERT-base's, and one with a pooler and
a head of three labels) over a small vocabulary; with --with-minilm also the real
all-MiniLM-L6-v2, whose weights tools/models/get_encoder fetches. Texts of 1 to 500 tokens. Required
of every text: tokens equal to the fast tokenizer of `tokenizers`; cosine to the float reference at
least 0.999 in float and 0.98 in int8, with the weights that the CPU can use and with those for CPUs without VNNI.
Needs numpy, scipy (comes with scikit-learn) and tokenizers. Exits non-zero when anything differs.
"""

import json
import pathlib
import random
import subprocess
import sys
import tempfile

import numpy as np
from tokenizers import BertWordPieceTokenizer

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools/models"))

import golden_texts  # noqa: E402
from bert_reference import Bert, random_tensors, read_safetensors, write_safetensors  # noqa: E402

FLOAT_COSINE, INT8_COSINE = 0.999, 0.98
MINILM = {"hidden_size": 384, "num_attention_heads": 12, "num_hidden_layers": 6, "intermediate_size": 1536}
BASE = {"hidden_size": 768, "num_attention_heads": 12, "num_hidden_layers": 2, "intermediate_size": 3072}
COMMON = {
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-12,
    "max_position_embeddings": 512,
    "type_vocab_size": 2,
    "position_embedding_type": "absolute",
}


def texts(count, longest_words):
    """Texts of growing length, from golden_texts and from the tokenizer's hard corners."""
    rng = random.Random(20261124)
    parts = [text for text in golden_texts.compose(600, 20261124) if text.strip()]
    made = []
    for index in range(count):
        words = max(1, round(longest_words ** (index / count)))
        pieces = " ".join(rng.choice(parts) for _ in range(1 + words // 6)).split()
        made.append(" ".join(pieces[:words]))
    return made


def run(weir, *arguments, text=""):
    done = subprocess.run([weir, "encoder", *map(str, arguments)], input=text, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"weir encoder failed: {done.stderr}")
    return done.stdout


def cosine(a, b):
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


class Case:
    def __init__(self, name, folder, weights, config, vocabulary, pooling="mean", head=False):
        self.name, self.config, self.pooling, self.head = name, config, pooling, head
        self.folder = folder / name
        self.folder.mkdir()
        (self.folder / "model.safetensors").write_bytes(weights)
        (self.folder / "config.json").write_text(json.dumps(config))
        (self.folder / "vocab.txt").write_bytes(vocabulary)
        self.model = Bert(read_safetensors(weights), config)
        self.tokenizer = BertWordPieceTokenizer(str(self.folder / "vocab.txt"), lowercase=True)

    def reference(self, ids):
        full = np.array([self.tokenizer.token_to_id("[CLS]"), *ids, self.tokenizer.token_to_id("[SEP]")])
        if self.head:
            return self.model.logits(full, self.pooling)
        return self.model.vector(full, self.pooling)

    def vectors(self, weir, precision, bits, rows):
        out = self.folder / f"{precision}.weir"
        if not out.exists():
            run(
                weir, "--safetensors", self.folder / "model.safetensors",
                "--vocab", self.folder / "vocab.txt", "--config", self.folder / "config.json",
                "--pooling", self.pooling, "--precision", precision, "--max-tokens", 512, "--out", out,
                *([] if self.head else ["--without-head"]),
            )  # fmt: skip
        lines = "\n".join(json.dumps(row) for row in rows) + "\n"
        chosen = [] if bits is None else ["--seven-bits"]
        output = run(weir, "--encoder", out, "--embed", *chosen, text=lines)
        return [json.loads(line) for line in output.splitlines()]

    def compare(self, weir, rows):
        ids = [self.tokenizer.encode(row, add_special_tokens=False).ids[:510] for row in rows]
        expected = [self.reference(row) for row in ids]
        failures = 0
        for precision, bits, least in (
            ("f32", None, FLOAT_COSINE),
            ("int8", None, INT8_COSINE),
            ("int8", 7, INT8_COSINE),
        ):
            found = self.vectors(weir, precision, bits, rows)
            cosines = []
            for row, row_ids, reference, answer in zip(rows, ids, expected, found, strict=True):
                if answer["tokens"] != row_ids:
                    print(f"  tokens differ: {row[:60]!r}")
                    failures += 1
                if all(i == self.tokenizer.token_to_id("[UNK]") for i in row_ids):
                    failures += answer["judged"]
                    continue
                cosines.append(cosine(np.array(answer["vector"]), reference))
            failures += sum(c < least for c in cosines)
            name = f"{precision}, {bits or 'own'} bits" if precision == "int8" else precision
            longest = max(len(row) for row in ids) + 2
            print(
                f"{self.name}, {name}: {len(cosines)} texts of up to {longest} tokens, cosine lowest "
                f"{min(cosines):.6f}, mean {np.mean(cosines):.6f} (required {least})"
            )
        return failures


def small_vocabulary(rows):
    """Characters and common words of the texts, so that most of them are known."""
    words = {}
    for row in rows:
        for word in row.lower().split():
            words[word] = words.get(word, 0) + 1
    letters = sorted({c for row in rows for c in row.lower() if c.isascii() and c.isprintable() and c != " "})
    common = [w for w in sorted(words, key=words.get) if w.isascii() and w.isalpha() and len(w) > 1][-1500:]
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *("##" + c for c in letters), *common]
    return ("\n".join(tokens) + "\n").encode(), len(tokens)


def main():
    weir = pathlib.Path(sys.argv[1]).resolve()
    failures = 0
    rows = texts(220, 400)
    vocabulary, size = small_vocabulary(rows)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for case, shape, pooling, head, count in (
            ("minilm-shape", MINILM, "mean", False, 40),
            ("bert-base-shape", BASE, "cls", False, 25),
            ("three-labels", MINILM, "cls", True, 25),
        ):
            config = {**COMMON, **shape, "vocab_size": size}
            weights = write_safetensors(random_tensors(config, 3, seed=len(case)))
            picked = rows[:: max(1, len(rows) // count)]
            failures += Case(case, folder, weights, config, vocabulary, pooling, head).compare(weir, picked)
        if "--with-minilm" in sys.argv:
            import minilm

            files = minilm.fetch(ROOT / ".cache/models")
            config = {**COMMON, **MINILM, "vocab_size": 30522}
            case = Case("all-MiniLM-L6-v2", folder, files["model.safetensors"], config, files["vocab.txt"])
            failures += case.compare(weir, rows)
    print("all equal" if failures == 0 else f"{failures} differences")
    return failures != 0


if __name__ == "__main__":
    sys.exit(main())
