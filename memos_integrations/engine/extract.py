"""Memories from messages without an LLM: facts, preferences and requests to forget; pure, deterministic, no I/O.

What counts is what users say: an assistant's words become memory only where the user takes them up (an option chosen, a
proposal accepted, a question answered). English and Chinese are understood; other languages are kept as quoted facts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from memos_integrations._text import clip_text
from memos_integrations.engine.choices import Reply, asks_taste, attribute, is_small_offer, is_taking
from memos_integrations.engine.endorsements import lasts
from memos_integrations.engine.facts import FACT_TOKENS, dated, fact, facts
from memos_integrations.engine.headings import heading, tags
from memos_integrations.engine.preferences import Stated, continues, stated
from memos_integrations.engine.records import Candidate, Extraction
from memos_integrations.engine.repeats import Repeated, repeated
from memos_integrations.engine.retelling import retell
from memos_integrations.engine.rewrite import Speaker
from memos_integrations.engine.sentences import is_chinese, sentences
from memos_integrations.engine.telling import Told, read
from memos_integrations.engine.text import terms
from memos_integrations.engine.updates import slots, style_slot, taste_slot
from memos_integrations.models import Message

ALL_TYPES = frozenset({"memory", "preference"})
_TALKING = frozenset({"user", "assistant"})
_QUOTE_TOKENS = 60


class Extractor(Protocol):
    """What turns messages into memories: this module's `extract`, or an `LLMExtractor`."""

    def extract(
        self, messages: Sequence[Message], *, context: Sequence[Message], now: datetime, types: frozenset[str]
    ) -> Extraction:
        """Memories of `messages`; `context` came before them in the same conversation, `now` is the ingestion time."""
        ...


@dataclass
class _Found:
    memories: list[Candidate] = field(default_factory=list)
    preferences: list[Candidate] = field(default_factory=list)
    forgets: list[str] = field(default_factory=list)


def extract(
    messages: Sequence[Message],
    *,
    context: Sequence[Message] = (),
    now: datetime,
    types: frozenset[str] = ALL_TYPES,
) -> Extraction:
    """Facts, preferences and requests to forget that the users and named speakers of `messages` told.

    Relative dates are resolved against each message's `chat_time`, else `now`. Nothing in `context` is extracted; it
    only explains replies. `types` is what the caller wants of "memory" and "preference".
    """
    found = _Found()
    talk = [m for m in (*context, *messages) if m.role in _TALKING]
    among_people = not any(m.role == "assistant" for m in talk)
    before = [m for m in context if m.role in _TALKING]
    places = [i - len(context) for i, m in enumerate(context) if m.role in _TALKING]
    for index, message in enumerate(messages):
        if message.role == "user":
            told = read(message, before, now, among_people=among_people and bool(message.role_name))
            sources = (places[-1], index) if told.reply else (index,)
            _replied(told, sources, found)
            _stated(told, (index,), found)
            found.forgets += told.forgets
            if told.statements:
                again = repeated([*before, message], [*places, index], told.speaker)
                found.preferences += [_habit(item, told) for item in again]
        if message.role in _TALKING:
            before.append(message)
            places.append(index)
    return Extraction(
        memories=tuple(_once(found.memories)) if "memory" in types else (),
        preferences=tuple(_once(found.preferences)) if "preference" in types else (),
        forgets=tuple(dict.fromkeys(found.forgets)),
    )


def _once(candidates: list[Candidate]) -> list[Candidate]:
    return list({c.text: c for c in reversed(candidates)}.values())[::-1]


def _stated(told: Told, sources: tuple[int, ...], found: _Found) -> None:
    """Facts and explicit preferences of what the message states by itself."""
    found.memories += facts(told, sources)
    open_item: Stated | None = None
    for sentence in told.statements:
        items = stated(sentence)
        for item in items:
            if open_item and continues(open_item, item) and found.preferences:
                open_item = Stated(f"{open_item.text} {item.text}", open_item.sign)
                found.preferences[-1] = _explicit(open_item.text, told, sources)
            else:
                open_item = item
                found.preferences.append(_explicit(item.text, told, sources))
        open_item = items[-1] if items and len(items) == 1 else None
    for sentence in told.styles:
        found.preferences.append(_style(sentence, told, sources))


def _explicit(text: str, told: Told, sources: tuple[int, ...]) -> Candidate:
    return _preference(_retold(text, told.speaker), told, sources, reasoning=_evidence(text, told.speaker))


def _retold(text: str, speaker: Speaker) -> str:
    parts: list[str] = []
    for sentence in sentences(text):
        again = bool(parts) and parts[-1].startswith((f"{speaker.subject} ", "They "))
        retold = retell(sentence, speaker, again=again)
        if not retold:
            return speaker.quote(text)
        parts.append(retold)
    return " ".join(parts)


def _style(sentence: str, told: Told, sources: tuple[int, ...]) -> Candidate:
    speaker = told.speaker
    sentence = sentence[:1].upper() + sentence[1:]
    shown = (
        f"{speaker.subject_zh}要求：{sentence}"
        if is_chinese(sentence)
        else (f"{speaker.subject} asked the assistant: {sentence}")
    )
    item = _preference(shown, told, sources, reasoning=_evidence(sentence, speaker))
    return replace(item, slot=style_slot(sentence))


def _evidence(text: str, speaker: Speaker) -> str:
    quote = clip_text(text, _QUOTE_TOKENS)
    if is_chinese(text):
        return f"{speaker.subject_zh}明确说过：“{quote}”"
    return f'{speaker.subject} stated it: "{quote}"'


def _preference(
    text: str, told: Told, sources: tuple[int, ...], *, reasoning: str, kind: str = "explicit_preference"
) -> Candidate:
    filled = slots(text) or [s for s in (taste_slot(text),) if s]
    return Candidate(
        kind="preference",
        text=text,
        type=kind,
        key=heading(text, []),
        reasoning=reasoning,
        tags=tags(text),
        sources=sources,
        said_on=told.said,
        slot=filled[0] if len(filled) == 1 and kind == "explicit_preference" else None,
        speaker=told.speaker.name,
    )


def _replied(told: Told, sources: tuple[int, ...], found: _Found) -> None:
    """What the message means as a reply: a choice, a yes, or an answer; its words are taken out of the statements."""
    reply, speaker = told.reply, told.speaker
    if reply is None:
        return
    if reply.kind == "choice":
        _chosen(told, sources, found)
        return
    small = reply.kind not in {"agreed", "refused"} and is_small_offer(reply.asked)
    if reply.kind != "answer" or (told.answer and not small):
        told.statements = [s for s in told.statements if s not in told.used]
    if small:
        return
    if reply.kind in {"agreed", "refused"}:
        _endorsed(reply, told, sources, found)
    elif reply.kind != "answer":
        yes = reply.kind == "accepted"
        text = (
            f"{speaker.subject_zh}对“{reply.asked}”回答：{'是' if yes else '不'}。"
            if is_chinese(reply.asked)
            else f'Asked "{reply.asked}", {speaker.object} said {"yes" if yes else "no"}.'
        )
        _answered(text, reply.asked, told, sources, found)
    elif told.answer:
        plain_answer = attribute(reply.asked, told.answer, subject=speaker.subject, subject_zh=speaker.subject_zh)
        _answered(plain_answer or _asked(reply, told), reply.asked, told, sources, found)


def _asked(reply: Reply, told: Told) -> str:
    if is_chinese(reply.asked + told.answer):
        return f"被问到“{reply.asked}”，{told.speaker.subject_zh}回答：{told.answer}"
    return f'Asked "{reply.asked}", {told.speaker.object} answered: {told.answer}'


def _endorsed(reply: Reply, told: Told, sources: tuple[int, ...], found: _Found) -> None:
    """A suggestion taken up or turned down: a fact, and a preference when it is meant to last."""
    speaker = told.speaker
    if reply.kind == "refused":
        text = _asked(reply, told)
    elif is_chinese(reply.asked):
        text = f"{speaker.subject_zh}同意了“{reply.asked}”：{told.answer}"
    else:
        text = f'{speaker.subject} agreed to "{reply.asked}": {told.answer}'
    _answered(text, reply.asked, told, sources, found)
    if (reply.kind == "refused" or lasts(text)) and not asks_taste(reply.asked):
        reasoning = _evidence(told.answer, speaker)
        found.preferences.append(_preference(text, told, sources, reasoning=reasoning, kind="implicit_preference"))


def _habit(item: Repeated, told: Told) -> Candidate:
    quotes = "”“" if is_chinese(item.text) else '" "'
    quoted = quotes.join(item.evidence)
    reasoning = f"多次提到：“{quoted}”" if is_chinese(item.text) else f'Told repeatedly: "{quoted}"'
    return _preference(item.text, told, item.places, reasoning=reasoning, kind="implicit_preference")


def _answered(text: str, asked: str, told: Told, sources: tuple[int, ...], found: _Found) -> None:
    text, happened, _ = dated(text, told.said)
    found.memories.append(fact(text, told, sources, slots=slots(text), happened=happened))
    if asks_taste(asked):
        found.preferences.append(
            _preference(text, told, sources, reasoning=_evidence(told.answer or asked, told.speaker))
        )


def _chosen(told: Told, sources: tuple[int, ...], found: _Found) -> None:
    reply, speaker = told.reply, told.speaker
    words = told.choosing or told.statements[:1]
    if reply is None or not words:
        return
    for sentence in words:
        if not is_taking(sentence):
            found.preferences += [_explicit(item.text, told, sources) for item in stated(sentence)]
    told.statements = [s for s in told.statements if s not in words]
    chinese = is_chinese(words[0])
    chosen = clip_text("".join(words) if chinese else " ".join(words), FACT_TOKENS)
    text = _retold(chosen, speaker)
    if speaker.object not in text and speaker.subject_zh not in text and speaker.subject not in text:
        text = f"{speaker.subject_zh}选择了：{chosen}" if chinese else f"{speaker.subject} chose: {chosen}"
    if reply.option and len(set(terms(reply.option)) & set(terms(text))) < len(set(terms(reply.option))) / 2:
        text += f"（所选：{clip_text(reply.option, 30)}）" if chinese else f" (chosen: {clip_text(reply.option, 30)})"
    if told.topic:
        text += f"（问题：{clip_text(told.topic, 24)}）" if chinese else f" (asked: {clip_text(told.topic, 24)})"
    quote = clip_text(" ".join(words), _QUOTE_TOKENS)
    reasoning = (
        (f"在给出的选项中，{speaker.subject_zh}选择了：“{quote}”")
        if chinese
        else f'Offered options, {speaker.object} chose: "{quote}"'
    )
    found.memories.append(fact(text, told, sources))
    found.preferences.append(_preference(text, told, sources, reasoning=reasoning, kind="implicit_preference"))
