"""One user message, read: who tells it, when, what it states, how answers should be, and what shall be forgotten."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from memos_integrations._text import estimate_tokens
from memos_integrations.engine.acts import Act, act
from memos_integrations.engine.choices import Reply, is_taking, reply
from memos_integrations.engine.dates import moment
from memos_integrations.engine.endorsements import refused
from memos_integrations.engine.foreign import foreign_act, is_foreign
from memos_integrations.engine.junk import is_acted, material_start, speech
from memos_integrations.engine.remarks import without_remarks
from memos_integrations.engine.rewrite import Speaker, is_carried, plain, says_i, speaks_of_self, with_subject
from memos_integrations.engine.sentences import is_chinese, sentences
from memos_integrations.engine.text import terms
from memos_integrations.engine.wishes import wish
from memos_integrations.engine.work import Work, is_personal
from memos_integrations.models import Message

_LONG = 300  # tokens; what is longer and hardly in the first person was pasted, not told
_CHOICE = 70  # tokens
_SHORT = 8  # words


@dataclass
class Told:
    """What one message tells; `said` is its time, `timed` whether the message itself gave it.

    Nothing of an `unsaved` message shall be kept.
    """

    speaker: Speaker
    said: datetime
    timed: bool
    statements: list[str] = field(default_factory=list)
    styles: list[str] = field(default_factory=list)
    forgets: list[str] = field(default_factory=list)
    unsaved: bool = False
    reply: Reply | None = None
    choosing: list[str] = field(default_factory=list)
    answer: str = ""
    used: frozenset[str] = frozenset()
    topic: str = ""


def read(message: Message, before: Sequence[Message], now: datetime, *, among_people: bool) -> Told:
    """Read a user's message; `before` are the messages of the conversation up to it, `among_people` means that no
    assistant takes part, so that questions are asked of people and carry content.
    """
    said = moment(message.chat_time, now) if message.chat_time else now
    told = Told(Speaker(message.role_name or None), said, timed=bool(message.chat_time))
    text = speech(message.text)
    if among_people:
        told.statements = [
            plain(s) for s in sentences(text) if act(s) not in {Act.SMALLTALK, Act.INJECTION, Act.FORGET}
        ]
        # "Forget Peter" is said to a friend, "forget my number" perhaps not.
        friends = any(m.role_name not in {None, message.role_name} for m in before)
        told.forgets = [s for s in sentences(text) if act(s) is Act.FORGET and (says_i(s) or not friends)]
        _forget(told, before, more=bool(told.statements))
        return told
    if is_acted(text):
        return told
    start = material_start(text)
    text = text if start is None else _whole(text[:start])
    spoken = sentences(text)
    _sort([s for s in without_remarks(spoken) if says_i(s) or not _OF_ASSISTANT.match(s)], told)
    _forget(told, before, more=len(spoken) > len(told.forgets))
    if not told.unsaved:
        _relate(told, text, before)
    return told


_OF_ASSISTANT = re.compile(
    r"(?:so |but |and |well |no |ok |then )*,? ?you(?:'re| are| said| were| have| did| keep| just| forgot"
    r"| missed| made| gave"
    r"| got| still| always| never)\b",
    re.IGNORECASE,
)


def _whole(text: str) -> str:
    """`text` up to its last finished sentence: what follows it belongs to the task."""
    last = max(text.rfind(mark) for mark in ".!?。！？\n")
    return text[: last + 1]


def _sort(found: list[str], told: Told) -> None:
    """Put each sentence where it belongs: what a message states, wants of the answers, or wants forgotten."""
    size = sum(map(estimate_tokens, found))
    alone = sum(map(says_i, found))
    pasted = (size > _LONG and 4 * alone < len(found)) or (size > _LONG // 3 and not alone)
    kinds = [act(_opened(s)) for s in found]
    work = Work(found, kinds)
    requested, header = pasted, ""
    for sentence, kind in zip(found, kinds, strict=True):
        if _BULLET.match(sentence):
            if header or says_i(sentence):
                told.statements += [plain(s) for s in (header, sentence) if s and s != _USED]
                header = header and _USED
            continue
        header = sentence if sentence.endswith((":", "：")) and speaks_of_self(sentence) else ""
        if not header and not work.holds(sentence, kind):
            placed = _place(sentence, kind, told, task=requested, strict=pasted, loose=not work.asked)
            requested = requested or placed is Act.REQUEST


_USED = "-"


def _place(sentence: str, kind: Act, told: Told, *, task: bool, strict: bool, loose: bool) -> Act:
    foreign = is_foreign(sentence)
    if is_carried(sentence):
        sentence = plain(sentence)
        kind = act(_opened(sentence))
    if foreign:
        kind = foreign_act(sentence)
    if is_chinese(sentence) and kind in {Act.STATEMENT, Act.STYLE, Act.QUESTION, Act.REQUEST}:
        kind, sentence = _clauses_zh(sentence, kind, told)
    if kind is Act.FORGET:
        told.forgets.append(sentence)
    elif kind is Act.STYLE:
        told.styles.append(plain(sentence))
    elif kind is Act.QUESTION:
        told.statements += [lead for lead in (_lead(sentence),) if lead]
    elif kind in {Act.STATEMENT, Act.FRAGMENT}:
        stated = with_subject(plain(_opened(sentence)))
        own = says_i(stated) if strict else speaks_of_self(stated)
        if not own and not task:
            own = foreign or (kind is Act.STATEMENT and _specific(sentence)) or (loose and is_personal(sentence))
        if own and "__" not in sentence and (kind is Act.STATEMENT or loose or stated != plain(sentence)):
            stated = _without_style(stated, told)
            told.statements.append(stated)
    return kind


_SO_PLEASE = re.compile(r",? (?:so|and) (?:please|pls|plz) (?=\w)", re.IGNORECASE)


def _without_style(statement: str, told: Told) -> str:
    """A statement without the wish for answers behind it: "I'm a nurse, so please don't …"."""
    match = _SO_PLEASE.search(statement)
    if match and act(statement[match.end() :]) is Act.STYLE:
        wish = statement[match.end() :]
        told.styles.append(wish[:1].upper() + wish[1:])
        return plain(statement[: match.start()]) + "."
    return statement


def _opened(sentence: str) -> str:
    return _LABEL.sub("", sentence, count=1)


_LABEL = re.compile(
    (
        r"^(?:update|news|correction|fyi|edit|p\.?s\.?|small update"
        r"|quick update)\s*[:：,]\s*"
    ),
    re.IGNORECASE,
)
_BULLET = re.compile(r"[-*•–]\s+\S")
_QUESTION_PART = re.compile(
    (
        r"(?:,|;| [-–—])\s+(?:and |but |so |then )?(?=(?:what|how|where|which|who|when|why|can|could|do"
        r"|does|did|is|are|any|would|should|will|got) )"
    ),
    re.IGNORECASE,
)
_BECAUSE = re.compile(
    (
        r"^(?:since|as|because|given(?: that)?|now that|considering(?: that)?) (?=(?:I|my|we)\b"
        r"|I')"
    ),
    re.IGNORECASE,
)
_TAG = re.compile(r",? (?:right|you know|isn't it|huh|ok|okay|don't I|haven't I|eh)\?$", re.IGNORECASE)


def _lead(question: str) -> str:
    """The statement that leads a question: "I'm vegan, what can I eat?"; "" without one."""
    tag = _TAG.sub(".", question)
    if tag != question and speaks_of_self(tag) and act(tag) is Act.STATEMENT:
        return plain(tag)
    for match in _QUESTION_PART.finditer(question):
        head = _BECAUSE.sub("", plain(question[: match.start()]), count=1)
        head = head[:1].upper() + head[1:]
        if re.match(r"(?:I|my|we|our)\b", head, re.IGNORECASE) and act(head) is Act.STATEMENT and len(head.split()) > 2:
            return f"{head}."
        return ""
    return ""


def _clauses_zh(sentence: str, kind: Act, told: Told) -> tuple[Act, str]:
    """Chinese strings statements, wishes for the answers, and questions together with commas: take them apart."""
    parts = [p for p in re.split("[，,；;]", sentence.rstrip("。！？!?")) if p.strip()]
    if len(parts) < 2:
        return kind, sentence
    kinds = [
        act(part + ("？" if i == len(parts) - 1 and sentence[-1] in "？?" else "")) for i, part in enumerate(parts)
    ]
    styles = [p for p, k in zip(parts, kinds, strict=True) if k is Act.STYLE]
    if kind is Act.STYLE and not any(
        k is Act.STATEMENT and speaks_of_self(p) for p, k in zip(parts, kinds, strict=True)
    ):
        return kind, sentence
    told.styles += [plain(p) + "。" for p in styles]
    rest = [p for p, k in zip(parts, kinds, strict=True) if k is Act.STATEMENT]
    if kind in {Act.QUESTION, Act.REQUEST} or Act.REQUEST in kinds or Act.QUESTION in kinds:
        cut = next((i for i, k in enumerate(kinds) if k in {Act.QUESTION, Act.REQUEST}), len(parts))
        rest = [p for p, k in zip(parts[:cut], kinds[:cut], strict=True) if k is Act.STATEMENT and not _IF_ZH.match(p)]
        if not any(speaks_of_self(p) for p in rest):
            return kind, sentence
    elif not styles:
        return Act.STATEMENT, sentence
    return (Act.STATEMENT, "，".join(rest) + "。") if rest else (Act.STYLE if not styles else Act.FRAGMENT, sentence)


_IF_ZH = re.compile("如果|假如|要是|假设|万一")
_PROPER = re.compile(
    r"(?<=[a-z,] )[A-Z][\w&'-]*|\b[A-Z][a-z]+(?: [A-Z][a-z]+)+|^[A-Z][a-z]+(?='s | (?:is|was|has|will"
    r"|works|lives|likes|loves|moved|wants|said|told|got|owns|prefers)\b)"
)
_DEFINITE = re.compile(
    (
        r"^(?:the|our|his|her|their|he|she|they|it|this|that|these|those|there|user|it's|he's|she's"
        r"|they're)\b"
    ),
    re.IGNORECASE,
)


def _specific(sentence: str) -> bool:
    """Whether a statement without "I" is about particular things, not a general truth or a piece of text."""
    if is_chinese(sentence):
        return len(sentence) <= 80
    if len(sentence.split()) > 30:
        return False
    return bool(_PROPER.search(sentence) or _DEFINITE.match(sentence) or re.search(r"\d", sentence))


def _forget(told: Told, before: Sequence[Message], *, more: bool) -> None:
    """Replace "forget that" by what it points to, which is then not told either; leave out what is about an answer.

    `more` than the wishes stands in the message: then "don't save this" means the message.
    """
    phrases, told.forgets = told.forgets, []
    for phrase in phrases:
        found = wish(phrase)
        if found is None or not found.points:
            if not (found and found.weak and _is_answered(found.named, before)):
                told.forgets.append(phrase)
            continue
        unsaved = found.unsaved and (found.beside or more)
        told.unsaved |= unsaved
        if found.beside or (unsaved and not told.statements):
            told.forgets.append(phrase)
        else:
            told.forgets += told.statements or _said(before, only=found.weak)
        told.statements, told.styles = [], []


_ANSWER = 40  # tokens; shorter ones acknowledge


def _is_answered(named: str, before: Sequence[Message]) -> bool:
    """Whether the assistant's last message is a text in which the words stand: then they shall go from that text."""
    last = before[-1] if before else None
    if last is None or last.role != "assistant" or estimate_tokens(last.text) < _ANSWER:
        return False
    return set(terms(named)) <= set(terms(last.text))


def _said(before: Sequence[Message], *, only: bool) -> list[str]:
    """What the user's last message stated; nothing when it is wanted that it `only` stated and it did not."""
    found = [s for m in [m for m in before[-4:] if m.role == "user"][-1:] for s in sentences(speech(m.text))]
    kinds = [act(s) for s in found]
    if only and {Act.QUESTION, Act.REQUEST} & set(kinds):
        return []
    return [plain(s) for s, kind in zip(found, kinds, strict=True) if kind in {Act.STATEMENT, Act.STYLE}]


def _relate(told: Told, text: str, before: Sequence[Message]) -> None:
    """See the message as a reply to the assistant's message before it."""
    previous = before[-1] if before else None
    if previous is None or previous.role != "assistant":
        return
    told.statements = [refused(s, previous.text) or s for s in told.statements]
    spoken = sentences(text)
    found = reply(" ".join(spoken), previous.text)
    if found is None:
        return
    told.reply = found
    whole = found.kind == "refused" or len(text.split()) <= _SHORT
    answers = spoken if whole and sum(map(estimate_tokens, spoken)) <= _CHOICE else spoken[:1]
    told.answer = " ".join(answers)
    told.used = frozenset(with_subject(plain(_opened(s))) for s in answers) | frozenset(map(plain, answers))
    if found.kind == "choice":
        spoken = [plain(s) for s in sentences(text) if not s.endswith(("?", "？"))]
        # Reasons stand beside the choice; of a long message only the sentences that choose belong to it.
        short = sum(map(estimate_tokens, spoken)) <= _CHOICE and not any(
            s.endswith(("?", "？")) for s in sentences(text)
        )
        told.choosing = spoken if short else [s for s in spoken if is_taking(s)] or spoken[:1]
        asked = [m.text for m in before[:-1] if m.role == "user"][-1:]
        questions = [s for t in asked for s in sentences(speech(t)) if s.endswith(("?", "？"))]
        told.topic = (questions or [found.asked])[-1]
