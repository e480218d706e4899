"""Statements in the first person, told again in the third: only where the grammar is safe, else as quoted speech."""

from __future__ import annotations

import re
from dataclasses import dataclass

from memos_integrations.engine.sentences import is_chinese, is_foreign
from memos_integrations.engine.text import words
from memos_integrations.engine.verbs import ADVERB, BASE, COORDINATED, PAST, is_participle, is_past, third_person

_WORD = re.compile("[^\\W_]+(?:['\u2019-][^\\W_]+)*")
_FIRST = re.compile(
    "\\b(?:(?P<i>[Ii])(?:['\u2019](?P<short>m|ve|d|ll|M|VE|D|LL))?|(?P<other>[Mm]y|[Mm]e|[Mm]ine"
    "|[Mm]yself))(?![\\w'\u2019-]|\\.\\w)"
)
_PLURAL_OR_ADDRESS = re.compile(
    (
        "\\b(?:we|us|our|ours|ourselves|let's|lets|you|your|yours|yourself|u|ur|y'all)(?=\\W|$)|\\b(?:I"
        "|i)['\u2019](?:re|s)\\b|\\bain['\u2019]t\\b"
    ),
    re.IGNORECASE,
)
_INVERTED = words(
    "do did does am was were have has had can could should would will shall may might must nor so neither than as"
)
_PARTNER = words("my our his her he she they a the both")
_WOULD = words("like love prefer rather be hate say want enjoy appreciate need go do have")
_PAST_CUE = re.compile(r"\b(?:yesterday|last|ago|earlier|was|were|did|had|went|in (?:19|20)\d\d)\b", re.IGNORECASE)
_SAME_IN_PAST = words("read put cut hit set quit hurt shut let beat bet cost fit spread split")
_FINITE_AFTER_TO = words("hate prefer dislike detest loathe avoid am don't")
_OPENER = re.compile(
    r"^(?:(?:hi there|hello there|hey there|good (?:morning|afternoon|evening)|hi|hello|hey|oh|ah|well"
    r"|yeah|yes|yep|no|nope|ok|okay|so|btw|by the way|actually|haha|lol|wow|um|uh|hmm|anyway|fyi"
    r"|thanks|thank you|sure|cool|great|speaking of which|for the record|just so you know"
    r"|just to let you know|as i said|as i mentioned|to be honest|tbh|now|then|lastly"
    r"|on a related note|on another note|on a different note|also)(?:[,.!:]+| [-–—])\s*"
    r"|(?:and|but|also|btw|by the way|anyway|oh|yeah|yes|hey|hi)\s+(?=(?:I|I'\w+|my|we|our|the|he|she"
    r"|they|it|it's)\b)|[-–—*•·>]+\s+|\d{1,2}[.)]\s+)+(?=\S)",
    re.IGNORECASE,
)
_CARRIER = re.compile(
    r"^(?:please |also |and |now )*(?:(?:remember|note|know|keep in mind|bear in mind|don't forget"
    r"|do not forget|be aware|make a note|take note)(?:,| that|:)+\s+)(?=\S)"
    r"|^(?:please |also |and |now )*(?:remember|keep in mind|bear in mind|note|don't forget) (?=(?:i|my"
    r"|we|our|i'm|i've)\b)",
    re.IGNORECASE,
)
_THINK = re.compile(r"^I (?:think|guess|believe|suppose),? (?:that )?(?=I\b|I'|my\b)")
_CARRIER_ZH = re.compile(
    "^(?:请|你)?(?:帮我)?(?:记住|记一下|记着|记得|注意|别忘了|顺便说一下|对了|另外|其实|哦|嗯|好的|是的|嗨"
    "|你好)[，,：:。！!\\s]*(?=\\S)"
)
_STATE = words(
    """
    allergic intolerant vegetarian vegan pescatarian diabetic married single divorced engaged widowed retired
    pregnant unemployed born based lactose gluten-free left-handed right-handed colorblind dyslexic gonna
    """
)
_SUBJECTLESS_ZH = re.compile(
    "^(?:(?:也|还|很|最|特别|非常|一直|平时|经常|通常|从来|从不|不|没|没有|刚|刚刚|已经|正在|打算"
    "|准备|计划|今年|去年|明年|昨天|今天|明天|前天|后天|上周|下周|这周|上个?月|下个?月|最近|目前|现在"
    "|周末|小时候|每天|每周|比较|更|只|平常|偶尔|以前|之前|"
    "[，,])|\\d{1,4}[年月日号])*(?:喜欢|爱|热爱|讨厌|住|在|是|有|养|吃|喝|对|从事|毕业|来自|出生"
    "|叫|姓|搬|去|买|学|习惯|希望|想|需要|偏好|偏爱|打|玩|看|听|用|做|跑|练|结婚|离婚|怀孕|过敏|受不了"
    "|害怕|怕|擅长|会|能|换|开始|戒|参加|订|预订|预定|入职|离职|辞职|吃素|素食)"
)
_SELF_ZH = re.compile("(?<![自敌忘])我(?![们国校司院方省市县村等])(的)?")
_OTHERS_ZH = re.compile("我们|咱们?|你|您")


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who speaks: a `role_name`, or the user when `name` is None."""

    name: str | None = None

    @property
    def subject(self) -> str:
        """The subject of an English sentence at its start."""
        return self.name or "The user"

    @property
    def object(self) -> str:
        """The same inside a sentence."""
        return self.name or "the user"

    @property
    def subject_zh(self) -> str:
        """The subject of a Chinese sentence."""
        return self.name or "用户"

    def quote(self, text: str) -> str:
        """Reported speech that keeps the words as they are."""
        return f"{self.subject_zh}说：{text}" if is_chinese(text) else f"{self.subject} said: {text}"


def plain(sentence: str) -> str:
    """`sentence` without interjections, "remember that …" and "I think …" at its start."""
    bare = _THINK.sub("", _CARRIER.sub("", _OPENER.sub("", sentence), count=1), count=1)
    bare = _CARRIER_ZH.sub("", bare, count=1) if is_chinese(bare) else bare
    return bare[:1].upper() + bare[1:] if bare[:1].isascii() and bare != sentence else bare or sentence


def is_carried(sentence: str) -> bool:
    """Whether a sentence asks to keep in mind what it goes on to state ("Don't forget that …")."""
    return bool(_CARRIER.match(_OPENER.sub("", sentence)) or (is_chinese(sentence) and _CARRIER_ZH.match(sentence)))


def retell(sentence: str, speaker: Speaker) -> str | None:
    """`sentence` about its speaker in the third person; None when only quoting is safe."""
    if is_chinese(sentence):
        return _retell_zh(sentence, speaker)
    if is_foreign(sentence):
        return None
    if _PLURAL_OR_ADDRESS.search(sentence):
        return None
    sentence = _with_subject(sentence)
    found = list(_FIRST.finditer(sentence))
    if not found:
        return None if speaker.name else sentence
    if any(_inside_quotes(sentence, m.start()) for m in found):
        return None
    return _Retelling(sentence, speaker).run(found)


def speaks_of_self(sentence: str) -> bool:
    """Whether a sentence names its speaker: I, my, me, we, our; 我, 我们."""
    return bool(_SELF.search(sentence))


def says_i(sentence: str) -> bool:
    """Whether a sentence names its speaker in the singular: I, my, me; 我."""
    return bool(_SINGULAR.search(sentence))


_SINGULAR = re.compile("\\b(?:I|i|[Mm]y|[Mm]e)(?=\\W|$)(?!\\.e)|我(?!们)|本人")
_SELF = re.compile("\\b(?:I|i|[Mm]y|[Mm]e|[Mm]ine|[Mm]yself|[Ww]e|[Uu]s|[Oo]ur)(?=[\\W]|$)|我|咱|俺|本人")


def _inside_quotes(sentence: str, position: int) -> bool:
    head = sentence[:position]
    return head.count('"') % 2 == 1 or head.count("\u201c") > head.count("\u201d")


def _with_subject(sentence: str) -> str:
    """A sentence that leaves its "I" out ("Just moved to Rome.", "Allergic to nuts.") with it; others as they are."""
    head = [w.lower() for w in _WORD.findall(sentence[:60])[:4]]
    start = 1 if len(head) > 1 and head[0] in ADVERB else 0
    first, second = (*head[start:], "", "")[:2]
    lowered = sentence[:1].lower() + sentence[1:]
    if first in _STATE or f"{first} {second}" in _PROGRESSIVE:
        return f"I'm {lowered}"
    if first in _ELIDED or (
        first in PAST | _PAST_STARTS and is_past(first) and first not in _NOT_ELIDED and second not in _NOUN_ENDS
    ):
        return f"I {lowered}"
    return sentence


_NOUN_ENDS = words("is are was were and")
_NOT_ELIDED = words(
    "used supposed based can could will would should may might must shall was were had did cannot left lost means broke"
)
_ELIDED = words("love hate prefer enjoy dislike adore can't hope miss need want wish don't")
_PROGRESSIVE = frozenset(
    {
        "looking forward",
        "thinking about",
        "thinking of",
        "planning to",
        "planning on",
        "hoping to",
        "trying to",
        "working on",
        "getting ready",
        "going to",
        "lactose intolerant",
    }
)
_PAST_STARTS = words(
    """
    moved started finished joined visited tried signed graduated retired switched ordered booked planned decided
    adopted watched played cooked baked learned changed applied accepted launched hired ended stopped
    """
)


class _Retelling:
    def __init__(self, sentence: str, speaker: Speaker) -> None:
        self.sentence, self.speaker = sentence, speaker
        self.words = list(_WORD.finditer(sentence))
        self.edits: dict[tuple[int, int], str] = {}
        self.subject_seen = False

    def run(self, found: list[re.Match[str]]) -> str | None:
        for match in found:
            done = self._subject(match) if match["i"] else self._other(match)
            if not done:
                return None
        pieces, last = [], 0
        for (start, end), text in sorted(self.edits.items()):
            pieces += [self.sentence[last:start], text]
            last = end
        return "".join([*pieces, self.sentence[last:]])

    def _name(self, start: int) -> str:
        return self.speaker.subject if start == 0 else self.speaker.object

    def _other(self, match: re.Match[str]) -> bool:
        word = match["other"].lower()
        own = "their" if self.subject_seen else self._name(match.start()) + "'s"
        if word == "my" and match.start() == 0:
            own = self.speaker.subject + "'s"
        new = {
            "my": own,
            "me": self._name(match.start()),
            "myself": "themselves",
            "mine": own if own != "their" else "theirs",
        }
        self.edits[match.span()] = new[word]
        return True

    def _subject(self, match: re.Match[str]) -> bool:
        before = [w.group().lower() for w in self.words if w.end() <= match.start()]
        after = [w for w in self.words if w.start() >= match.end()]
        if before and before[-1] in _INVERTED:
            return False
        joined = bool(before) and before[-1] in {"and", "or"} and not self._is_clause(match.start())
        self.edits[match.span()] = self._name(match.start())
        self.subject_seen = True
        if match["short"]:
            return not joined and self._contraction(match, match["short"].lower(), after)
        return joined or self._verb(match, after)

    def _is_clause(self, position: int) -> bool:
        """Whether "and I" opens a clause, instead of ending "my wife and I"."""
        head = re.split("[,;:]", self.sentence[:position])[-1].split()[:-1]
        if not head or len(head) > 3:
            return True
        return (
            head[0].startswith("I'")
            or not (head[0].lower() in _PARTNER or head[0][0].isupper())
            or "'" in head[-1][:-2]
        )

    def _contraction(self, match: re.Match[str], short: str, after: list[re.Match[str]]) -> bool:
        following = _next_verb(after)
        if short == "d":
            if following in _WOULD or (following in BASE and not is_participle(following)):
                full = "would"
            elif is_participle(following) and following not in BASE:
                full = "had"
            else:
                return False
        else:
            full = {"m": "is", "ve": "has", "ll": "will"}[short]
        self.edits[match.span()] = f"{self._name(match.start())} {full}"
        if short in {"m", "ve"}:
            self._coordinated(after, seen_to=False)
        return True

    def _verb(self, match: re.Match[str], after: list[re.Match[str]]) -> bool:
        gap = self.sentence[match.end() : after[0].start()] if after else "."
        if gap.strip():
            return False
        for index, word in enumerate(after[:5]):
            token = word.group().lower().replace("\u2019", "'")
            if token in ADVERB or (token.endswith("ly") and token not in {"fly", "rely", "apply", "reply"}):
                continue
            form = third_person(token)
            if form is None:
                return False
            if token in _SAME_IN_PAST and _PAST_CUE.search(self.sentence):
                form = token
            if form != token:
                self.edits[word.span()] = form
                self._coordinated(after[index + 1 :], seen_to=False)
            return True
        return False

    def _coordinated(self, after: list[re.Match[str]], *, seen_to: bool) -> None:
        previous = ""
        for position, word in enumerate(after):
            current = word.group().lower().replace("\u2019", "'")
            if current in {
                "i",
                "i'm",
                "i've",
                "who",
                "that",
                "which",
                "because",
                "when",
                "if",
                "while",
                "they",
                "he",
                "she",
                "people",
            }:
                return
            seen_to = seen_to or current in {"to", "can", "could", "will", "would", "should", "don't"}
            joins = previous in {"and", "but", "or", "then"} or (
                previous in ADVERB and position > 1 and after[position - 2].group().lower() in {"and", "but"}
            )
            if joins and current in COORDINATED and (not seen_to or current in _FINITE_AFTER_TO):
                form = third_person(current)
                if form:
                    self.edits[word.span()] = form
            previous = current


def _next_verb(after: list[re.Match[str]]) -> str:
    for word in after[:4]:
        following = word.group().lower()
        if following not in ADVERB and following != "not":
            return following
    return ""


def _retell_zh(sentence: str, speaker: Speaker) -> str | None:
    if _OTHERS_ZH.search(sentence) or ("“" in sentence and "我" in sentence):
        return None
    if "我" in sentence:
        return _SELF_ZH.sub(lambda m: speaker.subject_zh + (m[1] or ""), sentence)
    if _SUBJECTLESS_ZH.match(sentence):
        return speaker.subject_zh + sentence
    return None if speaker.name else sentence
