#!/usr/bin/env python3
"""Compares `weir train --kind lr` with scikit-learn on the features that weir itself exports.

usage: oracle_lr.py PATH_OF_WEIR

Makes labelled queries (seeded), trains with weir, exports the same features, fits
StandardScaler + LogisticRegression(C=1, newton-cholesky, tol=1e-12) and requires
max |difference| <= 1e-5 x max |coefficient|, for the plain and the weighted case, and the printed
threshold at 80 % recall to equal numpy's percentile. With the evaluation data (WEIR_SHARED) the
same on real queries. Needs numpy and scikit-learn. Exits non-zero when anything differs.
"""

import json
import os
import pathlib
import random
import struct
import subprocess
import sys
import tempfile

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

TOLERANCE = 1e-5
SUBJECTS = "invoice train proof enzyme contract orbit recipe matrix garden statute protein engine".split()
EASY = "name list spell define find count show read".split()
HARD = "prove derive optimise refute diagnose integrate design reconcile".split()


def read_router(path):
    """The header and the float64 sections of a .weir file (docs/formats/weir_file.md)."""
    data = path.read_bytes()
    header_bytes = struct.unpack_from("<I", data, 12)[0]
    header = json.loads(data[32 : 32 + header_bytes])
    position = 32 + (header_bytes + 7) // 8 * 8
    sections = {}
    for section in header["sections"]:
        kind = np.dtype({"f64": "<f8", "u64": "<u8", "bytes": "u1"}[section["type"]])
        sections[section["name"]] = np.frombuffer(data, kind, section["count"], position)
        position += (kind.itemsize * section["count"] + 7) // 8 * 8
    return header, sections


def made_up_rows(count, weighted):
    rng = random.Random(20261123)
    rows = []
    for _ in range(count):
        hard = rng.random() < 0.4
        words = [rng.choice(HARD if hard != (rng.random() < 0.15) else EASY)]
        words += [rng.choice(SUBJECTS) for _ in range(rng.randint(2, 9))]
        row = {"query": "Please " + " ".join(words) + f" {rng.randint(1, 99)}?", "label": int(hard)}
        if weighted:
            row["weight"] = rng.choice([0, 0.25, 1, 1, 3.5])
        rows.append(row)
    return rows


def run(weir, *arguments):
    done = subprocess.run([weir, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"weir {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout


def compare(weir, name, data_arguments, folder):
    router_path = folder / f"{name}.weir"
    features_path = folder / f"{name}.npy"
    summary = json.loads(
        run(weir, "train", "--kind", "lr", "--json", "--out", router_path, *data_arguments)
    )
    run(weir, "features", "--out", features_path, *data_arguments)
    table = np.load(features_path)
    labels, weights, features = table[:, 0], table[:, 1], table[:, 2:]
    _, sections = read_router(router_path)

    scaler = StandardScaler().fit(features)
    model = LogisticRegression(C=1.0, solver="newton-cholesky", tol=1e-12, max_iter=10_000)
    model.fit(scaler.transform(features), labels, sample_weight=weights)
    expected = np.append(model.coef_[0], model.intercept_)
    actual = np.append(sections["coefficients"], sections["intercept"])
    difference = np.max(np.abs(expected - actual)) / np.max(np.abs(expected))
    scaler_difference = max(
        np.max(np.abs(scaler.mean_ - sections["scaler_mean"])),
        np.max(np.abs(scaler.scale_ - sections["scaler_scale"])),
    )
    scores = model.predict_proba(scaler.transform(features))[:, 1]
    threshold = np.percentile(scores[labels == 1], 20)
    threshold_difference = abs(threshold - summary["recall80_threshold"])
    print(
        f"{name}: {len(labels)} rows x {features.shape[1]} features: "
        f"max |difference| / max |coefficient| = {difference:.2e} (limit {TOLERANCE:.0e}), "
        f"scaler {scaler_difference:.1e}, threshold at 80 % recall {threshold_difference:.1e}"
    )
    return difference <= TOLERANCE and scaler_difference < 1e-12 and threshold_difference < 1e-6


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    weir = sys.argv[1]
    passed = True
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for case, weighted in (("plain", False), ("weighted", True)):
            path = folder / f"{case}.jsonl"
            rows = made_up_rows(1500, weighted)
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))
            passed &= compare(weir, case, ["--data", path], folder)
        shared = pathlib.Path(os.environ.get("WEIR_SHARED", "../shared"))
        real = shared / "data/train/ulab_llmrouter.jsonl.gz"
        if real.exists():
            pair = ["--weak", "mistral-7b-instruct-v0.3"]
            pair += ["--strong", "llama-3.1-nemotron-51b-instruct"]
            passed &= compare(weir, "ulab_llmrouter", ["--data", real, *pair], folder)
        elif os.environ.get("WEIR_REQUIRE_DATA") == "1":
            sys.exit(f"{real} is missing, but WEIR_REQUIRE_DATA=1")
        else:
            print(f"SKIPPED the case on real queries: {real} is missing")
    print("oracle_lr: " + ("passed" if passed else "FAILED"))
    sys.exit(0 if passed else 1)


if __name__ == "__main__":
    main()
