"""A message that asks for work: which of its sentences belong to the task, and what short remarks tell of oneself."""

from __future__ import annotations

import re
from collections.abc import Sequence

from memos_integrations.engine.acts import Act
from memos_integrations.engine.rewrite import speaks_of_self

_FICTION = re.compile(
    r"\b(?:chapters?|scenes?|stor(?:y|ies)|plot|characters?|protagonist|novel|script|dialogues?|episode|fanfic\w*"
    r"|monologue|lyrics|anime|sequel|role-?play|poem|fairy tale)\b",
    re.IGNORECASE,
)
# Things that people hand over to be worked on.
_HANDED = re.compile(
    r"^(?:(?:an?|each|every|all|some|given|no|let|\d+ ?%|\d+ percent) |(?:the|this|that|these|those|it|its"
    r"|there|here)\b.{0,40}?\b(?:functions?"
    r"|code|scripts?|programs?|tables?|lists?|arrays?|quer(?:y|ies)|files?|csv|class(?:es)?|methods?|output|inputs?"
    r"|errors?|bugs?|numbers?|sentences?|paragraphs?|essays?|texts?|articles?|questions?|answers?|values?|strings?"
    r"|columns?|rows?|data|keywords?|images?|pictures?|titles?|prompts?|letters?|emails?|variables?|objects?"
    r"|examples?|words?|formula|equation|schema|database|api|button|page|website|app|logs?|lines?|model|algorithm"
    r"|entries|statistics?|company|student|teacher|game|player|following|result|problem|task|topic|format)\b"
    r"|(?:the|this|it|its|they|these|he|she)\b.{0,60}\b(?:should|must|needs? to|has to|have to|shall|will be)\b)",
    re.IGNORECASE,
)
_IDENTIFIER = re.compile(
    r"\w\([\w, ]*\)|\b[a-z]+_[a-z_]+\b|\b[a-z]+[A-Z]\w+\b|`|\b\w+\.(?:py|js|ts|java|cpp|csv|html|json|sql)\b"
)
# What does not run, or is to be worked on: "I get a syntax error", "I have an array of integers".
_BROKEN = re.compile(
    r"\b(?:I(?:'m| am)? (?:get|got|getting|have|see)|there's) (?:an? |the |this |some )*(?:\w+ )?(?:error"
    r"|exception|warning"
    r"|array|string|dataframe|function|script|bug|stack ?trace|class|csv|loop|variable|method|syntax)\b",
    re.IGNORECASE,
)
_DIRECTS = re.compile(
    r"\b(?:want|need|like|would like|expect) (?:the|this|that|it|them|these|each|every|all|your|only"
    r"|\w+ \w+s) .{0,40}?"
    r"\b(?:to (?:be|have|look|work|sound|include|contain|show|use|start|end|only|not|also|display|return)|in"
    r"|as|with)\b"
    r"|\b(?:want|need) (?:it|this|that|them)\b"
    r"|\byou (?:will|should|must|can|may|need to|have to|are to|shall|would|could)\b|\band you \w+"
    r"|\bI(?:'ll| will|'m going to| am going to| would like to| want to) (?:now )?(?:give|provide|send|tell"
    r"|ask|type|write"
    r"|paste|show|share|play|describe|present|feed|be the|say|start)\b",
    re.IGNORECASE,
)
_OF_ONESELF = re.compile(
    r"^(?:my |our )?(?:wife|husband|partner|girlfriend|boyfriend|fianc[eé]e?|mom|mum|dad|mother|father|son"
    r"|daughter|kids"
    r"|brother|sister|boss|landlord|roommate|flatmate|grandma|grandpa|baby|dog|cat)\b(?!s?,? (?:and|or) )"
    r"|^(?:no|not|only|never|zero|nothing|mostly|usually|mornings|evenings|nights|weekends) .{2,}"
    r"|\b(?:for|to|with|of|on|makes?|gives?|drives?|leaves?|bothers?|stresses?) me\b"
    r"|^(?:one|two|three|four|five|six|\d{1,2}) (?:kids?|children|dogs?|cats?|sons?|daughters?|sisters?"
    r"|brothers?|siblings"
    r"|jobs?|years?|months?)\b|\b(?:these days|since \w+|any day|no exceptions|every (?:day|morning|evening"
    r"|week|night))\b"
    r"|^(?:back|still|almost|finally|already|also|sick|tired|broke|home|house|retired|single|married) \w+",
    re.IGNORECASE,
)
_FIELDS = re.compile(
    r"^(?:name|age|city|country|job|occupation|profession|location|diet|allerg\w+|birthday|e-?mail"
    r"|phone)\s*[:：]\s*\S",
    re.IGNORECASE,
)
_KEPT_FOR = re.compile(
    r"^(?:fyi|for future reference|note to self|for the record|just so you know"
    r"|heads up)\b",
    re.IGNORECASE,
)
_MOST_WORDS = 25


class Work:
    """What a message, given as sentences with their acts, asks to be done; nothing when it only tells."""

    def __init__(self, found: Sequence[str], kinds: Sequence[Act]) -> None:
        self.asked = any(k in {Act.REQUEST, Act.QUESTION} for k in kinds)
        self._ordered = Act.REQUEST in kinds
        working = self._ordered or any(s.lower().startswith("continue") for s in found)
        self._fiction = working and any(_FICTION.search(s) for s in found)

    def holds(self, sentence: str, kind: Act) -> bool:
        """Whether a statement is part of the task: material, or how its result should be."""
        if kind not in {Act.STATEMENT, Act.FRAGMENT}:
            return False
        own = speaks_of_self(sentence)
        if self.asked and not own and _HANDED.match(sentence):
            return True
        if (self._fiction and not own) or _BROKEN.search(sentence):
            return True
        return self._ordered and bool(_DIRECTS.search(sentence) or _IDENTIFIER.search(sentence))


def is_personal(sentence: str) -> bool:
    """Whether a short remark without "I" tells of its speaker: "Two kids, one dog.", "No gyms, the mirrors …"."""
    if len(sentence.split()) > _MOST_WORDS:
        return False
    return any(p.search(sentence) for p in (_OF_ONESELF, _FIELDS, _KEPT_FOR))
