"""The file format of the static embedding table: docs/formats/static_embedding.md, in Python."""

import dataclasses
import hashlib
import pathlib
import struct

import numpy as np

MAGIC = b"weir.emb"
VERSION = 1
HEADER = struct.Struct("<8s6IQ24x")
ALIGNMENT = 64
NO_ROW = 0xFFFFFFFF


@dataclasses.dataclass
class StaticTable:
    vocabulary: bytes  # one token a line, as in vocab.txt
    notice: str
    row_of: np.ndarray  # [vocabulary size] u32, NO_ROW for tokens without a vector
    scales: np.ndarray  # [rows] f32
    values: np.ndarray  # [rows, dimension] int8

    def floats(self) -> np.ndarray:
        return self.values.astype(np.float32) * self.scales[:, None]


def quantize(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """rows [n, d] f32 -> (int8 values, f32 scale per row): largest magnitude becomes 127."""
    scales = (np.abs(rows).max(axis=1) / 127).astype(np.float32)
    divisors = np.where(scales > 0, scales, 1)
    return np.rint(rows / divisors[:, None]).clip(-127, 127).astype(np.int8), scales


def _padded(section: bytes) -> bytes:
    return section + bytes(-len(section) % ALIGNMENT)


def write(path: pathlib.Path, table: StaticTable) -> bytes:
    """Writes the file; returns its checksum."""
    notice = table.notice.encode()
    body = b"".join(
        _padded(section)
        for section in (
            table.vocabulary,
            notice,
            table.row_of.astype("<u4").tobytes(),
            table.scales.astype("<f4").tobytes(),
            table.values.astype("i1").tobytes(),
        )
    )
    rows, dimension = table.values.shape
    file_bytes = HEADER.size + len(body) + hashlib.sha256().digest_size
    header = HEADER.pack(
        MAGIC,
        VERSION,
        dimension,
        len(table.row_of),
        rows,
        len(table.vocabulary),
        len(notice),
        file_bytes,
    )
    digest = hashlib.sha256(header + body).digest()
    path.write_bytes(header + body + digest)
    return digest


def read(path: pathlib.Path) -> StaticTable:
    content = path.read_bytes()
    magic, version, dimension, count, rows, vocabulary_bytes, notice_bytes, _ = HEADER.unpack_from(
        content
    )
    if magic != MAGIC or version != VERSION:
        raise SystemExit(f"{path}: no embedding table of version {VERSION}")
    if hashlib.sha256(content[:-32]).digest() != content[-32:]:
        raise SystemExit(f"{path}: checksum does not match")
    position = HEADER.size

    def take(size: int) -> bytes:
        nonlocal position
        section = content[position : position + size]
        position += size + -size % ALIGNMENT
        return section

    return StaticTable(
        vocabulary=take(vocabulary_bytes),
        notice=take(notice_bytes).decode(),
        row_of=np.frombuffer(take(4 * count), dtype="<u4"),
        scales=np.frombuffer(take(4 * rows), dtype="<f4"),
        values=np.frombuffer(take(rows * dimension), dtype=np.int8).reshape(rows, dimension),
    )


def pool(rows: np.ndarray, row_of: np.ndarray, id_lists: list[list[int]]) -> np.ndarray:
    """Unit vectors [texts, dimension] f32 of the mean row; zeros where no token has a row."""
    out = np.zeros((len(id_lists), rows.shape[1]), dtype=np.float32)
    for vector, ids in zip(out, id_lists):
        picked = row_of[np.asarray(ids, dtype=np.int64)]
        picked = picked[picked != NO_ROW]
        if len(picked):
            mean = rows[picked].mean(axis=0)
            vector[:] = mean / max(float(np.linalg.norm(mean)), 1e-32)
    return out
