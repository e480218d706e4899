"""Who speaks, and what a sentence says without its interjections and with the subject that it leaves out."""

from __future__ import annotations

import re
from dataclasses import dataclass

from memos_integrations.engine.sentences import is_chinese
from memos_integrations.engine.text import words
from memos_integrations.engine.verbs import ADVERB, PAST, is_past

_WORD = re.compile("[^\\W_]+(?:['\u2019-][^\\W_]+)*")
_OPENER = re.compile(
    r"^(?:(?:hi there|hello there|hey there|good (?:morning|afternoon|evening)|hi|hello|hey|oh|ah|well"
    r"|yeah|yes|yep|no|nope|ok|okay|so|btw|by the way|actually|haha|lol|wow|um|uh|hmm|anyway|fyi"
    r"|thanks|thank you|sure|cool|great|speaking of which|for the record|just so you know"
    r"|just to let you know|as i said|as i mentioned|to be honest|tbh|ngl|imo|imho|now|then|lastly"
    r"|for future reference|note to self|for info"
    r"|on a related note|on another note|on a different note|also)(?:[,.!:]+| [-–—])\s*"
    r"|(?:and|but|also|btw|by the way|anyway|oh|yeah|yes|hey|hi|okay|ok|so|well|um|uh|fyi|tbh|ngl|lol|hmm|like"
    r"|to be honest|honestly)\s+(?=(?:(?:um|uh|yeah|so|well|like|okay|ok|btw|actually)\s+)*(?:I|I'\w+|my|we|we'\w+|our"
    r"|the|he|she|they|it|it's|there)\b)|[-–—*•·>]+\s+|\d{1,2}[.)]\s+)+(?=\S)",
    re.IGNORECASE,
)
_CLOSER = re.compile(r",?\s+(?:tbh|lol|lmao|rofl|haha(?:ha)*|ngl|btw|imo|imho|fyi)(?=[.!]*$)", re.IGNORECASE)
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
SUBJECTLESS_ZH = re.compile(
    "^(?:(?:也|还|很|最|特别|非常|一直|平时|经常|通常|从来|从不|不|没|没有|刚|刚刚|已经|正在|打算"
    "|准备|计划|今年|去年|明年|昨天|今天|明天|前天|后天|上周|下周|这周|上个?月|下个?月|最近|目前|现在"
    "|周末|小时候|每天|每周|比较|更|只|平常|偶尔|以前|之前|"
    "[，,])|\\d{1,4}[年月日号])*(?:喜欢|爱(?=[吃喝看听玩打用穿买去做上])|热爱|讨厌|住|在|是|有|养|吃|喝|对|从事|毕业|来自|出生"
    "|叫|姓|搬|去|买|学|习惯|希望|想|需要|偏好|偏爱|打|玩|看|听|用|做|跑|练|结婚|离婚|怀孕|过敏|受不了"
    "|害怕|怕|擅长|会|能|换|开始|戒|参加|订|预订|预定|入职|离职|辞职|吃素|素食)"
)


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
    bare = _THINK.sub("", _CARRIER.sub("", _OPENER.sub("", _CLOSER.sub("", sentence)), count=1), count=1)
    bare = _CARRIER_ZH.sub("", bare, count=1) if is_chinese(bare) else bare
    return bare[:1].upper() + bare[1:] if bare[:1].isascii() and bare != sentence else bare or sentence


def is_carried(sentence: str) -> bool:
    """Whether a sentence asks to keep in mind what it goes on to state ("Don't forget that …")."""
    return bool(_CARRIER.match(_OPENER.sub("", sentence)) or (is_chinese(sentence) and _CARRIER_ZH.match(sentence)))


def speaks_of_self(sentence: str) -> bool:
    """Whether a sentence names its speaker: I, my, me, we, our; 我, 我们."""
    return bool(_SELF.search(sentence))


def says_i(sentence: str) -> bool:
    """Whether a sentence names its speaker in the singular: I, my, me; 我."""
    return bool(_SINGULAR.search(sentence))


_SINGULAR = re.compile("\\b(?:I|i|[Mm]y|[Mm]e)(?=\\W|$)(?!\\.e)|我(?!们)|本人")
_SELF = re.compile("\\b(?:I|i|[Mm]y|[Mm]e|[Mm]ine|[Mm]yself|[Ww]e|[Uu]s|[Oo]ur)(?=[\\W]|$)|我|咱|俺|本人")


def with_subject(sentence: str) -> str:
    """A sentence that leaves its "I" out ("Just moved to Rome.", "Allergic to nuts.") with it; others as they are."""
    head = [w.lower() for w in _WORD.findall(sentence[:60])[:4]]
    start = 1 if len(head) > 1 and head[0] in ADVERB else 0
    first, second = (*head[start:], "", "")[:2]
    lowered = sentence if sentence[1:2].isupper() else sentence[:1].lower() + sentence[1:]
    if first in _STATE or f"{first} {second}" in _PROGRESSIVE or (first == "not" and _NOT_SO.match(lowered)):
        return f"I'm {lowered}"
    if first in _KIN and second not in {"and", "or", "of"} and not sentence.isupper():
        return f"My {lowered}"
    if first == "been" and second not in _NOUN_ENDS:
        return f"I've {lowered}"
    if first.endswith("ing") and (first in _DOING or start) and not _FINITE.search(sentence):
        return f"I'm {lowered}"
    if first == "don't" and second not in _NOT_AN_ORDER:
        return sentence
    if first in _ELIDED or (is_past(first) and first not in _NOT_ELIDED and _is_told(first, second)):
        return f"I {lowered}"
    return sentence


def _is_told(first: str, second: str) -> bool:
    """Whether a past form that opens a sentence tells what its speaker did: "Got a puppy", not "Fixed price"."""
    if first in PAST | _PAST_STARTS and second not in _NOUN_ENDS:
        return True
    return second in _AFTER_VERB or second in ADVERB or second[:1].isdigit()


_NOUN_ENDS = words("is are was were and")
_NOT_SO = re.compile(
    r"not (?:(?:really|very|too|much|exactly|that|super) )*(?:(?:a|an|the) (?:\w+ )?(?:fan|lover|person"
    r"|believer|drinker"
    r"|eater)|into|keen|fond|big on|interested|comfortable|crazy|vegan|vegetarian|married)\b"
)
_KIN = words(
    "wife husband partner girlfriend boyfriend fiancé fiancée mom mum dad mother father son daughter brother"
    " sister boss"
)
_DOING = words(
    """
    living working studying planning going getting moving starting hoping trying thinking looking waiting saving
    training learning running writing reading considering recovering dealing suffering struggling
    """
)
_FINITE = re.compile(
    r"\b(?:is|are|was|were|has|makes?|can|could|will|would|should|helps?|takes|means)\b", re.IGNORECASE
)
_NOT_ELIDED = words(
    "used supposed based can could will would should may might must shall was were had did cannot left lost means broke"
)
_NOT_AN_ORDER = words("like want need know think have own care mind really even feel believe trust enjoy love")
_AFTER_VERB = words(
    """
    a an the my our some any two three four five to in at for with from back up out off down on it him her them this
    that last yesterday again into another all both one about around over
    """
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
