"""Which changeable things a statement tells of: its slots. Of the memories of one slot the newest stands.

A slot names the thing and, unless it is the speaker's own, whose it is: "home", "home@sister", "favorite:band",
"thing:deadlin", "lead:atlas". A memory may fill several, each with the clause that says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from memos_integrations.engine import updates_en as en
from memos_integrations.engine import updates_zh as zh
from memos_integrations.engine.clauses import Clause, clauses
from memos_integrations.engine.preferences import object_terms
from memos_integrations.engine.sentences import is_chinese
from memos_integrations.engine.text import terms, words

_OWN = frozenset({"i", "we", "the user", "my", "our", "the user's"})
# "They" and "their" are whoever the clause before was about; in a retold text that is the user.
_SAME = frozenset({"they", "their", "he", "she", "his", "her"})
_RELATIVE = re.compile(r"^(?:the user's|my|our|their) ", re.IGNORECASE)
# What a new statement puts an end to besides its own slot.
_ENDS = {
    "job": ("job", "employer", "role", "profession"),
    "employer": ("employer", "job"),
    "role": ("role", "job", "profession"),
    "profession": ("job",),
}
# Slots under which the user's working life is known outside.
_WORK = frozenset({"employer", "role", "profession"})
_KINDS = words("best older elder younger little big new old close oldest youngest late dear")
_NOW = re.compile(r"\bnow\b|现在|如今")


@dataclass(frozen=True, slots=True)
class Filling:
    """A slot and the clause that fills it: `text[start:end]`."""

    slot: str
    start: int
    end: int

    @property
    def ends(self) -> tuple[str, ...]:
        """The slots whose older memories this one supersedes."""
        name, at, whose = self.slot.partition("@")
        return tuple(other + at + whose for other in _ENDS.get(name, (name,)))


@lru_cache(maxsize=64)
def fillings(text: str) -> tuple[Filling, ...]:
    """Every slot that `text` fills, in order."""
    found: list[Filling] = []
    whose: str | None = None
    chinese = is_chinese(text)
    for clause in clauses(text[:2000]):
        read = _read_zh if chinese else _read_en
        for slot, subject in read(clause, whose):
            name = f"{slot}@{subject}" if subject else slot
            found.append(Filling(name, clause.start, clause.end))
        whose = _about(clause.text, whose, chinese=chinese)
    return tuple(found)


def slots(sentence: str) -> list[str]:
    """The slots of a statement without whose they are, e.g. ["home"], ["thing:deadlin"]; usually none or one."""
    names = (filling.slot.partition("@")[0] for filling in fillings(sentence))
    return list(dict.fromkeys("job" if name in _WORK else name for name in names))


def taste_slot(preference: str) -> str | None:
    """The slot of a preference: what it is about, so that "hates coffee" supersedes "loves coffee"."""
    if is_chinese(preference):
        match = zh.TASTE.search(preference)
        return f"taste:{match['thing']}" if match else None
    about = object_terms(preference)
    return "taste:" + " ".join(sorted(about)) if 0 < len(about) <= 4 else None


_STYLES = tuple(
    (slot, re.compile(pattern, re.IGNORECASE))
    for slot, pattern in (
        ("style:name", r"\b(?:call|address|refer to) me\b|(?:叫|称呼|喊)我"),
        (
            "style:language",
            (
                r"\b(?:english|chinese|spanish|french|german|japanese|korean|mandarin|cantonese"
                r"|portuguese|italian|russian|arabic|hindi|my language)\b|中文|英文|英语|日语|法语|德语|韩语"
                r"|西班牙语|简体"
                r"|繁体|粤语"
            ),
        ),
        (
            "style:length",
            (
                r"\b(?:short|shorter|brief|concise|briefly|concisely|long|longer|detailed|verbose"
                r"|succinct|to the point)\b|简洁|简短|精简|详细|简单|长一点|短一点"
            ),
        ),
        (
            "style:tone",
            (
                r"\b(?:formal|informal|casual|polite|friendly|humou?r\w*|professional|tone|direct)\b"
                r"|正式|口语|幽默|直接|礼貌|温柔|专业|语气"
            ),
        ),
        ("style:units", r"\b(?:metric|imperial|celsius|fahrenheit|24[- ]hour|12[- ]hour|units?)\b|公制|摄氏|英制"),
        ("style:emoji", r"\bemojis?\b|表情"),
    )
)


def style_slot(sentence: str) -> str | None:
    """The slot of a wish about answers, so that "in English" supersedes "in Chinese"."""
    return next((slot for slot, pattern in _STYLES if pattern.search(sentence)), None)


def _read_en(clause: Clause, whose: str | None) -> Iterator[tuple[str, str | None]]:
    """`(slot, subject)` of a clause; `whose` the clause before was, for one that has no subject of its own."""
    text, personal = clause.text, False
    for slot, pattern in en.PERSONAL if en.may_be_personal(text) else ():
        match = pattern.search(text)
        subject = _subject(match["subject"], whose) if match else None
        if match is None and (clause.joined or slot == "home"):
            bare = en.BARE.get(slot)
            subject = whose if bare is not None and bare.match(text) else None
        if subject is not None:
            personal = True
            yield ("role" if slot == "profession" and _NOW.search(text) else slot), subject
    for slot, pattern in en.ATTRIBUTES:
        match = pattern.search(text)
        subject = _owner(match, whose) if match else None
        if match is not None and subject is not None:
            personal = True
            sort = " ".join(terms(match["thing"])) if slot == "favorite" else match["sort"]
            yield (f"{slot}:{sort}" if sort else slot), subject
    if not personal:
        yield from _affairs(text, whose)


def _affairs(text: str, whose: str | None) -> Iterator[tuple[str, str | None]]:
    """Who leads what, which version is in use, and things with a value, a place or a time."""
    if match := en.LEADING.search(text):
        held = [term for term in terms(match["what"]) if term not in _HELD]
        known = not match["what"].islower() or match["what"].startswith(("the ", "our "))
        if held and (known or en.IN_CHARGE.search(match.group())):
            yield "lead:" + " ".join(sorted(held)), ""
            return
    if match := en.VERSION.search(text):
        yield "version:" + " ".join([*terms(match["what"]), *terms(text[: match.start()])]), ""
        return
    if match := en.PEOPLE.search(text):
        subject = _owner(match, whose)
        if subject is not None:
            yield "thing:" + " ".join(terms(match["role"])), subject
        return
    if match := en.ROLE.match(text):
        yield "thing:" + " ".join(sorted(set(terms(match["role"])))), ""
    elif found := en.thing(text):
        yield found[0], ""


_HELD = frozenset(terms("project team group department"))


def whose(clause: str, they: str | None) -> str | None:
    """Whom a clause is about: "" the speaker, None when that is not clear; `they` is whom it calls so."""
    return _about(clause, "", chinese=True) if is_chinese(clause) else _about(clause, they, chinese=False)


def _about(text: str, whose: str | None, *, chinese: bool) -> str | None:
    """Whom the next clause is about when it does not say so."""
    if chinese:
        match = re.match("用户|我", text)
        return "" if match else whose
    match = en.SUBJECT.match(text)
    return _subject(match["subject"], whose) if match else whose


def _subject(words: str, whose: str | None) -> str | None:
    folded = words.casefold()
    if folded in _OWN:
        return ""
    if folded in _SAME:
        return _meant(folded, whose)
    if not _RELATIVE.match(folded):
        return folded
    named = words.rsplit(maxsplit=1)[-1]
    if named[0].isupper():
        # Of two sisters each has her own home; a later "Dana moved" means the same one.
        return named.casefold()
    return next((word for word in _RELATIVE.sub("", folded).split() if word not in _KINDS), folded)


def _meant(pronoun: str, whose: str | None) -> str | None:
    """Whom a pronoun means: never the speaker by "he" or "she", who is "they" in a memory."""
    return None if whose == "" and pronoun not in {"they", "their"} else whose


def _owner(match: re.Match[str], whose: str | None) -> str | None:
    owner = match["owner"].casefold()
    base = "" if owner in _OWN else _meant(owner, whose) if owner in _SAME else owner.removesuffix("'s")
    of = (match["of"] or "").strip().casefold().removesuffix("'s")
    return None if base is None else " ".join(filter(None, [base, of]))


def _read_zh(clause: Clause, whose: str | None) -> Iterator[tuple[str, str | None]]:
    text, found = clause.text, False
    if match := zh.ROLE.match(text):
        yield "thing:" + match["role"], ""
        return
    for slot, pattern in zh.PERSONAL:
        match = pattern.match(text)
        if match is None or (slot in {"employer", "role", "job", "home"} and zh.WISHED.search(text)):
            continue
        subject = whose if clause.joined and not match["subject"] else zh.subject(match["subject"])
        if subject is not None:
            found = True
            yield slot, subject
    if match := zh.FAVORITE.match(text):
        subject = zh.subject(match["subject"])
        if subject is not None:
            found = True
            yield "favorite:" + match["thing"], subject
    if found:
        return
    if match := zh.LEADING.search(text):
        yield "lead:" + match["what"], ""
    elif (match := zh.CHANGED.match(text)) and match["thing"] not in {"我", "我们", "他", "她", "用户"}:
        yield "thing:" + match["thing"], ""
