"""Remarks on an answer, which are no memories: "I don't get it", "That didn't work", 不对，重来."""

from __future__ import annotations

import re
from collections.abc import Sequence

from memos_integrations.engine.sentences import is_chinese

_REMARK = re.compile(
    r"^(?:(?:no|yes|ok|okay|hmm+|well|sorry|but|and|so|oh|wait|nope|yeah|actually)[,.! ]+)*(?:"
    r"(?:i|we) (?:really |still |just |actually )*(?:do|don't|do not|did|didn't|did not|can't|cannot|won't|wouldn't)"
    r"(?: either| at all| though| too)?"
    r"|i (?:really |still |just )*(?:don't|do not|didn't|did not|can't|cannot) (?:really |quite "
    r"|fully )?(?:get|understand"
    r"|follow|see) (?:it|this|that|you|what you mean|what that means|why|how|(?:step|part|point|line) \w+"
    r"|(?:the|your|that|this) (?:\w+ )?(?:step|part|point|answer|explanation|line|question|sentence|example))"
    r"|i(?:'m| am) (?:still |so |a bit |a little |totally |now |really )*(?:confused|lost)(?: now| here| again)?"
    r"|(?:that|this|it|your (?:answer|code|solution|suggestion)) (?:still |just |really |also )*(?:didn't"
    r"|doesn't|did not"
    r"|does not|won't|isn't|wasn't) (?:quite )?(?:work|help|compile|run|make sense|fit|it|right|correct|working|helping"
    r"|what i (?:meant|mean|asked(?: for)?|want|wanted|need))(?: either| for me| at all| yet| again)?"
    r"|(?:i think |i believe )?(?:you're|you are|that's|that is|this is|it's) (?:still |just |all )*(?:wrong|mistaken"
    r"|incorrect|not (?:right|correct|it|what i (?:meant|mean|asked(?: for)?|want|wanted)))"
    r"|i have (?:another|one more|a|a quick|a follow-up|a different) question"
    r"|i (?:mean|meant) the (?:other|first|second|third|last|previous) (?:one|file|line|part|option|version|question)"
    r")(?:,? (?:sorry|thanks|please|though))?[.!…]*$",
    re.IGNORECASE,
)
_FILLER_ZH = (
    "(?:用户|你|您|这个?|那个?|这样|还是|都|又|也|好像|感觉|觉得|说的?|答案|回答|理解|完全|全|有点|还|请"
    "|算了|[吧了的呢啊嘛呀，,。.！!～…\\s])*"
)
_CORE_ZH = (
    "(?:不对|错了|不行|不是(?:这个|那个)?意思|不是(?:这样|这个)|我?(?:还是)?(?:没看懂|看不懂|没懂|不懂"
    "|听不懂|没明白|不明白)|重来|重写|再来一[个次遍]"
    "|换一个|换个|再试(?:试|一次|一遍)|重新(?:来|写|做|生成|回答)|太长|太短|(?:再)?[短长]一?点|有道理"
    "|没有?用|没解决|不管用)"
)
_REMARK_ZH = re.compile(f"^{_FILLER_ZH}(?:{_CORE_ZH}{_FILLER_ZH})+$")
_CLAIM = re.compile(
    r"^(?:who|why|what|where|how|since when)\b.{0,60}?\b(?:that|you|think|idea|says?|said|believe)"
    r" I (?!am\b|was\b|have\b|had\b|can\b|will\b|would\b|should\b)(?P<what>\w+ [^?]+)\?$|^do I (?P<asked>\w+ [^?]+)\?$",
    re.IGNORECASE,
)
_DENIAL = re.compile(
    r"^(?:no,? |well,? |but )*I (?:really |actually )?(?:don't|do not)(?: at all)?[.!]*$",
    re.IGNORECASE,
)


def is_remark(sentence: str) -> bool:
    """Whether a sentence says something of the answer, or too little to be remembered, and nothing else."""
    return bool((_REMARK_ZH if is_chinese(sentence) else _REMARK).match(sentence))


def without_remarks(sentences: Sequence[str]) -> list[str]:
    """The sentences that are no remarks; "Who told you I like golf? I don't." says "I don't like golf."."""
    found: list[str] = []
    for before, sentence in zip(["", *sentences], sentences, strict=False):
        claim = _CLAIM.match(before) if _DENIAL.match(sentence) else None
        if claim:
            found.append(f"I don't {claim['what'] or claim['asked']}.")
        elif not is_remark(sentence):
            found.append(sentence)
    return found
