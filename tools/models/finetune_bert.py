#!/usr/bin/env python3
"""Fine-tunes a whole BERT-family encoder as a router, on preference labels or on the gap.

usage: tools/models/finetune_bert.py --data F.jsonl[.gz] --weak W --strong S --out FOLDER [options]

Rows are those of `weir train`: `query` with `scores` {model: 0..1}, or with `label` (1: strong
needed). Two targets:
  labels  three labels as RouteLLM has them: 0 strong is better, 1 tie, 2 weak is better; cross
          entropy; P(strong needed) is the softmax probability of label 0
  gap     one number, q_strong - q_weak; least squares
Writes FOLDER/model.safetensors, config.json and vocab.txt and prints the command that makes weir's
encoder file of them. Starts from all-MiniLM-L6-v2 (fetched by tools/models/minilm.py) or from
--base FOLDER with the same three files. Seeded; a GPU is used when there is one. Measured on rows
held out by query, before and after: loss and rank correlation of the score with the gap.

Needs torch (over 2 GB, so outside ./test and tools/requirements.txt), numpy, tokenizers and, for the
default base, what minilm.py needs. Source of the recipe: Ong et al., arXiv 2406.18665, appendix
(BERT classifier: batch 16, learning rate 1e-5, weight decay 0.01, at most 512 tokens).
"""

import argparse
import gzip
import json
import math
import pathlib
import random
import sys
import time

import numpy as np
import torch
from tokenizers import BertWordPieceTokenizer
from torch import nn

from bert_reference import read_safetensors, write_safetensors

ROOT = pathlib.Path(__file__).resolve().parents[2]
TIE = 1e-6
MINILM = {
    "hidden_act": "gelu",
    "hidden_size": 384,
    "intermediate_size": 1536,
    "layer_norm_eps": 1e-12,
    "max_position_embeddings": 512,
    "model_type": "bert",
    "num_attention_heads": 12,
    "num_hidden_layers": 6,
    "position_embedding_type": "absolute",
    "type_vocab_size": 2,
    "vocab_size": 30522,
}


class Layer(nn.Module):
    def __init__(self, config):
        super().__init__()
        width, inner, epsilon = config["hidden_size"], config["intermediate_size"], config["layer_norm_eps"]
        self.heads = config["num_attention_heads"]
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.attended = nn.Linear(width, width)
        self.attended_norm = nn.LayerNorm(width, eps=epsilon)
        self.inner = nn.Linear(width, inner)
        self.out = nn.Linear(inner, width)
        self.out_norm = nn.LayerNorm(width, eps=epsilon)
        self.dropout = nn.Dropout(0.1)

    def forward(self, x, mask):
        def split(part):
            return part(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)

        mixed = nn.functional.scaled_dot_product_attention(
            split(self.query), split(self.key), split(self.value), attn_mask=mask[:, None, None, :] > 0
        )
        mixed = self.attended(mixed.transpose(1, 2).flatten(2))
        x = self.attended_norm(x + self.dropout(mixed))
        return self.out_norm(x + self.dropout(self.out(nn.functional.gelu(self.inner(x)))))


class Router(nn.Module):
    """BERT with a head; parameters are read from and written to Hugging Face's names."""

    def __init__(self, config, pooling, outputs):
        super().__init__()
        width = config["hidden_size"]
        self.pooling = pooling
        self.words = nn.Embedding(config["vocab_size"], width)
        self.positions = nn.Embedding(config["max_position_embeddings"], width)
        self.types = nn.Embedding(config["type_vocab_size"], width)
        self.norm = nn.LayerNorm(width, eps=config["layer_norm_eps"])
        self.layers = nn.ModuleList(Layer(config) for _ in range(config["num_hidden_layers"]))
        self.pooler = nn.Linear(width, width)
        self.head = nn.Linear(width, outputs)
        self.dropout = nn.Dropout(0.1)

    def forward(self, ids, mask):
        x = self.words(ids) + self.positions.weight[: ids.shape[1]] + self.types.weight[0]
        x = self.dropout(self.norm(x))
        for layer in self.layers:
            x = layer(x, mask)
        if self.pooling == "cls":
            pooled = torch.tanh(self.pooler(x[:, 0]))
        else:
            pooled = (x * mask[:, :, None]).sum(1) / mask.sum(1, keepdim=True)
        return self.head(self.dropout(pooled))

    def names(self):
        """(Hugging Face's name, module) of everything with weight (and bias)."""
        yield "embeddings.word_embeddings", self.words
        yield "embeddings.position_embeddings", self.positions
        yield "embeddings.token_type_embeddings", self.types
        yield "embeddings.LayerNorm", self.norm
        for index, layer in enumerate(self.layers):
            prefix = f"encoder.layer.{index}."
            for part in ("query", "key", "value"):
                yield prefix + "attention.self." + part, getattr(layer, part)
            yield prefix + "attention.output.dense", layer.attended
            yield prefix + "attention.output.LayerNorm", layer.attended_norm
            yield prefix + "intermediate.dense", layer.inner
            yield prefix + "output.dense", layer.out
            yield prefix + "output.LayerNorm", layer.out_norm
        if self.pooling == "cls":
            yield "pooler.dense", self.pooler
        yield "classifier", self.head

    def read(self, tensors):
        with torch.no_grad():
            for name, module in self.names():
                for part, parameter in module.named_parameters():
                    if f"{name}.{part}" in tensors and tensors[f"{name}.{part}"].shape == parameter.shape:
                        parameter.copy_(torch.from_numpy(tensors[f"{name}.{part}"].copy()))
                    elif name not in ("classifier", "pooler.dense"):
                        raise SystemExit(f"the base model has no {name}.{part} of shape {tuple(parameter.shape)}")

    def tensors(self):
        return {
            f"{name}.{part}": parameter.detach().float().cpu().numpy()
            for name, module in self.names()
            for part, parameter in module.named_parameters()
        }


def read_rows(arguments):
    """(query, gap) of every usable row; equal queries once."""
    rows = {}
    for path in arguments.data:
        opener = gzip.open if path.endswith(".gz") else open
        with opener(path, "rt") as lines:
            for line in lines:
                row = json.loads(line)
                if row.get("contaminated") or row.get("in_bench"):
                    continue
                if "scores" in row and arguments.weak:
                    weak, strong = (row["scores"].get(m) for m in (arguments.weak, arguments.strong))
                    if weak is None or strong is None:
                        continue
                    rows[row["query"]] = float(strong) - float(weak)
                elif "label" in row:
                    rows[row["query"]] = 1.0 if row["label"] == 1 else 0.0
    if not rows:
        raise SystemExit("no usable rows: are --weak and --strong names that `scores` has?")
    pairs = sorted(rows.items())
    random.Random(arguments.seed).shuffle(pairs)
    return pairs[: arguments.rows] if arguments.rows else pairs


def rank_correlation(a, b):
    def ranks(values):
        _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
        return (np.cumsum(counts) - (counts - 1) / 2)[inverse]

    a, b = ranks(np.asarray(a)), ranks(np.asarray(b))
    return float(np.corrcoef(a, b)[0, 1]) if a.std() > 0 and b.std() > 0 else 0.0


def batches(rows, tokenizer, size, limit, device, shuffle=None):
    order = list(range(len(rows)))
    if shuffle:
        shuffle.shuffle(order)
    for start in range(0, len(order), size):
        part = [rows[i] for i in order[start : start + size]]
        encoded = [tokenizer.encode(query[:16384]).ids for query, _ in part]
        encoded = [ids if len(ids) <= limit else ids[: limit - 1] + ids[-1:] for ids in encoded]
        longest = max(map(len, encoded))
        ids = torch.tensor([row + [0] * (longest - len(row)) for row in encoded], device=device)
        mask = torch.tensor([[1.0] * len(row) + [0.0] * (longest - len(row)) for row in encoded], device=device)
        yield ids, mask, torch.tensor([gap for _, gap in part], device=device)


def loss_of(outputs, gaps, target):
    if target == "gap":
        return nn.functional.mse_loss(outputs[:, 0], gaps)
    labels = torch.where(gaps > TIE, 0, torch.where(gaps < -TIE, 2, 1))
    return nn.functional.cross_entropy(outputs, labels)


def measure(model, rows, tokenizer, arguments, device):
    """Mean loss and rank correlation with the gap; the score is that of weir."""
    model.eval()
    losses, scores, gaps = [], [], []
    with torch.no_grad():
        for ids, mask, gap in batches(rows, tokenizer, 32, arguments.max_tokens, device):
            outputs = model(ids, mask)
            losses.append(float(loss_of(outputs, gap, arguments.target)) * len(gap))
            score = outputs[:, 0] if arguments.target == "gap" else outputs.softmax(-1)[:, 0]
            scores += score.tolist()
            gaps += gap.tolist()
    return sum(losses) / len(rows), rank_correlation(scores, gaps)


def train(model, rows, tokenizer, arguments, device):
    decayed = [p for n, p in model.named_parameters() if p.ndim > 1]
    others = [p for n, p in model.named_parameters() if p.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}], lr=arguments.lr
    )
    steps = math.ceil(len(rows) / arguments.batch) * arguments.epochs
    warm = max(1, steps // 10)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warm, max(0.0, (steps - step) / max(1, steps - warm)))
    )
    shuffle = random.Random(arguments.seed)
    begin, done = time.time(), 0
    for _ in range(arguments.epochs):
        model.train()
        for ids, mask, gaps in batches(rows, tokenizer, arguments.batch, arguments.max_tokens, device, shuffle):
            loss = loss_of(model(ids, mask), gaps, arguments.target)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            done += 1
            if sys.stderr.isatty() or done % 50 == 0 or done == steps:
                print(f"step {done}/{steps}, loss {float(loss):.4f}, {time.time() - begin:.0f} s", file=sys.stderr)


def base_files(arguments):
    if arguments.base:
        base = pathlib.Path(arguments.base)
        config = json.loads((base / "config.json").read_text())
        return (base / "model.safetensors").read_bytes(), config, (base / "vocab.txt").read_bytes()
    import minilm

    files = minilm.fetch(ROOT / ".cache/models")
    return files["model.safetensors"], MINILM, files["vocab.txt"]


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--data", nargs="+", required=True)
    parser.add_argument("--weak")
    parser.add_argument("--strong")
    parser.add_argument("--out", required=True)
    parser.add_argument("--base", help="folder with model.safetensors, config.json, vocab.txt")
    parser.add_argument("--target", choices=["labels", "gap"], default="labels")
    parser.add_argument("--pooling", choices=["mean", "cls"], default="mean")
    parser.add_argument("--rows", type=int, help="at most so many, by seed")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--lr", type=float, default=3e-5)
    parser.add_argument("--max-tokens", type=int, default=256)
    parser.add_argument("--held-out", type=float, default=0.15)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def main():
    arguments = parse()
    random.seed(arguments.seed)
    np.random.seed(arguments.seed)
    torch.manual_seed(arguments.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    weights, config, vocabulary = base_files(arguments)
    out = pathlib.Path(arguments.out)
    out.mkdir(parents=True, exist_ok=True)
    (out / "vocab.txt").write_bytes(vocabulary)
    (out / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    tokenizer = BertWordPieceTokenizer(str(out / "vocab.txt"), lowercase=True)
    rows = read_rows(arguments)
    held_out = rows[: max(1, round(len(rows) * arguments.held_out))]
    taught = rows[len(held_out) :]
    model = Router(config, arguments.pooling, 3 if arguments.target == "labels" else 1)
    model.read(read_safetensors(weights))
    model.to(device)
    print(f"{len(taught)} rows to learn from, {len(held_out)} held out, on {device}")
    print("before: loss {:.4f}, rank correlation {:.4f}".format(*measure(model, held_out, tokenizer, arguments, device)))
    train(model, taught, tokenizer, arguments, device)
    print("after:  loss {:.4f}, rank correlation {:.4f}".format(*measure(model, held_out, tokenizer, arguments, device)))
    (out / "model.safetensors").write_bytes(write_safetensors(model.tensors()))
    print(
        f"wrote {out}; next: weir encoder --safetensors {out}/model.safetensors --vocab {out}/vocab.txt "
        f"--config {out}/config.json --pooling {arguments.pooling} --max-tokens {arguments.max_tokens} "
        f"--out {out}/encoder.weir"
    )


if __name__ == "__main__":
    main()
