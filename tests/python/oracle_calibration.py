#!/usr/bin/env python3
"""Compares `weir calibrate` with scikit-learn on the scores that weir itself exports.

usage: oracle_calibration.py PATH_OF_WEIR

Makes labelled queries (seeded), trains a router on one half, calibrates it on the other with each
map, and requires that Platt's map equals scikit-learn's _sigmoid_calibration, the isotonic one
IsotonicRegression(out_of_bounds="clip"), the temperature one scipy's minimum, log loss and ECE those
of scikit-learn and numpy on the held-out rows, and that the stored thresholds do on those rows what
they say. Needs numpy, scipy and scikit-learn. Exits non-zero when anything differs.
"""

import json
import pathlib
import random
import subprocess
import sys
import tempfile

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit
from sklearn.calibration import _sigmoid_calibration
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import log_loss

PAIR = ["--weak", "small", "--strong", "large"]
SUBJECTS = "invoice train proof enzyme contract orbit recipe matrix garden statute".split()
EASY = "name list spell define find count show read".split()
HARD = "prove derive optimise refute diagnose integrate design reconcile".split()


def made_up_rows(count, seed):
    rng = random.Random(seed)
    for i in range(count):
        hard = rng.random() < 0.4
        verb = rng.choice(HARD if hard != (rng.random() < 0.2) else EASY)
        words = [verb] + [rng.choice(SUBJECTS) for _ in range(rng.randint(2, 8))]
        weak = int(rng.random() < (0.15 if hard else 0.9))
        scores = {"small": weak, "large": int(rng.random() < 0.95)}
        yield {"query": " ".join(words) + f" {seed}.{i}?", "scores": scores}


def run(weir, *arguments):
    done = subprocess.run([weir, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"weir {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout


class Checks:
    def __init__(self):
        self.passed = True

    def near(self, name, expected, actual, limit):
        difference = float(np.max(np.abs(np.asarray(expected) - np.asarray(actual))))
        fine = difference <= limit
        self.passed &= fine
        print(f"{name}: difference {difference:.2e} (limit {limit:.0e}){'' if fine else ' FAILED'}")


def expected_map(form, scores, labels):
    """The map as a function, from scikit-learn or scipy."""
    if form == "platt":
        slope, offset = _sigmoid_calibration(logit(scores), labels)
        return lambda x: expit(-(slope * logit(x) + offset))
    if form == "temperature":
        loss = lambda k: np.sum(np.logaddexp(0, k * logit(scores)) - labels * k * logit(scores))
        slope = minimize_scalar(loss, bracket=(0.5, 1), tol=1e-12).x
        return lambda x: expit(slope * logit(x))
    least = 1 / (len(scores) + 2)
    fit = IsotonicRegression(out_of_bounds="clip").fit(scores, labels)
    return lambda x: 0.999 * np.clip(fit.predict(x), least, 1 - least) + 0.001 * x


def ece(probs, labels, bins=10):
    order = np.argsort(probs, kind="stable")
    edges = [len(probs) * i // bins for i in range(bins + 1)]
    return sum(
        (b - a) * abs(probs[order[a:b]].mean() - labels[order[a:b]].mean())
        for a, b in zip(edges, edges[1:])
    ) / len(probs)


def check_map(weir, folder, form, checks):
    scores_path = folder / "scores.jsonl"
    report = json.loads(
        run(weir, "calibrate", "--router", folder / "lr.weir", "--data", folder / "cal.jsonl", *PAIR,
            "--map", form, "--out", folder / f"{form}.weir", "--scores", scores_path,
            "--recall", "0.8", "--json")
    )
    rows = [json.loads(line) for line in scores_path.read_text().splitlines()]
    part = {}
    for name in ("fit", "held_out"):
        some = [r for r in rows if r["part"] == name and r["judged"]]
        part[name] = [np.array([r[key] for r in some]) for key in ("raw", "label", "calibrated")]
    raw, labels, _ = part["fit"]
    held_raw, held_labels, held_probs = part["held_out"]
    expected = expected_map(form, raw, labels)
    # scikit-learn's own optimiser stops earlier than ours.
    checks.near(f"{form}: probabilities", expected(held_raw), held_probs,
                1e-5 if form == "platt" else 1e-7)
    calibration = report["calibration"]
    checks.near(f"{form}: log loss", log_loss(held_labels, held_probs),
                calibration["log_loss_after"], 1e-12)
    checks.near(f"{form}: log loss before", log_loss(held_labels, held_raw),
                calibration["log_loss_before"], 1e-12)
    checks.near(f"{form}: ECE", ece(held_probs, held_labels), calibration["ece_after"], 1e-12)
    found = report["thresholds"][0]
    strong = held_probs >= found["threshold"]
    checks.near(f"{form}: recall", strong[held_labels == 1].mean(), found["recall"], 1e-12)
    if found["recall"] < 0.8:
        checks.passed = False
        print(f"{form}: recall {found['recall']} is below 0.8 FAILED")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    weir = sys.argv[1]
    checks = Checks()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for file, count, seed in (("train", 800, 1), ("cal", 3000, 2)):
            lines = "".join(json.dumps(row) + "\n" for row in made_up_rows(count, seed))
            (folder / f"{file}.jsonl").write_text(lines)
        run(weir, "train", "--kind", "lr", "--data", folder / "train.jsonl", *PAIR,
            "--out", folder / "lr.weir")
        for form in ("platt", "temperature", "isotonic"):
            check_map(weir, folder, form, checks)
    print("oracle_calibration: " + ("passed" if checks.passed else "FAILED"))
    sys.exit(0 if checks.passed else 1)


if __name__ == "__main__":
    main()
