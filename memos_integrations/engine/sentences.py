"""Sentences of a message, and what each of them is: a statement, a question, a request, or no content at all."""

from __future__ import annotations

import re
from functools import lru_cache

from memos_integrations.engine.spelling import corrected
from memos_integrations.engine.text import HAN, words

_BORDER = re.compile("[.!?]+[\"'\u201d\u2019)\\]]*(?=\\s|$)|[。！？；]+[”’」』）)]*|…+(?=\\s+[A-Z]|$)|\n+")
_ABBREVIATIONS = words(
    "mr mrs ms dr prof sr jr st vs etc e.g i.e eg ie approx no fig dept est inc ltd co corp gen col "
    "sgt rev hon u.s u.k a.m p.m"
)
_WORD = re.compile("[^\\W_]+(?:['\u2019.-][^\\W_]+)*")
_LONGEST = 600
_APOSTROPHE = re.compile("(?<=[A-Za-z])\u2019(?=[A-Za-z])")
_HAN = re.compile(f"[{HAN}]")
_KANA = re.compile("[\u3041-\u30ff]")
_LETTER = re.compile(r"[^\W\d_]")


def sentences(text: str) -> list[str]:
    """The sentences of `text` in order, stripped; joined by blanks they hold every word of it."""
    return list(_split(text))


@lru_cache(maxsize=32)  # a message is looked at from several sides, and again with what follows it
def _split(text: str) -> tuple[str, ...]:
    found: list[str] = []
    start = 0
    for match in _BORDER.finditer(text):
        if match.group()[0] == "." and _is_abbreviation(text, start, match):
            continue
        _keep(text[start : match.end()], found)
        start = match.end()
    _keep(text[start:], found)
    return tuple(found)


def _is_abbreviation(text: str, start: int, match: re.Match[str]) -> bool:
    if match.group() != ".":
        # An ellipsis runs on when the next word is not a new sentence.
        following = text[match.end() : match.end() + 2].strip()
        return match.group().startswith("..") and bool(following) and following[0].islower()
    head = text[max(start, match.start() - 12) : match.start()]
    last = head.rsplit(None, 1)[-1] if head.strip() else ""
    following = text[match.end() : match.end() + 2].strip()
    if last.lower().strip("(\"'") in _ABBREVIATIONS:
        return bool(following) and not (last.lower() in {"a.m", "p.m", "etc"} and following[0].isupper())
    return len(last) == 1 and last.isalpha() and last != "I" and last.isupper()


def _keep(piece: str, found: list[str]) -> None:
    piece = _APOSTROPHE.sub("'", " ".join(piece.split()))
    while len(piece) > _LONGEST:
        # Nobody speaks so; cutting keeps the work on a message linear in its length.
        cut = piece.rfind(" ", _LONGEST // 2, _LONGEST) + 1 or _LONGEST
        _keep(piece[:cut].rstrip(), found)
        piece = piece[cut:]
    if _LETTER.search(piece) or any(c.isdigit() for c in piece):
        found.append(corrected(piece) if piece.isascii() else piece)
    elif piece and found:
        found[-1] += piece


def word_list(text: str) -> list[str]:
    """Lower-case words of `text`, apostrophes straight and kept ("don't")."""
    return [w.lower().replace("\u2019", "'") for w in _WORD.findall(text)]


def is_chinese(text: str) -> bool:
    """Whether a sentence is to be read as Chinese: at least a quarter of its letters are Chinese characters."""
    if text.isascii():
        return False
    han = len(_HAN.findall(text))
    return 4 * han >= len(_LETTER.findall(text)) and han > 0 and len(_KANA.findall(text)) * 4 < han
