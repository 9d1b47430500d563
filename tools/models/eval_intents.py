"""Intent accuracy of the static table against TF-IDF and the full MiniLM.

Each training file is cut into two stratified halves; a classifier is trained on one half and tested
on the other, both ways, and the two accuracies are averaged. clinc150's out-of-scope rows are left
out. Prints a Markdown table; docs/results.md holds it.

  python tools/models/eval_intents.py [--data DIR] [--table FILE] [--weir build/release/weir]
"""

import argparse
import csv
import gzip
import json
import math
import os
import pathlib
import subprocess
import tempfile

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, normalize

import minilm
import static_table

ROOT = pathlib.Path(__file__).resolve().parents[2]
SEED = 20261123
SETS = {
    "banking77": ("banking77.train.csv.gz", "category"),
    "clinc150": ("clinc150.train.csv.gz", "intent"),
}
OUT_OF_SCOPE = "oos"
SEMANTIC = "weir, kind semantic"


def read_set(path: pathlib.Path, label: str) -> tuple[list[str], np.ndarray]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row[label] != OUT_OF_SCOPE]
    return [row["text"] for row in rows], np.array([row[label] for row in rows])


def program_vectors(weir: pathlib.Path, texts: list[str]) -> np.ndarray:
    """The vectors as the program computes them: `weir features` on the texts as queries."""
    with tempfile.TemporaryDirectory() as folder:
        queries = pathlib.Path(folder, "queries.jsonl")
        vectors = pathlib.Path(folder, "vectors.npy")
        queries.write_text("".join(json.dumps({"query": text}) + "\n" for text in texts))
        command = [weir, "features", "--data", queries, "--out", vectors]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        found = np.load(vectors)[:, 2:]  # behind label and weight
    if len(found) != len(texts):
        raise SystemExit(f"{weir} gave {len(found)} vectors for {len(texts)} texts")
    return found.astype(np.float32)


def centroid_accuracy(x_train, y_train, x_test, y_test) -> float:
    labels, codes = np.unique(y_train, return_inverse=True)
    one_hot = np.zeros((len(labels), len(codes)), dtype=np.float32)
    one_hot[codes, np.arange(len(codes))] = 1
    centroids = normalize(one_hot @ x_train)
    return float((labels[np.asarray(x_test @ centroids.T).argmax(axis=1)] == y_test).mean())


def program_routes(weir: pathlib.Path, texts: list[str], labels: np.ndarray) -> float:
    """Accuracy of `weir train --kind semantic` and `weir route`: each intent is a named route."""
    found = []
    for train, test in halves(labels):
        with tempfile.TemporaryDirectory() as folder:
            routes = pathlib.Path(folder, "routes.yaml")
            router = pathlib.Path(folder, "router.weir")
            lines = ["models: [weak, strong]", "routes:"]
            for label in np.unique(labels[train]):
                examples = [texts[i] for i in train if labels[i] == label]
                lines += [f"- name: {json.dumps(label)}", "  model: weak", "  examples:"]
                lines += [f"  - {json.dumps(text)}" for text in examples]
            routes.write_text("\n".join(lines) + "\n", encoding="utf-8")
            fit = [weir, "train", "--kind", "semantic", "--routes", routes, "--out", router]
            subprocess.run(fit, check=True, stdout=subprocess.DEVNULL)
            rows = "".join(json.dumps({"query": texts[i]}) + "\n" for i in test)
            command = [weir, "route", "--router", router, "--json"]
            answers = subprocess.run(
                command, check=True, input=rows, stdout=subprocess.PIPE, text=True
            ).stdout.splitlines()
        named = np.array([json.loads(answer).get("route") for answer in answers])
        found.append(float((named == labels[test]).mean()))
    return float(np.mean(found))


def halves(labels: np.ndarray):
    folds = StratifiedKFold(n_splits=2, shuffle=True, random_state=SEED)
    return folds.split(np.zeros(len(labels)), labels)


def logistic(kind: str):
    """As weir trains it (unit variance, C = 1). TF-IDF rows keep their length, so that they stay
    sparse; C = 10 suits them best of 1, 10, 100."""
    if kind == "TF-IDF":
        return LogisticRegression(C=10, max_iter=1000)
    return make_pipeline(StandardScaler(), LogisticRegression(C=1, max_iter=1000))


def accuracies(kind: str, features, texts: list[str], labels: np.ndarray) -> tuple[float, float]:
    """(centroids, logistic regression), each the mean over both directions."""
    found = []
    for train, test in halves(labels):
        if kind == "TF-IDF":
            vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
            x_train = vectorizer.fit_transform([texts[i] for i in train])
            x_test = vectorizer.transform([texts[i] for i in test])
        else:
            x_train, x_test = features[train], features[test]
        model = logistic(kind).fit(x_train, labels[train])
        found.append(
            (
                centroid_accuracy(x_train, labels[train], x_test, labels[test]),
                model.score(x_test, labels[test]),
            )
        )
    return tuple(np.mean(found, axis=0))


def shown(value: float, digits: int) -> str:
    return "" if math.isnan(value) else f"{value:.{digits}f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    shared = pathlib.Path(os.environ.get("WEIR_SHARED", ROOT / "../shared"))
    parser.add_argument("--data", type=pathlib.Path, default=shared / "data/intents")
    parser.add_argument("--table", type=pathlib.Path, default=ROOT / "models/static-embedding.bin")
    parser.add_argument("--cache", type=pathlib.Path, default=ROOT / ".cache/models")
    parser.add_argument(
        "--weir",
        type=pathlib.Path,
        help="take the static vectors from this program, and judge its named routes",
    )
    options = parser.parse_args()
    for file, _ in SETS.values():
        if not (options.data / file).exists():
            raise SystemExit(
                f"{options.data / file} is missing: name the folder with --data or WEIR_SHARED"
            )

    teacher = minilm.MiniLm(minilm.fetch(options.cache))
    table = static_table.read(options.table)
    results: dict[str, list[float]] = {"MiniLM 384": [], "static 256 int8": [], "TF-IDF": []}
    for file, label in SETS.values():
        texts, labels = read_set(options.data / file, label)
        ids = teacher.tokenize(texts)
        if options.weir:
            static = program_vectors(options.weir, texts)
        else:
            static = static_table.pool(table.floats(), table.row_of, ids)
        features = {
            "MiniLM 384": normalize(teacher.embed_ids_cached(ids, options.cache)),
            "static 256 int8": static,
            "TF-IDF": None,
        }
        for kind, x in features.items():
            results[kind] += accuracies(kind, x, texts, labels)
        if options.weir:
            # A router of named routes is centroids alone.
            results.setdefault(SEMANTIC, []).extend(
                (program_routes(options.weir, texts, labels), math.nan)
            )

    columns = [f"{name} {how}" for name in SETS for how in ("centroid", "LR")]
    print("| features | " + " | ".join(columns) + " |")
    print("|---|" + "--:|" * len(columns))
    for kind, values in results.items():
        print(f"| {kind} | " + " | ".join(shown(value, 4) for value in values) + " |")
    for kind in [kind for kind in results if kind != "MiniLM 384"]:
        ratios = np.divide(results[kind], results["MiniLM 384"])
        print(f"| {kind} / MiniLM | " + " | ".join(shown(value, 3) for value in ratios) + " |")


if __name__ == "__main__":
    main()
