"""What a reply means beside what was asked: options taken, offers accepted, questions of the assistant answered."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from memos_integrations._text import clip_text
from memos_integrations.engine.acts import Act, act
from memos_integrations.engine.endorsements import proposal, takes_up, turns_down
from memos_integrations.engine.sentences import is_chinese, sentences, word_list
from memos_integrations.engine.text import terms, words


@dataclass(frozen=True, slots=True)
class Reply:
    """How a user's message answers the assistant's before it.

    `kind` "choice": one of the offered options was taken, `option` is its text where it was named by number;
    "accepted", "declined": a yes or no to what the assistant `asked`; "answer": words that need `asked`; "agreed",
    "refused": a suggestion taken up or turned down in words that do not name it, `asked` is the suggestion.
    """

    kind: Literal["choice", "accepted", "declined", "answer", "agreed", "refused"]
    asked: str
    option: str = ""


_ITEM = re.compile(
    (
        r"^\s*(?:\*\*)?(?:option )?(?:(?P<number>\d{1,2})"
        r"|(?P<letter>[A-Ha-h]))[.):：、]\s*(?:\*\*)?(?P<text>\S.*)|^\s*[-*•]\s+(?P<bullet>\S.*)"
    ),
    re.IGNORECASE,
)
_NAMED_OPTIONS = re.compile(
    r"\b(?:such as|like|including|options?|choices?|consider|recommend|suggest|either|you (?:could|can"
    r"|might)|how about|what about|would you (?:prefer|like)|do you prefer)\b|, (?:or|and) |\bor\b"
    r"|比如|例如|可以(?:选|考虑|试)|推荐|建议|有(?:以下|这些|几)|还是|或者?|、",
    re.IGNORECASE,
)
_PICKS = re.compile(
    r"\b(?:(?:I(?:'ll| will|'d| would|'m going to| am going to| want to)|I think I(?:'ll|'d)|we'll"
    r"|we will|let's|let us)(?: (?:like to|rather|probably|definitely|just|also|gladly|happily|guess))*"
    r" (?:go (?:with|for)|going with|take|choose|pick|opt for|select|stick with|order|prefer|do|try|have|book|get)"
    r"|going with|I (?:choose|pick|prefer|chose|want the|select|opt for)|I(?:'d| would) (?:like the"
    r"|prefer)|my (?:choice|pick|preference|vote) (?:is|would be|goes)|is the way to go)\b",
    re.IGNORECASE,
)
_FAVORS = re.compile(
    r"\b(?:sounds? (?:like (?:a|the)\b|(?:(?:really|most|more|very|absolutely|quite|just|so|pretty"
    r"|particularly) )?(?!like\b|strange|weird|bad|wrong|too)\w+)"
    r"|(?:would|will|'d|seems?|looks?|is|are) (?:to )?(?:be |like |work |suit |fit )?(?:(?:the |a "
    r"|an )?(?:most |more |very )?(?:\w+ and )?\w+ )?(?:best|perfect|ideal|great|good|better|right"
    r"|lovely|wonderful|effective|suitable|fitting|appropriate|appealing|enjoyable|helpful|practical"
    r"|comfortable|the one|me)\b"
    r"|works? (?:best|for me|better)|please[.!]?$|\bit is(?:[.!,]|$))",
    re.IGNORECASE,
)
_PLANS = re.compile(r"\b(?:I'll|I will|let's|we'll)\b", re.IGNORECASE)
_NO_CHOICE = re.compile(
    (
        r"^(?:not|no|none|neither)\b|^(?:that|those|these|this|it|they|all of (?:that|those|these))\b(?:'s"
        r"| is| are| sounds?| would"
        r"| seems?| will)|\b(?:look into|check (?:them|it|those|that|these|out (?:them|those|that))"
        r"|keep (?:that|it|them|those) in mind|think about|consider|ask (?:my|our)|give (?:that|those|it"
        r"|them) a (?:try|shot|go))\b"
    ),
    re.IGNORECASE,
)
_TAKES_ZH = re.compile(
    "^(?:那|那么|还是)就?(?:选|要)?.{1,20}吧|^就.{1,20}(?:吧|了)|(?:我)?(?:就|那就?|还是|想|要"
    "|会|打算|决定|觉得)*(?:选|挑|要|订|定|住|去|用|买|试试?|来)(?:择|了)?|第[一二三四五六\\d]+(?:个|家"
    "|种|项|条|款)|方案[一二三四五A-F\\d]|(?:更|最|比较)(?:适合|合适|好|喜欢)|听起来(?:不错|很好)|就(?:它"
    "|这个|这家)|前者|后者"
)
_ORDINAL = re.compile(
    r"\b(?:(?:option|number|choice|no\.?|#) ?(?P<digit>\d{1,2})|(?:option|choice) (?P<letter>[a-h])"
    r"|(?:option|number|choice) (?P<spelt>one|two|three|four|five|six)|the (?P<word>first|second|third"
    r"|fourth|fifth|sixth|last|former|latter)(?: one| option| choice| suggestion)?\b(?! (?:time|day"
    r"|thing|week|place|year)))|^(?P<only>\d)[.!]?$"
    r"|第(?P<zh>[一二三四五六\d])|(?:方案|选项|选)(?P<zhl>[A-Fa-f一二三四五六\d])|(?P<zhw>前者|后者)",
    re.IGNORECASE,
)
_ORDER = {
    word: number
    for number, row in (
        (1, "first former one 一 前者"),
        (2, "second two 二"),
        (3, "third three 三"),
        (4, "fourth four 四"),
        (5, "fifth five 五"),
        (6, "sixth six 六"),
        (-1, "latter last 后者"),
    )
    for word in row.split()
}
_YES = words(
    "yes yeah yep yup sure ok okay absolutely definitely exactly correct right indeed certainly please "
    "perfect deal agreed great good do it that's that sounds works for me go ahead of course let's i'd "
    "love to would like so true thanks thank you"
)
_I_AM_ZH = re.compile("^(?:是的?|对的?|嗯|有的?)[，,]?我(?:是|有|会|吃|喝|要|喜欢)的?[。！!]?$")
_I_AM = re.compile(
    (
        r"^(?:(?:yes|yeah|yep|yup|sure|indeed)[,.!]? )?I (?:am|do|did|have|will|would"
        r"|can)(?: indeed)?[.!]*$"
    ),
    re.IGNORECASE,
)
_NO = re.compile(
    (
        r"^(?:no|nope|nah|not really|never)(?:,? (?:i'm not|i am not|i don't|i do not|i haven't"
        r"|never|not really|thanks|thank you))*[.!]*$|^(?:不|没有?|不是|不(?:喜欢|吃|喝|会|用)|从不|没)[。！!]?$"
    ),
    re.IGNORECASE,
)
_BARE_NO = re.compile(r"(?:no|nope|not really|never mind|nevermind)\b[,.!]?", re.IGNORECASE)
_NO_BUT = re.compile(
    r"(?:no|nope|nah),? (?!thanks|thank|problem|worries|need|idea|way|clue|that|it|this|you|I\b|wait|not|never"
    r"|please|sorry)"
    r"\w+ \w+",
    re.IGNORECASE,
)
_OF_USER = re.compile(r"\b(?:are|do|did|have|were|will|would|could|can|is|does) (?:you|your)\b|你|您", re.IGNORECASE)
_YES_ZH = re.compile(
    "^(?:是的?|对的?|好的?|好啊|嗯+|可以|行|没错|当然|同意|就这样|就这么办|没问题|要的?|需要"
    "|[，,。.！!～~\\s]|吧|呀|啊|谢谢|请)+$"
)
_NO_ZH = re.compile("^(?:不(?:是|用|要|对|了|行|可以)?|没有?|别|算了)[，,。！!]?")
_SELF = re.compile(r"\b(?:I|[Mm]y|[Ww]e|[Oo]ur)\b|我|咱")
_ASKS_TASTE = re.compile(
    r"\byou (?:\w+ )?(?:prefer|like(?! to (?:know|hear|see|add|discuss))|enjoy|love|hate|dislike|avoid"
    r"|favou?r)\b|\byour (?:\w+ )?(?:favou?rites?|preferences?|preferred|diet\w*|allerg\w+|tastes?)\b"
    r"|\b(?:any|have) (?:food )?(?:allerg\w+|dietary \w+|preferences?)\b"
    r"|喜欢|偏好|爱好|讨厌|过敏|忌口|口味",
    re.IGNORECASE,
)
_ASKED_FOR = re.compile(
    (
        r"(?:what(?:'s| is| was)|may i (?:have|know|ask|get)|could i (?:have|get|ask)|can i (?:have|get"
        r"|ask)|could you (?:tell me|give me|share|provide)|can you (?:tell me|give me|share|provide)"
        r"|please (?:tell me|provide|share|give me))(?: for| me)? your (?P<noun>(?:[\w-]+ ){0,2}[\w-]+)[?.]"
    ),
    re.IGNORECASE,
)
_ASKED_FOR_ZH = re.compile(
    "(?:您|你)的?(?P<noun>名字|姓名|电话|手机号|邮箱|地址|生日|年龄|职业|工作|家乡|城市|爱好|预算|身高"
    "|体重)(?:是|叫|是什么|在哪|多少|几)"
)
_PREFIX = re.compile(
    (
        r"^(?:it's|it is|that's|that is|that would be|this is|i'm|i am|my name is|mine is|they call me"
        r"|call me|sure,?|yes,?|of course,?|hi,?|hello,?)\s+"
    ),
    re.IGNORECASE,
)


def reply(text: str, before: str) -> Reply | None:
    """How `text`, a user's message, answers `before`, the assistant's message; None when it stands alone."""
    asked = last_question(before)
    first = next(iter(sentences(text)), "")
    options = offered(before)
    if first and (options or _NAMED_OPTIONS.search(before[:4000])) and _takes(text, before, options):
        return Reply("choice", asked, _option(text, options))
    if not first or first.endswith(("?", "？")):
        return None
    suggested = proposal(before)
    if suggested and (takes_up(first) or turns_down(first)):
        return Reply("agreed" if takes_up(first) else "refused", suggested)
    if not asked:
        return None
    if _is_yes(first):
        return Reply("accepted", asked)
    if _NO.match(first) and _OF_USER.search(asked):
        return Reply("declined", asked)
    short = len(first) <= 40 if is_chinese(first) else len(first.split()) <= 14
    alone = bool(_SELF.search(first)) and not re.match(r"I'm (?!\w+ing\b)", first)
    if (
        short
        and not alone
        and act(first) not in {Act.SMALLTALK, Act.PRAISE}
        and (not _BARE_NO.match(first) or (_NO_BUT.match(first) and _OF_USER.search(asked)))
        and not _NO_ZH.match(first)
    ):
        return Reply("answer", asked)
    return None


def last_question(text: str) -> str:
    """The last question of a message, "" when it has none in its last three sentences."""
    for sentence in reversed(sentences(text[-600:])[-3:]):
        if sentence.endswith(("?", "？")):
            return clip_text(sentence, 30)
    return ""


def offered(text: str) -> list[str]:
    """The options of a message, in order: its list items, or those it numbers or strings together in a sentence."""
    found = []
    for line in text[:8000].split("\n"):
        match = _ITEM.match(line)
        if match:
            found.append((match["text"] or match["bullet"]).strip(" *"))
    if len(found) > 1:
        return found
    inline = [p.strip(" ,;.。，；") for p in _INLINE.split(text[:2000])[1:]]
    if len(inline) > 1:
        last = re.split(r"[.。?？!！]", inline[-1], maxsplit=1)[0]
        return [re.sub(r",? (?:or|and)$|(?:或者?|和)$", "", p) for p in inline[:-1]] + [last]
    row = _ROW.search(text[:2000])
    parts = [p.strip() for p in _BETWEEN.split(row["row"]) if p.strip()] if row else []
    return parts if 1 < len(parts) <= 8 else found


_INLINE = re.compile(r"(?:^|[\s:：（(；;])\(?(?:\d|[a-d]|[一二三四五六])[.)）、](?=\s*\S)")
_NOT_ZH = re.compile("(?:不要|别|不选|不想)")
_ROW = re.compile(
    r"(?:\b(?:like|such as|including|consider|either|between|options(?: are| include)?|choices(?: are)?"
    r"|could|recommend|suggest|try)\b:?"
    r"|[:：]|可以(?:选|考虑|试试)?|推荐|比如|例如)\s*(?P<row>[^.?!:。？！：\n]{3,300}(?:\bor\b"
    r"|\band\b|还是|或者?|和|、)[^.?!。？！\n]{2,120})",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r",? (?:or|and) |, |、|还是|或者?|，")
_REST = re.compile(
    (
        r"\b(?:others?|the rest|options?|alternatives?|choices?)\b|其他|其它|别的|另外(?:几|两|三)|选项"
        r"|方案"
    ),
    re.IGNORECASE,
)
_SMALL_OFFER = re.compile(
    r"\b(?:anything else|something else|any (?:other|more|further|questions?)|more (?:details?|info\w*"
    r"|examples?|help|about)|(?:would you like|do you want|shall i|should i|want me to|can i"
    r"|may i)(?: me)?(?: to)? (?:me|i|to|know|hear|see"
    r"|explain|elaborate|show|give|tell|share|list|write|suggest|recommend|look|check|draft|create|provide|find"
    r"|some|help|more|an?|further|continue|get|explore|learn|go over|walk)|need (?:help|any|more"
    r"|assistance)|make sense|are you ready|ready to|does (?:that|this) (?:help|sound|work|answer|make)"
    r"|is (?:that|this|there) (?:ok|okay|clear|helpful|what|anything|all|right)"
    r"|how (?:can|may|does|do|is that|about)|what (?:else|can i|would you like (?:me )?to (?:do|know"
    r"|discuss|talk|ask|see)|do you think)|let me know|sound good|have you (?:considered|thought|tried"
    r"|checked|heard)|are there any|do you have any (?:questions|other|more|specific)"
    r"|interested in (?:hearing|learning|more)|can you (?:provide|share|tell|clarify|give)"
    r"|could you (?:provide|clarify|specify))\b"
    r"|还有(?:什么|其他|别的)|需要(?:我|帮|更多)|要不要我|要我|想(?:了解|知道)更多|可以吗|好吗|明白|清楚|对吗|怎么样",
    re.IGNORECASE,
)


def is_taking(sentence: str) -> bool:
    """Whether a sentence takes an option or speaks of the options left."""
    if is_chinese(sentence):
        return bool(_TAKES_ZH.search(sentence) or _REST.search(sentence))
    return bool(
        _PICKS.search(sentence) or _FAVORS.search(sentence) or _ORDINAL.search(sentence) or _REST.search(sentence)
    )


def is_small_offer(question: str) -> bool:
    """Whether a question is about the talk itself ("Anything else?"), so that its answer tells nothing of the user."""
    return bool(_SMALL_OFFER.search(question)) and not _ASKED_FOR.search(question)


def asks_taste(question: str) -> bool:
    """Whether a question asks for a preference."""
    return bool(_ASKS_TASTE.search(question))


def attribute(asked: str, answer: str, *, subject: str, subject_zh: str) -> str | None:
    """ "What is your name?" and "It's Ann." as one statement; None when the question does not ask for an attribute."""
    match = _ASKED_FOR.search(asked)
    if match:
        noun = match["noun"]
        value = _PREFIX.sub("", answer, count=1)
        return f"{subject}'s {noun} is {value}" if value and noun not in {"opinion", "question", "thoughts"} else None
    match = _ASKED_FOR_ZH.search(asked)
    if match:
        value = re.sub("^(?:是|叫|我叫|我是|姓)", "", answer)
        return f"{subject_zh}的{match['noun']}是{value}"
    return None


def _takes(text: str, before: str, options: list[str]) -> bool:
    """Whether one of the first sentences takes something that the message before it named."""
    known = set(terms(before[:4000]))
    listed = set(terms(" ".join(options)))
    asking = "?" in text or "？" in text
    for sentence in sentences(text)[:3]:
        if sentence.endswith(("?", "？")):
            continue
        numbered = bool(_ORDINAL.search(sentence))
        shared = len(set(terms(sentence)) & known)
        if is_chinese(sentence):
            if not _NOT_ZH.match(sentence) and _TAKES_ZH.search(sentence) and (numbered or shared):
                return True
        elif _NO_CHOICE.search(sentence):
            continue
        elif (
            numbered
            or (shared and (_PICKS.search(sentence) or (_FAVORS.search(sentence) and not asking)))
            or (not asking and _PLANS.search(sentence) and len(set(terms(sentence)) & listed) >= 2)
        ):
            return True
    return False


def _option(text: str, options: list[str]) -> str:
    match = _ORDINAL.search(text[:400])
    if not match or not options:
        return ""
    key = next(g for g in match.groups() if g).lower()
    number = int(key) if key.isdigit() else _ORDER.get(key, "abcdefgh".find(key) + 1)
    if number == 0 or abs(number) > len(options):
        return ""
    return options[number - 1 if number > 0 else number]


def _is_yes(sentence: str) -> bool:
    if is_chinese(sentence):
        return bool(_YES_ZH.match(sentence) or _I_AM_ZH.match(sentence))
    if _I_AM.match(sentence):
        return True
    tokens = word_list(sentence)
    return (
        0 < len(tokens) <= 8
        and tokens[0]
        in words(
            "yes yeah yep yup sure ok okay absolutely definitely exactly correct please certainly perfect of "
            "that's sounds"
        )
        and all(t in _YES for t in tokens)
    )
