"""The BERT forward pass in numpy, for any shape: what weir's encoder is compared with.

Devlin et al. 2018 as Hugging Face implements it: erf GELU, post-layer norm, absolute positions.
Reads and writes safetensors itself; needs numpy and scipy only.
"""

import json

import numpy as np
from scipy.special import erf


def read_safetensors(content):
    """F32 tensors by name, without the prefix "bert."."""
    start = 8 + int.from_bytes(content[:8], "little")
    tensors = {}
    for name, entry in json.loads(content[8:start]).items():
        if entry.get("dtype") == "F32":
            begin, end = entry["data_offsets"]
            flat = np.frombuffer(content[start + begin : start + end], dtype="<f4")
            tensors[name.removeprefix("bert.")] = flat.reshape(entry["shape"])
    return tensors


def write_safetensors(tensors):
    header, position = {}, 0
    for name, tensor in sorted(tensors.items()):
        size = tensor.astype("<f4").nbytes
        header[name] = {
            "dtype": "F32",
            "shape": list(tensor.shape),
            "data_offsets": [position, position + size],
        }
        position += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    data = b"".join(tensor.astype("<f4").tobytes() for _, tensor in sorted(tensors.items()))
    return len(text).to_bytes(8, "little") + text + data


def random_tensors(config, labels, seed):
    """Seeded weights of a shape with a pooler and a head, as large as those of trained models."""
    rng = np.random.default_rng(seed)
    width, inner = config["hidden_size"], config["intermediate_size"]

    def normal(*shape, spread=0.04):
        return rng.normal(0, spread, shape).astype(np.float32)

    tensors = {}

    def linear(name, outputs, inputs):
        tensors[name + ".weight"] = normal(outputs, inputs, spread=1.2 / np.sqrt(inputs))
        tensors[name + ".bias"] = normal(outputs)

    def norm(name):
        tensors[name + ".weight"] = 1 + normal(width, spread=0.1)
        tensors[name + ".bias"] = normal(width)

    embeddings = "embeddings."
    tensors[embeddings + "word_embeddings.weight"] = normal(config["vocab_size"], width)
    tensors[embeddings + "position_embeddings.weight"] = normal(
        config["max_position_embeddings"], width, spread=0.01
    )
    tensors[embeddings + "token_type_embeddings.weight"] = normal(
        config["type_vocab_size"], width, spread=0.01
    )
    norm(embeddings + "LayerNorm")
    for layer in range(config["num_hidden_layers"]):
        prefix = f"encoder.layer.{layer}."
        for part in ("query", "key", "value"):
            linear(prefix + "attention.self." + part, width, width)
        linear(prefix + "attention.output.dense", width, width)
        norm(prefix + "attention.output.LayerNorm")
        linear(prefix + "intermediate.dense", inner, width)
        linear(prefix + "output.dense", width, inner)
        norm(prefix + "output.LayerNorm")
    linear("pooler.dense", width, width)
    linear("classifier", labels, width)
    return tensors


class Bert:
    def __init__(self, tensors, config):
        self.tensors = tensors
        self.config = config

    def _linear(self, x, name):
        return x @ self.tensors[name + ".weight"].T + self.tensors[name + ".bias"]

    def _norm(self, x, name):
        x = x - x.mean(axis=-1, keepdims=True)
        x = x / np.sqrt(np.square(x).mean(axis=-1, keepdims=True) + self.config["layer_norm_eps"])
        return x * self.tensors[name + ".weight"] + self.tensors[name + ".bias"]

    def _attend(self, x, prefix):
        heads = self.config["num_attention_heads"]
        tokens, width = x.shape

        def split(part):
            return self._linear(x, prefix + "self." + part).reshape(tokens, heads, -1).swapaxes(0, 1)

        query, key, value = split("query"), split("key"), split("value")
        scores = query @ key.swapaxes(1, 2) / np.sqrt(width // heads)
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        scores /= scores.sum(axis=-1, keepdims=True)
        return self._linear((scores @ value).swapaxes(0, 1).reshape(tokens, width), prefix + "output.dense")

    def last_layer(self, ids):
        """[tokens, width] for ids that include [CLS] and [SEP]."""
        table = "embeddings."
        x = self.tensors[table + "word_embeddings.weight"][ids]
        x = x + self.tensors[table + "position_embeddings.weight"][: len(ids)]
        x = self._norm(x + self.tensors[table + "token_type_embeddings.weight"][0], table + "LayerNorm")
        for layer in range(self.config["num_hidden_layers"]):
            prefix = f"encoder.layer.{layer}."
            x = self._norm(x + self._attend(x, prefix + "attention."), prefix + "attention.output.LayerNorm")
            hidden = self._linear(x, prefix + "intermediate.dense")
            hidden = hidden * 0.5 * (1 + erf(hidden / np.sqrt(2)))
            x = self._norm(x + self._linear(hidden, prefix + "output.dense"), prefix + "output.LayerNorm")
        return x

    def vector(self, ids, pooling="mean"):
        """The pooled vector with length 1."""
        x = self.last_layer(ids)
        pooled = x.mean(axis=0) if pooling == "mean" else x[0]
        return pooled / np.linalg.norm(pooled)

    def logits(self, ids, pooling="cls"):
        """The head's outputs; a pooler stands in front of it with [CLS] pooling only."""
        x = self.last_layer(ids)
        if pooling == "mean":
            return self._linear(x.mean(axis=0), "classifier")
        return self._linear(np.tanh(self._linear(x[0], "pooler.dense")), "classifier")
