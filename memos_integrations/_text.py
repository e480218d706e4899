"""Sizes and borders of text: a model-free token estimate and cuts that respect sentences."""

from __future__ import annotations

import math
import re

# One token per character in scripts written without spaces; a quarter per character elsewhere. An estimate, never a
# count: limits that a server enforces are therefore approached with a margin (see requests.py).
_DENSE = re.compile("[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]")
_SENTENCE_END = re.compile(r"(?<=[。！？!?…])\s*|(?<=\.)\s+|\n+")


def estimate_tokens(text: str) -> int:
    """Estimated tokens of `text`, without a tokenizer: dense scripts one per character, others one per four."""
    dense = 0 if text.isascii() else len(_DENSE.findall(text))
    return dense + math.ceil((len(text) - dense) / 4)


def split_sentences(text: str) -> list[str]:
    """Sentences of `text` in order, borders included, so that joining them gives `text` back."""
    borders = [m.end() for m in _SENTENCE_END.finditer(text) if m.end() > m.start() or m.end() < len(text)]
    starts = [0, *dict.fromkeys(b for b in borders if 0 < b < len(text))]
    return [text[a:b] for a, b in zip(starts, [*starts[1:], len(text)], strict=True) if b > a]


def split_text(text: str, limit: int) -> list[str]:
    """Pieces of at most `limit` estimated tokens, cut at sentence borders and, failing those, inside a sentence."""
    pieces: list[str] = []
    current, spent = "", 0
    for sentence in split_sentences(text):
        for part in _hard_cut(sentence, limit):
            size = estimate_tokens(part)
            if current and spent + size > limit:
                pieces.append(current)
                current, spent = "", 0
            current, spent = current + part, spent + size
    return [*pieces, current] if current else pieces


def clip_text(text: str, limit: int) -> str:
    """`text` itself when it fits `limit` estimated tokens, else its beginning and its end around an ellipsis."""
    if estimate_tokens(text) <= limit:
        return text
    half = max(1, limit // 2 - 1)
    return f"{_take(text, half)} … {_take(text[::-1], half)[::-1]}"


def _take(text: str, limit: int) -> str:
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if estimate_tokens(text[:middle]) <= limit else (low, middle - 1)
    return text[:low]


def _hard_cut(text: str, limit: int) -> list[str]:
    parts: list[str] = []
    while estimate_tokens(text) > limit:
        head = _take(text, limit) or text[:1]
        space = head.rfind(" ")
        cut = space + 1 if space > len(head) // 2 else len(head)
        parts.append(text[:cut])
        text = text[cut:]
    return [*parts, text] if text else parts
