"""Which older memories, or parts of them, a new one puts an end to.

Three signs: it fills the same slot with another value ("now lives in Denver"), it says that something is over ("no
longer eats fish"), or it corrects a word ("at 4, not 3"). What is over stays as history, marked with its last day; the
rest of a memory that told of several things stays current.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Sequence
from datetime import date

from memos_integrations.engine import updates_en as en
from memos_integrations.engine.clauses import Clause, clauses, without_asides
from memos_integrations.engine.denial import NEGATION, NOW, OVER, Claim, general
from memos_integrations.engine.preferences import sign_of
from memos_integrations.engine.sentences import is_chinese
from memos_integrations.engine.store import MemoryRow, Space
from memos_integrations.engine.text import terms
from memos_integrations.engine.updates import Filling, fillings

# An event so long before the older statement was made is a memory of the past, not news.
_OLD_DAYS = 180
_EVENTS = frozenset({"home", "job", "employer", "role", "relationship"})
# Told twice, even in other words, these are the same event.
_EVENT_WORDS = frozenset(terms("lost quit retired laid fired unemployed married engaged divorced widowed"))
_LASTING = re.compile(r"\bsince\b|\bfor (?:\d|an?\b|many|several|over|about|almost|nearly)|以来|已经.*[年月]了")
# What a statement names only to say that it is not so, or no longer.
_ASIDE = re.compile(
    r"\b(?:from|not|instead of|rather than|previously|formerly|no longer|used to be) [^,.;()]+?"
    r"(?= to\b| but\b|[,.;()]|$)"
    r"|(?:从|不是|不再是|而不是)[^，。]+?(?=[搬到改换]|[，。]|$)"
)
_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_STATE = (
    r"\b(?:cancel|postpon|finish|complet|done|over|closed|open|resolved|blocked|delayed|deliver|shipp)\w*|取消|完成"
)
_TIME = (
    r"\b\d{1,2}:\d\d|\b\d{1,2} ?[ap]\.?m\b|(?i:day|tomorrow|noon|midnight|week|month)\b"
    rf"|\b(?:{_MONTHS})\b|\b(?:at|to) \d{{1,2}}\b|[点日号月周]"
)
_PLACE = rf"\b(?:room|hall|office|building)\b|\b(?:to|in) (?!{_MONTHS}|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day)[A-Z]"
# Two statements of a thing exclude each other when they are about the same side of it.
_ASPECTS = tuple(
    (name, re.compile(pattern))
    for name, pattern in (("state", _STATE), ("time", _TIME), ("place", _PLACE), ("company", r"\bwith [A-Z]"))
)
_CORRECTION = re.compile(
    r", (?:and )?not (?P<wrong>[\w$€£'-][^,.;()]{0,40}?)(?: \([^)]*\))?(?=[.,;!]|$)"
    r"|[，,]?(?:而)?不是(?P<wrong_zh>[^，。（]{1,12})"
)
_CORRECTED_SUBJECT = re.compile(
    r"^(?:(?:actually|sorry|no|oops|correction|well|wait|i mean)\b[,:]? )*(?:it's|it is|that's|that is|it was"
    r"|he's|she's|they're|his|her|their)\b"
    r"|^(?:用户)?(?:不对|更正|说错了|错了)?[，,]?是",
    re.IGNORECASE,
)
_CUE = re.compile(
    r"^\W*(?:no|actually|sorry|correction|oops|wait|i meant|i misspoke|my mistake|scratch that)\b"
    r"|^(?:不对|更正|说错了|错了|纠正)",
    re.IGNORECASE,
)
_WRITTEN = re.compile(r"[\w.+-]*[@\d][\w.@:/+-]*")
_COPULA = re.compile(r"\b(?:is|are|was|were|has|have)\b|[是叫在]")
_RECENT = 12
_HELD = 40
_DAY_MS = 86_400_000
_EPOCH = 719_163


class Succession:
    """Ends what a new memory of the same owner replaces, inside the transaction that stores it."""

    def __init__(self, space: Space, version: int, batch: frozenset[int] | set[int]) -> None:
        self._space = space
        self._version = version
        self._batch = batch
        self.ended: dict[int, MemoryRow] = {}

    def settle(self, row: MemoryRow, filled: Sequence[Filling], said: Iterable[str]) -> None:
        """End what `row`, about to be stored, replaces; it may itself be history. `said` are its source messages.

        `ended` then holds the older memories that changed, already stored.
        """
        for filling in filled:
            for slot in filling.ends:
                for number, first, last in self._space.slot_places(slot):
                    for old in self._standing([number], row):
                        self._compete(old, (first, last), row, filling, slot)
        for clause in clauses(row.text):
            self._contradict(row, clause)
        self._correct(row, said)

    def _standing(self, numbers: Iterable[int], row: MemoryRow) -> list[MemoryRow]:
        """The memories that can be ended: current ones, not told in the same breath as another kind."""
        return [
            old
            for old in self._space.memories(numbers)
            if old.status == "activated" and not (old.number in self._batch and old.kind != row.kind)
        ]

    def _compete(self, old: MemoryRow, place: tuple[int, int], row: MemoryRow, filling: Filling, slot: str) -> None:
        held, told = old.text[slice(*place)], row.text[filling.start : filling.end]
        if _is_ended(old, *place) or _same_value(slot, held, told):
            return
        name = slot.partition("@")[0]
        if not _is_later(old, row) and not _is_past(row, told, name, old.said_at):
            self._end(old, *place, row)
        elif slot == filling.slot:
            until = old.said_at if _is_later(old, row) else 0
            _mark(row, filling.start, filling.end, until, old.number)

    def _end(self, old: MemoryRow, start: int, end: int, row: MemoryRow) -> None:
        _mark(old, start, end, row.said_at, row.number)
        old.updated, old.version = row.updated, self._version
        self._space.put_memory(old)
        self.ended[old.number] = old

    def _contradict(self, row: MemoryRow, clause: Clause) -> None:
        """ "No longer eats fish" ends "eats fish twice a week", and "eats pork now" ends "doesn't eat pork"."""
        over, denied = OVER.search(clause.text) is not None, NEGATION.search(clause.text) is not None
        if not (over or denied or NOW.search(clause.text)):
            return
        told = Claim.of(clause.text, row)
        if told.is_vague:
            return
        for old in self._candidates(told, row, over=over):
            if old.speaker != row.speaker or _is_later(old, row):
                continue
            for part in clauses(old.text):
                if (NEGATION.search(part.text) is not None) is (over or denied) or _is_ended(old, part.start, part.end):
                    continue
                if told.meets(Claim.of(part.text, old), over=over):
                    self._end(old, part.start, part.end, row)

    def _candidates(self, told: Claim, row: MemoryRow, *, over: bool) -> list[MemoryRow]:
        numbers = {number for key in told.places() for number, _, _ in self._space.slot_places(key)}
        found = self._standing(numbers, row)
        if over and told.chinese:
            found += [old for old in self._space.memories_holding(told.terms, _HELD) if old.number not in numbers]
        return found

    def _correct(self, row: MemoryRow, said: Iterable[str]) -> None:
        """ "At 4, not 3" ends the newest memory that says 3; "No, my car is a Saab" ends "My car is a Volvo"."""
        match = _CORRECTION.search(row.text)
        wrong = set(terms(match["wrong"] or match["wrong_zh"])) if match else set()
        cued = any(_CUE.search(message) for message in said)
        if not (wrong or cued):
            return
        for old in sorted(self._space.memories(range(row.number - _RECENT, row.number)), key=lambda r: -r.number):
            if (
                old.status != "activated"
                or (old.kind, old.speaker) != (row.kind, row.speaker)
                or old.conversation != row.conversation
            ):
                continue
            for part in clauses(old.text):
                held = set(terms(part.text))
                if (
                    not _is_ended(old, part.start, part.end)
                    and (
                        (wrong and wrong <= held and (cued or _is_about_it(row)))
                        or (
                            cued
                            and _head(part.text, old)
                            and _head(part.text, old) == _head(without_asides(row.text), row)
                        )
                    )
                    and not _same_value("", part.text, row.text)
                ):
                    if _is_about_it(row):
                        _explain(row, part.text)
                    self._end(old, part.start, part.end, row)
                    return


def _mark(row: MemoryRow, start: int, end: int, until: int, successor: int) -> None:
    """Note that a part of a memory is over; when hardly anything else is in it, so is the whole."""
    row.ended = sorted([*row.ended, [start, end, until, successor]])
    row.successor = successor
    if _is_over(row):
        row.status, row.until = "archived", until or None


def _is_over(row: MemoryRow) -> bool:
    rest = without_asides(row.text)
    for first, last, *_ in row.ended:
        rest = rest[:first] + " " * (last - first) + rest[last:]
    if any(not _is_ended(row, filling.start, filling.end) for filling in fillings(row.text)):
        # "is vegetarian" is one word, and still holds when "lives in Porto" does not.
        return False
    return len(set(terms(rest)) - set(terms(row.speaker or ""))) < 2


def restore(row: MemoryRow, gone: Container[int]) -> None:
    """Take back what the memories `gone` ended of `row`: they were only taken for the newer ones."""
    row.ended = [entry for entry in row.ended if entry[3] not in gone]
    row.successor = row.ended[-1][3] if row.ended else None
    if row.status == "archived" and not _is_over(row):
        row.status, row.until = "activated", None


def _is_later(old: MemoryRow, row: MemoryRow) -> bool:
    """Whether a stored memory is news beside `row`, which is stored late, or was extracted late."""
    return (old.said_at, old.position) > (row.said_at, row.position)


def _is_ended(row: MemoryRow, start: int, end: int) -> bool:
    return any(first < end and start < last for first, last, *_ in row.ended)


def _same_value(slot: str, old: str, new: str) -> bool:
    """Whether one of two statements only says again, or more exactly, what the other says."""
    if (NEGATION.search(old) is None) is not (NEGATION.search(new) is None):
        return False
    if slot.startswith("thing:") and not _same_aspect(old, new):
        return True
    if slot.startswith("taste:"):
        return sign_of(old) == sign_of(new)
    if _EVENT_WORDS.intersection(terms(old)) & _EVENT_WORDS.intersection(terms(new)):
        return True
    loose = en.LOOSE.get(general(slot), frozenset())
    held, told = (_values(_ASIDE.sub(" ", text)) - loose for text in (old, new))
    return bool(held and told) and (held <= told or told <= held)


def _same_aspect(old: str, new: str) -> bool:
    """Whether two statements of a thing can exclude each other: its time and its place cannot."""
    held, told = ({name for name, pattern in _ASPECTS if pattern.search(text)} for text in (old, new))
    return not held or not told or bool(held & told) or "state" in held | told


def _values(text: str) -> set[str]:
    """The terms of a statement, and its numbers and addresses as they are written: 2.1 is not 2.2."""
    return {*terms(text), *(written.rstrip(".,;:!?)") for written in _WRITTEN.findall(text))}


def _is_past(row: MemoryRow, told: str, slot: str, before: int) -> bool:
    """Whether a statement tells of an event long before the other statement was made."""
    if slot not in _EVENTS or not row.happened_on or _LASTING.search(told):
        return False
    _, _, last = row.happened_on.rpartition("/")
    try:
        day = date.fromisoformat(last).toordinal()
    except ValueError:
        return False
    return day < before // _DAY_MS + _EPOCH - _OLD_DAYS


def _head(text: str, row: MemoryRow) -> str:
    """What a clause is about, when that is more than the speaker: "the user's car" of "the user's car is a Saab"."""
    match = _COPULA.search(text)
    head = _CUE.sub("", text[: match.start()]).casefold().strip(" ,") if match else ""
    return head if set(terms(head)) - set(terms(row.speaker or "")) else ""


def _is_about_it(row: MemoryRow) -> bool:
    return _CORRECTED_SUBJECT.match(row.text) is not None


def _explain(row: MemoryRow, about: str) -> None:
    """ "It's at 4, not 3" says nothing by itself: what it corrects is told with it."""
    row.text += f"（更正：{about}）" if is_chinese(row.text) else f" (correcting: {about})"
    row.terms = " ".join(dict.fromkeys([*row.terms.split(), *terms(about)]))
