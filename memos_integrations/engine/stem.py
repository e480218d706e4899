"""English stemming: Porter's algorithm (An algorithm for suffix stripping, 1980), with irregular forms added."""

from __future__ import annotations

import re
from collections.abc import Iterable

_SEQUENCE = re.compile(r"V+C+")

# Porter leaves strong forms alone; a memory says "went" where the question says "go".
_IRREGULAR = {
    form: base
    for base, forms in {
        "go": "went gone goes",
        "buy": "bought",
        "eat": "ate eaten",
        "drink": "drank drunk",
        "see": "saw seen",
        "take": "took taken",
        "give": "gave given",
        "make": "made",
        "write": "wrote written",
        "read": "reads",
        "run": "ran",
        "swim": "swam swum",
        "meet": "met",
        "begin": "began begun",
        "teach": "taught",
        "think": "thought",
        "find": "found",
        "leave": "left",
        "lose": "lost",
        "win": "won",
        "sell": "sold",
        "tell": "told",
        "feel": "felt",
        "keep": "kept",
        "sleep": "slept",
        "spend": "spent",
        "build": "built",
        "send": "sent",
        "grow": "grew grown",
        "know": "knew known",
        "fly": "flew flown",
        "drive": "drove driven",
        "ride": "rode ridden",
        "speak": "spoke spoken",
        "break": "broke broken",
        "choose": "chose chosen",
        "wear": "wore worn",
        "sing": "sang sung",
        "draw": "drew drawn",
        "catch": "caught",
        "bring": "brought",
        "fight": "fought",
        "hold": "held",
        "stand": "stood",
        "understand": "understood",
        "become": "became",
        "come": "came",
        "fall": "fell fallen",
        "forget": "forgot forgotten",
        "hear": "heard",
        "pay": "paid",
        "sit": "sat",
        "child": "children",
        "man": "men",
        "woman": "women",
        "person": "people",
        "wife": "wives",
        "life": "lives",
        "mouse": "mice",
        "foot": "feet",
        "tooth": "teeth",
        "knife": "knives",
        "leaf": "leaves",
    }.items()
    for form in forms.split()
}

_STEP2 = {
    "ational": "ate", "tional": "tion", "enci": "ence", "anci": "ance", "izer": "ize", "abli": "able", "alli": "al",
    "entli": "ent", "eli": "e", "ousli": "ous", "ization": "ize", "ation": "ate", "ator": "ate", "alism": "al",
    "iveness": "ive", "fulness": "ful", "ousness": "ous", "aliti": "al", "iviti": "ive", "biliti": "ble",
}  # fmt: skip
_STEP3 = {"icate": "ic", "ative": "", "alize": "al", "iciti": "ic", "ical": "ic", "ful": "", "ness": ""}
_STEP4 = (
    "al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ou", "ism", "ate", "iti", "ous",
    "ive", "ize",
)  # fmt: skip


def _by_length(suffixes: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(suffixes, key=len, reverse=True))


_STEP2_ORDER, _STEP3_ORDER, _STEP4_ORDER = _by_length(_STEP2), _by_length(_STEP3), _by_length((*_STEP4, "ion"))


def stem(word: str) -> str:
    """The stem of a lower-case ASCII word; words of one or two letters and numbers stay as they are."""
    if word in _IRREGULAR:
        word = _IRREGULAR[word]
    if len(word) <= 2 or not word.isalpha():
        return word
    return _step5(_step4(_step3(_step2(_step1c(_step1b(_step1a(word)))))))


def _pattern(word: str) -> str:
    marks: list[str] = []
    for i, letter in enumerate(word):
        vowel = letter in "aeiou" or (letter == "y" and i > 0 and marks[-1] == "C")
        marks.append("V" if vowel else "C")
    return "".join(marks)


def _measure(word: str) -> int:
    return len(_SEQUENCE.findall(_pattern(word)))


def _has_vowel(word: str) -> bool:
    return "V" in _pattern(word)


def _short_end(word: str) -> bool:
    return len(word) >= 3 and _pattern(word)[-3:] == "CVC" and word[-1] not in "wxy"


def _step1a(word: str) -> str:
    if word.endswith("sses") or (word.endswith("ies") and len(word) > 4):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def _step1b(word: str) -> str:
    if word.endswith("eed"):
        return word[:-1] if _measure(word[:-3]) > 0 else word
    for suffix in ("ed", "ing"):
        root = word[: -len(suffix)]
        if word.endswith(suffix) and _has_vowel(root):
            if root.endswith(("at", "bl", "iz")):
                return root + "e"
            if len(root) > 1 and root[-1] == root[-2] and root[-1] not in "aeioulsz":
                return root[:-1]
            return root + "e" if _measure(root) == 1 and _short_end(root) else root
    return word


def _step1c(word: str) -> str:
    return word[:-1] + "i" if word.endswith("y") and _has_vowel(word[:-1]) else word


def _replace(word: str, order: tuple[str, ...], table: dict[str, str]) -> str:
    for suffix in order:
        if word.endswith(suffix):
            root = word[: -len(suffix)]
            return root + table[suffix] if _measure(root) > 0 else word
    return word


def _step2(word: str) -> str:
    return _replace(word, _STEP2_ORDER, _STEP2)


def _step3(word: str) -> str:
    return _replace(word, _STEP3_ORDER, _STEP3)


def _step4(word: str) -> str:
    for suffix in _STEP4_ORDER:
        if word.endswith(suffix):
            root = word[: -len(suffix)]
            return root if _measure(root) > 1 and (suffix != "ion" or root.endswith(("s", "t"))) else word
    return word


def _step5(word: str) -> str:
    if word.endswith("e"):
        root = word[:-1]
        measure = _measure(root)
        if measure > 1 or (measure == 1 and not _short_end(root)):
            word = root
    return word[:-1] if word.endswith("ll") and _measure(word) > 1 else word
