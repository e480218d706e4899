"""Behaviour that one speaker tells of again and again, and what it shows: only told three times, or told as a rule."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from memos_integrations._text import clip_text
from memos_integrations.engine.rewrite import Speaker, plain, with_subject
from memos_integrations.engine.sentences import is_chinese, sentences
from memos_integrations.engine.text import terms, words
from memos_integrations.engine.verbs import third_person
from memos_integrations.models import Message

_TELLINGS = 3
_RECENT = 40  # messages
_LONGEST = 1200  # characters of a message that are looked at
# What people do by choice, and could do often; what happens to them ("lost", "fell") is no habit.
_DONE = {
    "swam": "swim", "ran": "run", "rode": "ride", "drew": "draw", "sang": "sing", "wrote": "write", "flew": "fly",
    **{f"{verb}ed": verb for verb in words("play watch cook climb hike paint walk knit visit order garden")},
    **{f"{verb}d": verb for verb in words("bake practise practice dance cycle skate meditate bike")},
    "jogged": "jog", "skied": "ski", "surfed": "surf", "grilled": "grill", "brewed": "brew",
}  # fmt: skip
_WENT = re.compile(r"\b(?:went|gone|back from) (?P<what>[a-z]{2,}ing)\b", re.IGNORECASE)
_DID = re.compile(
    rf"\bI (?:just |also |then |finally )*(?P<verb>{'|'.join(_DONE)})\b"
    r"(?P<rest>(?: (?!with|at|in|on|for|to|last|this|again|yesterday|today|after|before|and|but|until|till|as|because"
    r"|when|while|my|our|her|his|their|the|a|an|some)[\w-]+){0,2})",
    re.IGNORECASE,
)
_HINTS = frozenset({"went", "gone", "back", *_DONE})
_AGAIN = re.compile(r"\b(?:again|once more|another round|yet another)\b|又|再次", re.IGNORECASE)
_AS_EVER = re.compile(
    r"\b(?:as (?:usual|always|ever)|like (?:always|every \w+))\b|照常|照旧|像往常一样|老样子", re.IGNORECASE
)
_NOT_DONE = re.compile(r"\b(?:never|didn't|not|haven't|won't|if|would|should|might)\b|没|不")
_WENT_ZH = re.compile(
    "(?:又|刚|再次|照常|像往常一样|今天|昨天|周末|下班后?)(?:又|刚)?去(?P<what>[\u4e00-\u9fff]{2,3}?)(?:了|回来)"
)


@dataclass(frozen=True, slots=True)
class Repeated:
    """What one speaker does repeatedly: told in the third person, with the words that show it and where they stand."""

    text: str
    evidence: tuple[str, ...]
    places: tuple[int, ...]


def repeated(messages: Sequence[Message], places: Sequence[int], speaker: Speaker) -> list[Repeated]:
    """What the last of `messages`, which stand at `places`, tells once more of its speaker, the only one heard."""
    latest = messages[-1]
    if not _may_tell(latest.text[:_LONGEST]):
        return []
    recent = zip(messages[-_RECENT:], places[-_RECENT:], strict=True)
    own = [(m, p) for m, p in recent if m.role == "user" and m.role_name == latest.role_name]
    found = []
    for key, text, told in _activities(latest.text[:_LONGEST], speaker):
        earlier = [(m, p) for m, p in own[:-1] if any(a[0] == key for a in _activities(m.text[:_LONGEST], speaker))]
        tellings = len(earlier) + 1
        enough = tellings >= _TELLINGS or (tellings > 1 and _AGAIN.search(told)) or _AS_EVER.search(told)
        if enough:
            shown = tuple(clip_text(m.text, 30) for m, _ in earlier[-2:])
            found.append(Repeated(text, (*shown, told), (*(p for _, p in earlier[-2:]), places[-1])))
    return found


def _may_tell(text: str) -> bool:
    return "去" in text or not _HINTS.isdisjoint(text.lower().split())


def _activities(text: str, speaker: Speaker) -> Iterator[tuple[str, str, str]]:
    """The key, the habit it would be, and the sentence of each thing done by choice that a message tells of."""
    seen: set[str] = set()
    if not _may_tell(text):
        return
    for sentence in sentences(text):
        if sentence.endswith(("?", "？")) or _NOT_DONE.search(sentence):
            continue
        for key, habit in _zh(sentence, speaker) if is_chinese(sentence) else _en(sentence, speaker):
            if key not in seen:
                seen.add(key)
                yield key, habit, sentence


def _en(sentence: str, speaker: Speaker) -> Iterator[tuple[str, str]]:
    stated = with_subject(plain(sentence))
    went = _WENT.search(stated)
    if went and (re.search(r"\b(?:I|[Ww]e)\b", stated) or went.group().lower().startswith("back")):
        yield terms(went["what"])[0], f"{speaker.subject} often goes {went['what'].lower()}."
    did = _DID.search(stated)
    if did:
        base = _DONE[did["verb"].lower()]
        rest = did["rest"].rstrip()
        yield " ".join(terms(f"{base}{rest}")), f"{speaker.subject} often {third_person(base)}{rest}."


def _zh(sentence: str, speaker: Speaker) -> Iterator[tuple[str, str]]:
    went = _WENT_ZH.search(sentence)
    if went:
        yield went["what"], f"{speaker.subject_zh}经常{went['what']}。"
