"""Whether two texts say the same, word for word but for what carries no meaning: the key by which memories merge.

Order, numbers, negation, tense, prepositions and names all count ("Tom called Ann", "before lunch", "will visit"), so
that what merges has lost nothing. A likeness of vectors would not do: a number, a name or a "not" hardly moves it.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

from memos_integrations.engine.clauses import without_asides
from memos_integrations.engine.stem import stem
from memos_integrations.engine.text import DENSE, fold, words

_TOKEN = re.compile(
    rf"[-+]?[$€£¥]?\d[\d.,:/-]*\d(?:[%€$°]|\b)|[-+]?[$€£¥]?\d[%€$°]?|[{DENSE}]+|[^\W\d_{DENSE}]+(?:['’][^\W\d_]+)*|[^\w\s.,;:!?'\"’”“()。，！？；：、…-]"
)
_HARMLESS = words(
    """
    a an the is are am be been being has have do does i user my me mine their they them themselves myself that really
    very just also so well oh please actually indeed quite honestly literally definitely absolutely truly simply yes
    hey hi and
    """
)
_HARMLESS_ZH = re.compile("用户|真的|其实|[我的啊呀吧呢哦嘛啦]")
_NOT_PAST = words("named called")
_DENIED = {"can't": "can", "cannot": "can", "won't": "will", "shan't": "shall"}
_CONTRACTED = re.compile(r"(?:'(?:s|re|ve|m|d|ll))$")


_stem = lru_cache(maxsize=16_384)(stem)


def fingerprint(text: str, speaker: str | None) -> bytes:
    """Equal, for texts of one speaker, when they differ in case, punctuation, articles and fillers only."""
    names = frozenset(fold(speaker or "").split())
    kept: list[str] = []
    for match in _TOKEN.finditer(fold(without_asides(text)).replace("’", "'")):
        _keep(match.group(), names, kept)
    kept = kept or [text.strip().casefold()]
    return hashlib.sha256("\0".join([fold(speaker or ""), *kept]).encode("utf-8", "replace")).digest()[:16]


def _keep(written: str, names: frozenset[str], kept: list[str]) -> None:
    if written[-1:] >= "\u0e01" and not written.isascii():
        rest = _HARMLESS_ZH.sub("", written)
        kept += [rest] if rest else []
        return
    denied = written.endswith("n't") or written == "cannot"
    word = _DENIED.get(written) or _CONTRACTED.sub("", written.removesuffix("n't"))
    if written.endswith(("'ll", "'d")):
        kept.append(written[-2:])
    if word and word not in _HARMLESS and word not in names:
        kept.append(_stem(word) if word.isascii() and word.isalpha() else word)
        if word.endswith(("ed", "ing")) and word not in _NOT_PAST:
            kept.append("-ed" if word.endswith("ed") else "-ing")
    if denied:
        kept.append("not")
