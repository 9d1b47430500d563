#!/usr/bin/env python3
"""Writes src/text/unicode_tables.cc from what the package `tokenizers` really does.

usage: tools/unicode/make_tables.py [--check]       (needs: tokenizers, version below)

With --check nothing is written; ends with 1 if the committed file is not what would be written.

Every scalar value goes through BertNormalizer and BertPreTokenizer, alone and between two
combining marks, so the tables carry that package's own (partly old) idea of Unicode. The program
stops if a character behaves in a way that the record kinds of unicode_tables.h cannot express.
"""

import pathlib
import sys

import tokenizers
from tokenizers import normalizers, pre_tokenizers

VERSION = "0.23.3"
BLOCK_BITS = 7
# Two combining marks that survive the normalizer, of a high and a low canonical class: in the
# order HIGH LOW they are swapped unless something between them ends the run.
HIGH, LOW = "\u302e", "\u1b44"

NORMALIZER = normalizers.BertNormalizer(
    clean_text=True, handle_chinese_chars=True, strip_accents=None, lowercase=True
)
PRE_TOKENIZER = pre_tokenizers.BertPreTokenizer()
SCALARS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]


def normalize(text):
    return NORMALIZER.normalize_str(text)


def is_punctuation(char):
    pieces = [piece for piece, _ in PRE_TOKENIZER.pre_tokenize_str("a" + char + "a")]
    if pieces == ["a" + char + "a"]:
        return False
    if pieces == ["a", char, "a"]:
        return True
    raise SystemExit(f"U+{ord(char):04X} is split as {pieces}")


def is_hangul(code):
    return 0xAC00 <= code <= 0xD7A3


def mark_ranks(outputs):
    """Rank of each surviving mark: a larger rank moves behind a smaller one."""
    marks = []
    for code in SCALARS:
        out = outputs[code]
        if len(out) == 1 and (
            normalize(out + LOW) == LOW + out or normalize(HIGH + out) == out + HIGH
        ):
            marks.append(out)
    if any(outputs[ord(mark)] != mark for mark in marks):
        raise SystemExit("a combining mark is mapped to another character")
    # The number of marks that a mark moves behind orders the canonical classes.
    behind = {m: sum(normalize(m + other) == other + m for other in marks) for m in marks}
    ranks = {b: rank for rank, b in enumerate(sorted(set(behind.values())), start=1)}
    return {ord(m): ranks[b] for m, b in behind.items()}


class Tables:
    def __init__(self):
        self.outputs = {c: normalize(chr(c)) for c in SCALARS}
        self.ranks = mark_ranks(self.outputs)
        self.expansions = []  # all expansions, one after the other
        self.records = {}
        self.record_of = [self.index(self.classify(c)) if not 0xD800 <= c <= 0xDFFF
                          else self.index(("kDrop", 0)) for c in range(0x110000)]

    def index(self, record):
        return self.records.setdefault(record, len(self.records))

    def classify(self, code):
        out = self.outputs[code]
        if code in self.ranks:
            return ("kMark", self.ranks[code])
        if out == "":
            swapped = normalize(HIGH + chr(code) + LOW) == LOW + HIGH
            return ("kDrop", 0) if swapped else ("kDropStarter", 0)
        if out == " ":
            return ("kSpace", 0)
        if is_hangul(code):
            return ("kHangul", 0)
        if len(out) == 3 and out[0] == out[2] == " ":
            return ("kIdeograph", ord(out[1]) - code)
        if len(out) > 1:
            return ("kExpand", self.expand(out))
        kind = "kPunctuation" if is_punctuation(out) else "kWord"
        return (kind, ord(out) - code)

    def expand(self, out):
        for char in out:
            if self.outputs[ord(char)] != char or is_punctuation(char) or char == " ":
                raise SystemExit(f"{out!r} is not made of plain characters")
        # value = start * 4 + length
        self.expansions.extend(ord(char) for char in out)
        return (len(self.expansions) - len(out)) * 4 + len(out)

    def check(self):
        """The records, applied as word_scanner.h does, give the normalizer's own output."""
        by_index = list(self.records)
        for code in SCALARS:
            kind, value = by_index[self.record_of[code]]
            middle = self.apply(kind, value, code)
            for before, after in (("", ""), (HIGH, LOW), ("e" + HIGH, "\u1baae"), (LOW, HIGH)):
                want = normalize(before + chr(code) + after)
                got = self.order(before, middle, after)
                if want != got:
                    raise SystemExit(f"U+{code:04X} between {before!r} and {after!r}: "
                                     f"{got!r}, expected {want!r}")

    def apply(self, kind, value, code):
        if kind == "kDrop":
            return [""]
        if kind == "kDropStarter":
            return [None]  # ends a run
        if kind == "kSpace":
            return [" "]
        if kind == "kMark":
            return [chr(code)]
        if kind == "kIdeograph":
            return [" ", chr(code + value), " "]
        if kind == "kExpand":
            return [chr(c) for c in self.expansions[value // 4: value // 4 + value % 4]]
        if kind == "kHangul":
            index = code - 0xAC00
            jamo = [0x1100 + index // 588, 0x1161 + index % 588 // 28]
            if index % 28:
                jamo.append(0x11A7 + index % 28)
            return [chr(c) for c in jamo]
        return [chr(code + value)]

    def order(self, before, middle, after):
        out, run = [], []
        for char in [*before, *middle, *after, None]:
            if char == "":
                continue
            if char is not None and ord(char) in self.ranks:
                run.append(char)
                continue
            out += sorted(run, key=lambda mark: self.ranks[ord(mark)])
            run = []
            if char is not None:
                out.append(char)
        return "".join(out)


def blocks(record_of):
    size = 1 << BLOCK_BITS
    distinct, of = {}, []
    for start in range(0, len(record_of), size):
        block = tuple(record_of[start:start + size])
        of.append(distinct.setdefault(block, len(distinct)))
    if len(distinct) > 256:
        raise SystemExit(f"{len(distinct)} blocks do not fit a byte")
    return of, [index for block in distinct for index in block]


def wrap(parts, separator):
    """Lines of at most 100 columns, indented by two."""
    lines, line = [], " "
    for part in parts:
        if len(line) + len(separator) + len(part) > 99:
            lines.append(line)
            line = " "
        line += (" " if line == " " else separator) + part
    return "\n".join([*lines, line])


def numbers(values):
    return wrap([f"{value}," for value in values], "")


def render(tables):
    of, indexes = blocks(tables.record_of)
    names = list(tables.records)
    records = wrap([f"{{{kind}, {value}}}," for kind, value in names], " ")
    ascii_records = []
    for code in range(128):
        kind, value = names[tables.record_of[code]]
        char = code + value if kind in ("kWord", "kPunctuation") else 0
        ascii_records.append(f"{{{kind}, {char}}},")
    rows = ["  " + " ".join(ascii_records[i:i + 4]) for i in range(0, 128, 4)]
    header = f"""// Generated by tools/unicode/make_tables.py from tokenizers {VERSION}. Do not edit; to rebuild:
//   .venv/bin/python tools/unicode/make_tables.py
// clang-format off
#include "text/unicode_tables.h"

#include "text/word_scanner.h"

namespace weir::text {{
namespace {{

using enum CharKind;

constexpr char32_t kExpansions[] = {{
{numbers(tables.expansions)}
}};

}}  // namespace

namespace tables {{

"""
    return header + f"""const uint8_t kBlocks[0x110000 >> kBlockBits] = {{
{numbers(of)}
}};

const uint16_t kRecordIndexes[] = {{
{numbers(indexes)}
}};

const CharRecord kRecords[] = {{
{records}
}};

const std::array<AsciiRecord, 128> kAscii = {{{{
{chr(10).join(rows)}
}}}};

}}  // namespace tables

std::span<const char32_t> expansion(int32_t value) {{
  return std::span(kExpansions).subspan(static_cast<size_t>(value) / 4,
                                        static_cast<size_t>(value) % 4);
}}

}}  // namespace weir::text
// clang-format on
"""


def main():
    if tokenizers.__version__ != VERSION:
        raise SystemExit(f"tokenizers {VERSION} is the pinned oracle, not {tokenizers.__version__}")
    output = pathlib.Path(__file__).resolve().parents[2] / "src/text/unicode_tables.cc"
    tables = Tables()
    tables.check()
    text = render(tables)
    if sys.argv[1:] == ["--check"]:
        if output.read_text() != text:
            raise SystemExit(f"{output} is not what this program writes: run it without --check")
    elif sys.argv[1:]:
        raise SystemExit(__doc__)
    else:
        output.write_text(text)
    print(f"{output}: {len(tables.records)} records, {len(tables.expansions)} expanded characters, "
          f"{len(tables.ranks)} marks in {len(set(tables.ranks.values()))} classes")


if __name__ == "__main__":
    main()
