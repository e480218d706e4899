"""Chat spelling made readable: apostrophes left out, and slips in words that decide what a sentence means."""

from __future__ import annotations

import re
from collections.abc import Iterator

from memos_integrations.engine.text import words

_APOSTROPHES = {
    short: f"{head}'{tail}"
    for head, tail, short in (
        *((f"{w}n", "t", f"{w}nt") for w in words("do does did is are was were could would should have has had")),
        ("can", "t", "cant"), ("won", "t", "wont"), ("I", "ve", "ive"), ("you", "re", "youre"),
        ("they", "re", "theyre"), ("that", "s", "thats"), ("what", "s", "whats"), ("y", "all", "yall"),
    )
}  # fmt: skip
# "im" is German too, where a noun follows with a capital letter.
_IM = re.compile(
    r"(?:(?<=^)|(?<=[,;.!?] )|(?<=\band )|(?<=\bbut )|(?<=\bso )|(?<=\bcause )|(?<=\bcuz )|(?<=\bcos )"
    r"|(?<=\bthat )|(?<=\bsince )|(?<=\bwhile )|(?<=\bwhen )|(?<=\bif )|(?<=\bas )|(?<=\bnow )|(?<=\bbtw )"
    r"|(?<=\bthink )|(?<=\band yeah )|(?<=\bbecause )|(?<=\bok )|(?<=\bbecause, ))[Ii]m(?= [a-z0-9])"
)
_MEANT = words(
    """
    like love hate prefer dislike allergic vegetarian favorite favourite really definitely absolutely because enjoy
    live allergy
    """
)
_WORDS_OF_THEIR_OWN = words("rally loe lie relly dislike")
_WORD = re.compile(r"[A-Za-z]+")


def _slips(word: str) -> Iterator[str]:
    for i in range(1, len(word) - 1):
        yield word[:i] + word[i + 1 :]
        yield word[:i] + word[i + 1] + word[i] + word[i + 2 :]


_SLIPS = {
    slip: word
    for word in sorted(_MEANT)
    for slip in _slips(word)
    if len(slip) >= 4 and slip not in _MEANT | _WORDS_OF_THEIR_OWN
}
_FIXED = _APOSTROPHES | _SLIPS | dict.fromkeys(words("definately definatly defiantely"), "definitely")


_DRAWN_OUT = re.compile(r"(?<=[LlHhs])([oa])\1{2,}(?=ve|te|\b)")
_SMALL_I = re.compile(r"(?<![\w'.-])i(?=(?:'(?:m|ve|d|ll))? [a-z])")
_ENGLISH = re.compile(
    r"\b(?:the|my|am|was|have|love|like|to|and|it|of|is|so|but|do|don't|not|just|really|hate|prefer|can't|work|live|got|want"
    r"|need|been|the|with|for|at)\b"
)


def corrected(sentence: str) -> str:
    """`sentence` with the apostrophes of chat ("im", "dont") and the commonest slips ("alergic", "liek") put right."""
    if not _FIXED.keys().isdisjoint(sentence.lower().replace(",", " ").replace(".", " ").split()):
        sentence = _WORD.sub(_fixed, sentence)
    if "ooo" in sentence or "aaa" in sentence:
        sentence = _DRAWN_OUT.sub(r"\1", sentence)
    if "i" in sentence and _ENGLISH.search(sentence):
        sentence = _SMALL_I.sub("I", sentence)
    return _IM.sub("I'm", sentence) if "im " in sentence or "Im " in sentence else sentence


def _fixed(match: re.Match[str]) -> str:
    word = match.group()
    new = _FIXED.get(word.lower(), word)
    return new[:1].upper() + new[1:] if word[:1].isupper() and new != word else new
