#!/usr/bin/env python3
"""Time of one sentence vector: weir's encoder beside ONNX Runtime, in one run on one core with the
same tokens and the same weights (all-MiniLM-L6-v2).

usage: bench/encoder_vs_onnx.py PATH_OF_WEIR [--isa AVX2] [--rounds N]

--isa limits weir's oneDNN to that level; ONNX Runtime cannot be limited and keeps what the CPU has,
so the comparison is only like for like where the CPU itself has no more. Builds the ONNX model from
the safetensors, quantises it with ONNX Runtime's own dynamic int8 (per channel), and lets the two
take turns, so that a busy machine hits both. Printed is the least and the median time of a call
over all rounds, in milliseconds, and the cosine of each vector to the float one.
Needs the packages of tools/requirements.txt and tools/requirements-bench.txt.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools/models"))

import minilm  # noqa: E402
from bert_reference import read_safetensors  # noqa: E402

LENGTHS = (16, 32, 64, 128, 256)
LAYERS, HEADS, WIDTH = 6, 12, 384
CALLS = 12  # of each program, length and round
WORDS = "time people water house night world school city money book music river table garden field".split()


class Graph:
    """Builds the forward pass for one text: ids [1, tokens] -> unit vector [384]."""

    def __init__(self, tensors):
        self.tensors = tensors
        self.nodes, self.constants = [], []

    def constant(self, name, array):
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def weight(self, name, transpose=False):
        array = self.tensors[name]
        return self.constant(name, array.T if transpose else array)

    def op(self, kind, *inputs, **attributes):
        name = f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def linear(self, x, name):
        return self.op("Add", self.op("MatMul", x, self.weight(name + ".weight", True)), self.weight(name + ".bias"))

    def norm(self, x, name):
        return self.op(
            "LayerNormalization", x, self.weight(name + ".weight"), self.weight(name + ".bias"), epsilon=1e-12
        )

    def attention(self, x, prefix):
        def split(part, order):
            heads = self.op("Reshape", self.linear(x, prefix + "self." + part), "split_shape")
            return self.op("Transpose", heads, perm=order)

        query, key, value = split("query", [0, 2, 1, 3]), split("key", [0, 2, 3, 1]), split("value", [0, 2, 1, 3])
        scores = self.op("Softmax", self.op("Mul", self.op("MatMul", query, key), "factor"), axis=-1)
        mixed = self.op("Transpose", self.op("MatMul", scores, value), perm=[0, 2, 1, 3])
        return self.linear(self.op("Reshape", mixed, "join_shape"), prefix + "output.dense")

    def gelu(self, x):
        erf = self.op("Erf", self.op("Div", x, "root"))
        return self.op("Mul", self.op("Mul", x, self.op("Add", erf, "one")), "half")

    def model(self):
        self.constant("split_shape", np.array([1, -1, HEADS, WIDTH // HEADS], dtype=np.int64))
        self.constant("join_shape", np.array([1, -1, WIDTH], dtype=np.int64))
        for name, number in (("factor", (WIDTH // HEADS) ** -0.5), ("root", 2**0.5), ("one", 1), ("half", 0.5)):
            self.constant(name, np.array(number, dtype=np.float32))
        table = "embeddings."
        x = self.op("Gather", self.weight(table + "word_embeddings.weight"), "ids")
        x = self.op("Add", x, self.op("Gather", self.weight(table + "position_embeddings.weight"), "positions"))
        x = self.op("Add", x, self.constant("type", self.tensors[table + "token_type_embeddings.weight"][:1]))
        x = self.norm(x, table + "LayerNorm")
        for layer in range(LAYERS):
            prefix = f"encoder.layer.{layer}."
            x = self.norm(self.op("Add", x, self.attention(x, prefix + "attention.")), prefix + "attention.output.LayerNorm")
            hidden = self.linear(self.gelu(self.linear(x, prefix + "intermediate.dense")), prefix + "output.dense")
            x = self.norm(self.op("Add", x, hidden), prefix + "output.LayerNorm")
        self.nodes.append(helper.make_node("ReduceMean", [x], ["vector"], axes=[0, 1], keepdims=0))
        inputs = [helper.make_tensor_value_info(n, TensorProto.INT64, [1, "tokens"]) for n in ("ids", "positions")]
        output = helper.make_tensor_value_info("vector", TensorProto.FLOAT, [WIDTH])
        graph = helper.make_graph(self.nodes, "minilm", inputs, [output], self.constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def session(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def onnx_times(runner, ids):
    feed = {"ids": ids, "positions": np.arange(ids.shape[1], dtype=np.int64)[None]}
    times = []
    for _ in range(CALLS):
        begin = time.perf_counter()
        vector = runner.run(None, feed)[0]
        times.append((time.perf_counter() - begin) * 1e3)
    return times, vector / np.linalg.norm(vector)


def weir_rows(weir, encoder, texts, isa):
    environment = {**os.environ, **({"ONEDNN_MAX_CPU_ISA": isa} if isa else {})}
    command = [weir, "encoder", "--encoder", encoder, "--embed"]
    lines = "".join(json.dumps(text) + "\n" for text in texts for _ in range(CALLS))
    done = subprocess.run(command, input=lines, capture_output=True, text=True, env=environment, check=True)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return [rows[i * CALLS : (i + 1) * CALLS] for i in range(len(texts))]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("weir")
    parser.add_argument("--isa")
    parser.add_argument("--rounds", type=int, default=8)
    arguments = parser.parse_args()
    core = sorted(os.sched_getaffinity(0))[-1]
    os.sched_setaffinity(0, {core})
    weir = str(pathlib.Path(arguments.weir).resolve())
    files = minilm.fetch(ROOT / ".cache/models")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for file in ("model.safetensors", "vocab.txt"):
            (folder / file).write_bytes(files[file])
        config = {
            "hidden_size": WIDTH, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
            "intermediate_size": 1536, "max_position_embeddings": 512, "type_vocab_size": 2,
            "vocab_size": 30522, "hidden_act": "gelu", "layer_norm_eps": 1e-12,
        }  # fmt: skip
        (folder / "config.json").write_text(json.dumps(config))
        subprocess.run(
            [weir, "encoder", "--safetensors", folder / "model.safetensors", "--vocab", folder / "vocab.txt",
             "--config", folder / "config.json", "--out", folder / "encoder.weir"],
            check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        onnx.save(Graph(read_safetensors(files["model.safetensors"])).model(), folder / "float.onnx")
        quantize_dynamic(folder / "float.onnx", folder / "int8.onnx", per_channel=True, weight_type=QuantType.QInt8)
        runners = {"ONNX Runtime int8": session(folder / "int8.onnx"), "ONNX Runtime f32": session(folder / "float.onnx")}
        texts = [" ".join(WORDS[i % len(WORDS)] for i in range(length - 2)) for length in LENGTHS]
        times = {(who, length): [] for who in ("weir int8", *runners) for length in LENGTHS}
        vectors = {}
        for _ in range(arguments.rounds):
            for length, rows in zip(LENGTHS, weir_rows(weir, folder / "encoder.weir", texts, arguments.isa), strict=True):
                ids = np.array([[101, *rows[0]["tokens"], 102]], dtype=np.int64)
                assert ids.shape[1] == length, (length, ids.shape)
                times["weir int8", length] += [row["microseconds"] / 1e3 for row in rows]
                vectors["weir int8", length] = np.array(rows[0]["vector"])
                for who, runner in runners.items():
                    found, vectors[who, length] = onnx_times(runner, ids)
                    times[who, length] += found
    level = f", oneDNN limited to {arguments.isa}" if arguments.isa else ""
    print(f"ms a vector, least / median of {arguments.rounds * CALLS} calls, one core{level}; cosine to float")
    slower = 0
    for length in LENGTHS:
        parts = []
        for who in ("weir int8", *runners):
            found = np.array(times[who, length])
            cosine = float(vectors[who, length] @ vectors["ONNX Runtime f32", length])
            parts.append(f"{who} {found.min():6.2f} / {np.median(found):6.2f} ({cosine:.4f})")
        ratio = min(times["weir int8", length]) / min(times["ONNX Runtime int8", length])
        slower += ratio > 1
        print(f"{length:4} tokens: {'; '.join(parts)}; weir / ONNX int8 {ratio:.2f}")
    print("weir is no slower at any length" if slower == 0 else f"weir is slower at {slower} lengths")


if __name__ == "__main__":
    main()
