"""The tokenizer that weir must equal: BERT uncased WordPiece of the package `tokenizers`."""

import gzip
import json
import pathlib

from tokenizers import AddedToken, Tokenizer as FastTokenizer, models, normalizers, pre_tokenizers

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "src/text/testdata/wordpiece_golden.jsonl.gz"
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def read_vocab(path):
    with open(path, encoding="utf-8", newline="\n") as file:
        return [line.rstrip("\r\n") for line in file]


def golden_vocab():
    """The first line of the goldens is {"vocab": [...]}."""
    with gzip.open(GOLDEN, "rt", encoding="utf-8") as file:
        return json.loads(file.readline())["vocab"]


class Tokenizer:
    def __init__(self, vocab):
        ids = {token: index for index, token in enumerate(vocab)}
        self.fast = FastTokenizer(models.WordPiece(ids, unk_token="[UNK]",
                                                   max_input_chars_per_word=100))
        self.fast.normalizer = normalizers.BertNormalizer(
            clean_text=True, handle_chinese_chars=True, strip_accents=None, lowercase=True)
        self.fast.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        self.fast.add_special_tokens([AddedToken(token, special=True, normalized=False)
                                      for token in SPECIAL if token in ids])

    def encode(self, texts):
        """Ids of each text (bytes; ill-formed UTF-8 becomes U+FFFD), nothing added."""
        decoded = [text.decode("utf-8", errors="replace") for text in texts]
        return [encoding.ids for encoding in
                self.fast.encode_batch(decoded, add_special_tokens=False)]
