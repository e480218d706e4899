"""Proposals of the assistant that a user takes up or turns down, whose words the user's own reply leaves out."""

from __future__ import annotations

import re

from memos_integrations._text import clip_text
from memos_integrations.engine.sentences import is_chinese, sentences
from memos_integrations.engine.text import terms

_MOST_WORDS = 60
_SUGGESTS = re.compile(
    r"\b(?:how about|what about|you (?:could|can|might|should)|why (?:don't|not)|maybe|perhaps|try|consider"
    r"|I(?:'d| would)? (?:suggest|recommend)|let's|we could|we can|shall (?:we|I)|should (?:we|I)|want me to)\b"
    r"|建议|不如|要不|可以|试试",
    re.IGNORECASE,
)
_TAKES_UP = re.compile(
    r"^(?:(?:yes|yeah|yep|sure|ok|okay|great|good|perfect|nice|lovely|brilliant|excellent|deal|agreed|done|right"
    r"|sounds (?:good|great|perfect)|(?:that's )?(?:a )?(?:great|good|nice|lovely|excellent|brilliant) (?:idea|plan"
    r"|suggestion))[,.!]* ?)*(?:(?:I'll|I will|let's|we'll|we will|let us) (?:do|try|start|go with|adopt|keep"
    r"|stick to)"
    r" (?:that|it|this|so)\b|(?:from now on|always) .*\b(?:that|it|this)\b)"
    r"|^(?:好主意|好的?|行|可以|没问题|不错)?[，,！!。]?我?(?:以后|今后|会|就|从今天起|从明天起)*(?:就)?(?:这么|这样|照)(?:做|办|来|着做)",
    re.IGNORECASE,
)
_LASTS = re.compile(
    r"\b(?:from now on|always|every|each|all|daily|weekly|in (?:the )?future)\b|以后|今后|每|一直|都", re.IGNORECASE
)
_TURNS_DOWN = re.compile(
    r"^(?:(?:no|nah|nope|hmm|thanks|sorry)[,.!]* ?)*(?:I'd (?:really )?rather not|I would rather not"
    r"|no,? thanks|no thank you|not for me"
    r"|I'll pass|I'd prefer not to|no way|absolutely not|definitely not)\b",
    re.IGNORECASE,
)
_NOT_THAT = re.compile(r"^(?:definitely |please |just |but )?not (?P<what>(?:the|a|an|another) .+)$", re.IGNORECASE)
_ANY_BUT = re.compile(r"^(?:anything|everything|any of them|all) (?:but|except) .+$", re.IGNORECASE)
_NOT_THAT_ZH = re.compile("^(?:不要|别|不选|不想要?)")


def proposal(before: str) -> str:
    """The suggestion that a short message of the assistant makes; "" when it makes none, or several."""
    if len(before) > 600 or "\n-" in before or len(before.split()) > _MOST_WORDS:
        return ""
    found = [s for s in sentences(before) if _SUGGESTS.search(s)]
    return clip_text(found[0], 40) if len(found) == 1 else ""


def takes_up(sentence: str) -> bool:
    """Whether a reply takes a suggestion up without naming it: "Great idea, I'll do that from now on."."""
    return bool(_TAKES_UP.match(sentence))


def lasts(text: str) -> bool:
    """Whether what was agreed holds for more than once."""
    return bool(_LASTS.search(text))


def turns_down(sentence: str) -> bool:
    """Whether a reply turns a suggestion down without naming it: "I'd rather not."."""
    return bool(_TURNS_DOWN.match(sentence))


def refused(sentence: str, before: str) -> str:
    """ "Not the van, I get carsick." as a full statement when `before` named the van; "" for anything else."""
    if is_chinese(sentence):
        match = _NOT_THAT_ZH.match(sentence)
        return f"我{sentence}" if match and set(terms(sentence)) & set(terms(before[:4000])) else ""
    match = _NOT_THAT.match(sentence)
    known = set(terms(before[:4000]))
    if match and known & set(terms(match["what"].split(",")[0])):
        return f"I don't want {match['what']}"
    if _ANY_BUT.match(sentence) and known & set(terms(sentence)):
        return f"I want {sentence[:1].lower()}{sentence[1:]}"
    return ""
