"""Clauses of a memory's text with their places in it: the parts of a statement that can stop being true by themselves."""

from __future__ import annotations

import re
from dataclasses import dataclass

from memos_integrations.engine.sentences import is_chinese, sentences
from memos_integrations.engine.text import words
from memos_integrations.engine.verbs import BASE, PAST

# Notes that extraction puts behind a text: when it was said, what was asked, which option was meant.
_ASIDE = re.compile(
    r"\s*(?:\((?:said on|asked|chosen|correcting)\b[^()]*(?:\([^()]*\)[^()]*)*\)|（[^（）]*说）|（(?:问题|所选|更正)：[^（）]*）)"
)
_JOINT = re.compile(r"(?P<comma>,)?\s+(?:and|but|while|so)\s+(?P<word>[\w']+)(?P<next> [\w']+)?|,\s+(?P<bare>[\w']+)")
_JOINT_ZH = re.compile(r"[，,]")
_OPENERS = words(
    """
    i i'm i've i'll i'd we we're we've my our he she they they're they've they'll he's she's it's it the user's their his her now no longer is am are has have
    does doesn't don't isn't can can't will won't also still currently recently just
    """
)
_LEAD = re.compile(r"^(?:[A-Z][\w.' -]{0,40}?|The user) (?:said|asked|answered): |^[^，。：]{1,12}说：")


@dataclass(frozen=True, slots=True)
class Clause:
    """`text[start:end]`, without the punctuation behind it; `joined` clauses may lack a subject of their own."""

    start: int
    end: int
    text: str
    joined: bool


def clauses(text: str) -> list[Clause]:
    """The clauses of `text` in order, without asides such as "(said on 3 May 2025)"."""
    found: list[Clause] = []
    joints = _JOINT_ZH if is_chinese(text) else _JOINT
    last = 0
    for start, end in _sentences(text):
        lead = _LEAD.match(text, start, end) if start == 0 else None
        last, joined = (lead.end() if lead else start), False
        for match in joints.finditer(text, last, end):
            if joints is _JOINT and not _opens(match):
                continue
            _keep(found, text, last, match.start(), joined=joined)
            word = (
                match.start("word")
                if match.groupdict().get("word")
                else match.start("bare")
                if match.groupdict()
                else -1
            )
            last, joined = (word if word >= 0 else match.end()), True
        _keep(found, text, last, end, joined=joined)
    return found


def without_asides(text: str) -> str:
    """`text` without what extraction noted behind it; its letters keep their places."""
    return _ASIDE.sub(lambda match: " " * len(match.group()), text)


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
    if word.lower() in _OPENERS or (word == "the" and match["next"] == " user"):
        return True
    return match["bare"] is None and _is_verb(word)


def _is_verb(word: str) -> bool:
    ends_in_s = word.endswith("s") and (word[:-1] in BASE or word[:-2] in BASE or f"{word[:-3]}y" in BASE)
    return ends_in_s or word in PAST or word in BASE or (word.endswith("ed") and len(word) > 4)


def _keep(found: list[Clause], text: str, start: int, end: int, *, joined: bool) -> None:
    piece = text[start:end]
    start += len(piece) - len(piece.lstrip())
    end -= len(piece) - len(piece.rstrip(" .!?。！？,，"))
    if start < end:
        found.append(Clause(start, end, text[start:end], joined))
