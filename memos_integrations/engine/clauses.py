"""Clauses of a memory's text with their places in it: the parts of a statement that can stop being true alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from memos_integrations.engine.sentences import is_chinese, sentences
from memos_integrations.engine.text import words
from memos_integrations.engine.verbs import BASE, PAST

# Notes that extraction puts behind a text: when it was said, what was asked, which option was meant.
_ASIDE = re.compile(
    r"\s*(?:\((?:said on|asked|chosen|correcting)\b[^()]*(?:\([^()]*\)[^()]*)*\)"
    r"|（[^（）]*说）|（(?:问题|所选|更正)：[^（）]*）)"
)
_JOINT = re.compile(
    r",?\s+(?:and|but|while|so)\s+(?P<word>[\w']+)(?P<next> [\w']+)?|,\s+(?P<bare>[\w']+)(?P<after> [\w']+)?"
)
_JOINT_ZH = re.compile(r"[，,]")
_OPENERS = words(
    """
    i i'm i've i'll i'd we we're we've my our he she they they're they've they'll
    he's she's it's it the user's their his her now no longer is am are has have
    does doesn't don't isn't can can't will won't also still currently recently just
    """
)
_LEAD = re.compile(
    r"(?:^|(?<=[.!?)] ))(?:The user|[A-Z][\w.'-]*(?: [A-Z][\w.'-]*)?) (?:said|asked|answered): |^[^，。：]{1,12}说："
)


@dataclass(frozen=True, slots=True)
class Clause:
    """`text[start:end]`, without the punctuation behind it; `joined` clauses may lack a subject of their own."""

    start: int
    end: int
    text: str
    joined: bool


@lru_cache(maxsize=64)
def clauses(text: str) -> tuple[Clause, ...]:
    """The clauses of `text` in order, without asides such as "(said on 3 May 2025)"."""
    found: list[Clause] = []
    joints = _JOINT_ZH if is_chinese(text) else _JOINT
    last = 0
    for start, end in _sentences(text):
        last, joined = start, False
        for match in joints.finditer(text, last, end):
            if joints is _JOINT and not _opens(match):
                continue
            _keep(found, text, last, match.start(), joined=joined)
            last, joined = (match.end() if joints is _JOINT_ZH else _word(match)), True
        _keep(found, text, last, end, joined=joined)
    return tuple(found)


def _word(match: re.Match[str]) -> int:
    return match.start("word" if match["word"] else "bare")


def without_asides(text: str) -> str:
    """`text` without what extraction noted around it; its letters keep their places."""
    return _LEAD.sub(_blank, _ASIDE.sub(_blank, text))


def _blank(match: re.Match[str]) -> str:
    return " " * len(match.group())


def _sentences(text: str) -> list[tuple[int, int]]:
    bare = without_asides(text)
    spans, start = [], 0
    for sentence in sentences(bare):
        at = bare.find(sentence, start)
        if at >= 0:
            spans.append((at, at + len(sentence)))
            start = spans[-1][1]
    return spans


def _opens(match: re.Match[str]) -> bool:
    """Whether a clause begins behind "and" or a comma, rather than one more item of a list."""
    word = match["word"] or match["bare"]
    if word.lower() in _OPENERS or (word == "the" and " user" in {match["next"], match["after"]}):
        return True
    following = (match["next"] or match["after"] or "").strip()
    if word[:1].isupper() and following:
        return following in _OPENERS or (_is_verb(following) and following not in BASE)
    return match["bare"] is None and _is_verb(word)


def _is_verb(word: str) -> bool:
    third = (
        (word.endswith("s") and word[:-1] in BASE)
        or (word.endswith("es") and word[:-2] in BASE)
        or (word.endswith("ies") and f"{word[:-3]}y" in BASE)
    )
    return third or word in PAST or word in BASE or (word.endswith("ed") and len(word) > 4)


def _keep(found: list[Clause], text: str, start: int, end: int, *, joined: bool) -> None:
    piece = text[start:end]
    start += len(piece) - len(piece.lstrip())
    end -= len(piece) - len(piece.rstrip(" .!?。！？,，"))
    if start < end:
        found.append(Clause(start, end, text[start:end], joined))
