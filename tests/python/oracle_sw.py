#!/usr/bin/env python3
"""Compares `weir train --kind sw` with scikit-learn, following RouteLLM's SWRankingRouter.

usage: oracle_sw.py PATH_OF_WEIR

Makes battles of 12 models (seeded), trains with weir, exports the query vectors, and for some
queries fits LogisticRegression without intercept and penalty on all battles, every one twice
(a tie: one win for each), X = +-ln 10, weights 10 * 10^(similarity / largest similarity). Ratings
from all battles, tiers by RouteLLM's dynamic programme, written anew. Requires the same tiers and
|difference of P| <= 1e-5. Needs numpy and scikit-learn. Exits non-zero when anything differs.
"""

import json
import math
import pathlib
import random
import subprocess
import sys
import tempfile

import numpy as np
from sklearn.linear_model import LogisticRegression

TOLERANCE = 1e-5
MODELS = [f"model-{i:02}" for i in range(12)]
WORDS = "invoice train proof enzyme contract orbit recipe matrix garden statute protein engine".split()


def run(weir, *arguments):
    done = subprocess.run([weir, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"weir {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout


def made_up_battles(count):
    rng = random.Random(20261124)
    rows = []
    for i in range(count):
        hard = rng.random() < 0.5
        query = ("prove " if hard else "name ") + " ".join(rng.choice(WORDS) for _ in range(5)) + f" {i}"
        a, b = rng.sample(range(len(MODELS)), 2)
        chance = 1 / (1 + math.exp((b - a) * (0.35 if hard else 0.05)))
        winner = "tie" if rng.random() < 0.2 else "a" if rng.random() < chance else "b"
        rows.append({"query": query, "model_a": MODELS[a], "model_b": MODELS[b], "winner": winner,
                     "label": 0})
    # The served pair must have met, and strong must have won.
    rows[0].update({"model_a": MODELS[0], "model_b": MODELS[-1], "winner": "b"})
    return rows


def ratings_of(battles, sides, weights=None):
    """`battles`: (side a, side b, outcome); natural units."""
    x = np.zeros((2 * len(battles), sides))
    y = np.zeros(2 * len(battles))
    for i, (a, b, winner) in enumerate(battles):
        for j in (i, i + len(battles)):
            x[j, a], x[j, b] = math.log(10), -math.log(10)
            y[j] = winner == "a" or (winner == "tie" and j == i)
    solver = LogisticRegression(fit_intercept=False, C=np.inf, solver="lbfgs", tol=1e-12,
                                max_iter=20000)
    solver.fit(x, y, sample_weight=None if weights is None else np.concatenate([weights, weights]))
    return solver.coef_[0] * math.log(10)


def tiers_of(ratings, count):
    """The best partition of the sorted ratings into runs by the sum of their variances."""
    order = sorted(range(len(ratings)), key=lambda model: -ratings[model])
    best = {0: {0: (0.0, [])}}
    for tier in range(1, count + 1):
        best[tier] = {}
        for end in range(tier, len(order) + 1):
            best[tier][end] = min(
                (cost + np.var([ratings[m] for m in order[begin:end]]), ends + [end])
                for begin, (cost, ends) in best[tier - 1].items() if begin < end)
    tier_of, begin = {}, 0
    for tier, end in enumerate(best[count][len(order)][1]):
        tier_of.update({model: tier for model in order[begin:end]})
        begin = end
    return tier_of


def quantized(vector):
    # Away from zero at halves never matters: float32 vectors do not meet them.
    return np.rint(vector * np.float32(127 / np.abs(vector).max())).astype(np.int64)


def main():
    weir = sys.argv[1]
    rows = made_up_battles(1500)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        data = folder / "battles.jsonl"
        data.write_text("".join(json.dumps(row) + "\n" for row in rows))
        labels = folder / "labels.jsonl"
        labels.write_text("".join(json.dumps({"query": r["query"], "label": 0}) + "\n" for r in rows))
        router, features = folder / "sw.weir", folder / "f.npy"
        run(weir, "train", "--kind", "sw", "--data", data, "--weak", MODELS[0], "--strong",
            MODELS[-1], "--out", router)
        run(weir, "features", "--data", labels, "--out", features)
        vectors = np.load(features)[:, 2:].astype(np.float32)
        asked = rows[:: len(rows) // 25]
        answers = [json.loads(run(weir, "route", "--router", router, "--json", row["query"]))
                   for row in asked]

    index = {model: i for i, model in enumerate(MODELS)}
    battles = [(index[r["model_a"]], index[r["model_b"]], r["winner"]) for r in rows]
    tier_of = tiers_of(ratings_of(battles, len(MODELS)), 10)
    # Battles within a tier say nothing; RouteLLM's matrix would give them to one side.
    kept = [i for i, (a, b, _) in enumerate(battles) if tier_of[a] != tier_of[b]]
    tiered = [(tier_of[battles[i][0]], tier_of[battles[i][1]], battles[i][2]) for i in kept]
    anchors = np.array([quantized(vectors[i]) for i in kept])
    norms = np.linalg.norm(anchors, axis=1)
    worst = 0
    for row, answer in zip(asked, answers):
        query = quantized(vectors[rows.index(row)])
        similarity = anchors @ query / norms / np.linalg.norm(query)
        ratings = ratings_of(tiered, 10, 10 * 10 ** (similarity / similarity.max()))
        gap = ratings[tier_of[len(MODELS) - 1]] - ratings[tier_of[0]]
        worst = max(worst, abs(1 / (1 + math.exp(-gap)) - answer["prob_strong_needed"]))
    print(f"sw: {len(asked)} queries, {len(battles)} battles, largest difference {worst:.1e}")
    if worst > TOLERANCE:
        sys.exit(f"differs by more than {TOLERANCE}")


if __name__ == "__main__":
    main()
