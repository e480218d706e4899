"""Facts from what a message tells: third person, dated, cut to a size that search and prompts can use."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from memos_integrations._text import estimate_tokens, split_text
from memos_integrations.engine import dates
from memos_integrations.engine.headings import heading, tags
from memos_integrations.engine.records import Candidate
from memos_integrations.engine.retelling import retell
from memos_integrations.engine.rewrite import Speaker
from memos_integrations.engine.sentences import is_chinese
from memos_integrations.engine.telling import Told
from memos_integrations.engine.updates import slots as slots_of

FACT_TOKENS = 90
_NO_YEAR = re.compile(r"^(?:the )?\d|\d(?:st|nd|rd|th)?$|月.*[日号]$")
_ANCHORED = re.compile(
    r"\b(?:last|next|this|ago|since|yesterday|today|tonight|tomorrow|coming|past|previous|now)\b|[去今明前后昨上下这本内]"
)
_RECURRING = re.compile(
    (
        r"\b(?:birthday|anniversary|every|each|born|annual(?:ly)?|weekly|monthly|stand-?up|usually|always)\b"
        r"|生日|纪念日|每年|每到|每个?|出生|周会|例会|月会"
    ),
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Unit:
    statement: str
    text: str
    quoted: bool
    slots: tuple[str, ...]
    happened: str | None
    dated: bool


def facts(told: Told, sources: tuple[int, ...]) -> list[Candidate]:
    """One fact for a short message, several for a long one; a changeable thing told among others stands alone."""
    units = [unit for s in told.statements for unit in _units(s, told.speaker, told.said)]
    return [_joined(group, told, sources) for group in _groups(units, told.speaker)]


def fact(
    text: str, told: Told, sources: tuple[int, ...], *, slots: Sequence[str] = (), happened: str | None = None
) -> Candidate:
    """One fact with its heading and tags; several slots make a profile, which no single change supersedes."""
    text = text[:1].upper() + text[1:]
    own = told.speaker.name is None and ("user" in text.lower() or "用户" in text)
    return Candidate(
        kind="memory",
        text=text,
        type="UserMemory" if own else "LongTermMemory",
        key=heading(text, list(slots)),
        tags=tags(text),
        sources=sources,
        said_on=told.said,
        happened_on=happened,
        slot=slots[0] if len(slots) == 1 else None,
        speaker=told.speaker.name,
    )


def dated(text: str, said: datetime) -> tuple[str, str | None, bool]:
    """`text` with the day behind each relative date, when what it tells happened, and whether a day was added."""
    recurring = bool(_RECURRING.search(text))
    pieces: list[str] = []
    last, happened, added = 0, None, 0
    for span in dates.find(text, said.date()):
        fixed = text[span.start : span.end].lower()
        if span.relative and recurring and not _ANCHORED.search(fixed):
            continue
        happened = happened or span.iso
        if span.relative and added < 2 and not text[span.end : span.end + 2].lstrip().startswith(("(", "（")):
            chinese = is_chinese(text)
            shown = dates.written(span.first, span.last, chinese=chinese)
            if _NO_YEAR.search(fixed):
                shown = f"{span.first.year}年" if chinese else str(span.first.year)
            pieces += [text[last : span.end], f"（{shown}）" if chinese else f" ({shown})"]
            last, added = span.end, added + 1
    return "".join([*pieces, text[last:]]), happened, added > 0


def said_note(said: datetime, *, chinese: bool) -> str:
    """When something was said, to stand behind it."""
    day = dates.written(said.date(), said.date(), chinese=chinese)
    return f"（{day}说）" if chinese else f" (said on {day})"


def _units(statement: str, speaker: Speaker, said: datetime) -> list[_Unit]:
    retold = retell(statement, speaker)
    filled = tuple(slots_of(statement))
    text, happened, added = dated(retold or statement, said)
    parts = [p.strip() for p in split_text(text, FACT_TOKENS) if p.strip()]
    whole = len(parts) == 1
    return [
        _Unit(statement if whole else "", p, retold is None, filled if whole else (), happened, added) for p in parts
    ]


def _groups(units: list[_Unit], speaker: Speaker) -> list[list[_Unit]]:
    whole = sum(estimate_tokens(u.text) for u in units)
    groups: list[list[_Unit]] = []
    spent, apart = 0, False
    for unit in units:
        size = estimate_tokens(unit.text) + (6 if unit.quoted else 0)
        alone = len(unit.slots) == 1 and not speaker.name and 2 * size < whole
        if not groups or alone or apart or spent + size > FACT_TOKENS:
            groups.append([])
            spent = 0
        groups[-1].append(unit)
        spent, apart = spent + size, alone
    return groups


def _again(unit: _Unit, told: Told) -> str:
    """A statement behind one about the user, who is "they" in it; "" where it tells nothing of the user.

    Among named people every sentence keeps its name: "they" could be anybody.
    """
    if unit.quoted or not unit.statement or told.speaker.name or told.speaker.object not in unit.text.lower():
        return ""
    retold = retell(unit.statement, told.speaker, again=True)
    return dated(retold, told.said)[0] if retold else ""


def _joined(group: list[_Unit], told: Told, sources: tuple[int, ...]) -> Candidate:
    text = ""
    quoting = known = False
    for unit in group:
        shown = _again(unit, told) if known else ""
        known = bool(shown) or unit.text.startswith(f"{told.speaker.subject} ")
        shown = shown or (told.speaker.quote(unit.text) if unit.quoted and not quoting else unit.text)
        text = text + shown if is_chinese(text) else f"{text} {shown}".strip()
        quoting = unit.quoted
    filled = list(dict.fromkeys(slot for unit in group for slot in unit.slots))
    if len(filled) == 1:
        filling = sum(len(u.text) for u in group if u.slots)
        filled = filled if 2 * filling >= sum(len(u.text) for u in group) else []
    if told.timed and not any(u.dated for u in group):
        text += said_note(told.said, chinese=is_chinese(text))
    return fact(text, told, sources, slots=filled, happened=next((u.happened for u in group if u.happened), None))
