#!/usr/bin/env python3
"""Writes the tiny encoder of the tests, src/model/testdata/tiny_encoder.*: seeded weights of 2
layers, width 16, and what the numpy reference makes of a few texts. Needs numpy, scipy and
tokenizers.

usage: tools/models/make_tiny_encoder.py [--check]    --check: compare, write nothing
"""

import json
import pathlib
import sys

import numpy as np
from tokenizers import BertWordPieceTokenizer

from bert_reference import Bert, random_tensors, write_safetensors

OUT = pathlib.Path(__file__).resolve().parents[2] / "src/model/testdata"
CONFIG = {
    "hidden_act": "gelu",
    "hidden_size": 16,
    "intermediate_size": 32,
    "layer_norm_eps": 1e-12,
    "max_position_embeddings": 24,
    "model_type": "bert",
    "num_attention_heads": 2,
    "num_hidden_layers": 2,
    "position_embedding_type": "absolute",
    "type_vocab_size": 2,
    "vocab_size": 64,
}
WORDS = """[PAD] [UNK] [CLS] [SEP] [MASK] a the is of to in what who prove that there are many prime
##s number sum list name spell define why how explain translate write code python function count 1
2 3 4 5 6 7 8 9 0 + = ? . , ! king france capital ##ing ##ed red blue green ##ly integral""".split()
TEXTS = [
    "What is the capital of France?",
    "Prove that there are infinitely many primes.",
    "2 + 2 = ?",
    "a",
    "explain the code, write a python function " * 6,
    "Name the king of France! Spell red, blue, green.",
    "",
    "zzz",
]


def main():
    vocabulary = "\n".join(WORDS + [f"w{i}" for i in range(CONFIG["vocab_size"] - len(WORDS))]) + "\n"
    tensors = random_tensors(CONFIG, labels=3, seed=20261123)
    OUT.mkdir(parents=True, exist_ok=True)
    vocab_file = OUT / "tiny_encoder.vocab.txt"
    if "--check" not in sys.argv:
        vocab_file.write_text(vocabulary)
    tokenizer = BertWordPieceTokenizer(str(vocab_file), lowercase=True)
    model = Bert(tensors, CONFIG)
    rows = []
    limit = CONFIG["max_position_embeddings"] - 2
    for text in TEXTS:
        ids = tokenizer.encode(text, add_special_tokens=False).ids[:limit]
        row = {"text": text, "ids": ids}
        if any(i != 1 for i in ids):
            full = np.array([2, *ids, 3])
            row["mean"] = [round(float(x), 7) for x in model.vector(full)]
            row["logits"] = [round(float(x), 7) for x in model.logits(full)]
        rows.append(json.dumps(row))
    files = {
        "tiny_encoder.config.json": (json.dumps(CONFIG, indent=1) + "\n").encode(),
        "tiny_encoder.safetensors": write_safetensors(tensors),
        "tiny_encoder.golden.jsonl": ("\n".join(rows) + "\n").encode(),
    }
    for name, content in files.items():
        if "--check" not in sys.argv:
            (OUT / name).write_bytes(content)
        elif (OUT / name).read_bytes() != content:
            raise SystemExit(f"{name} differs from what this program makes")
        print(f"{name}: {len(content)} bytes")


if __name__ == "__main__":
    main()
