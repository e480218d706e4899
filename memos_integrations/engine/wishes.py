"""Wishes of a user that something be forgotten or not be kept, and what they name; English and Chinese.

To delete what nobody wanted deleted is worse than to miss a wish: only wordings that speak of what was told are taken,
never those that speak of a text, of code or of things ("delete the second paragraph", "forget it", "don't forget").
"""

from __future__ import annotations

import re
from functools import lru_cache

from memos_integrations.engine.sentences import is_chinese
from memos_integrations.engine.text import terms
from memos_integrations.engine.wishes_zh import Wish, wish_zh

_LEAD = re.compile(
    r"^\W*(?:(?:please|pls|plz|kindly|ok(?:ay)?|so|actually|and|also|oh|hey|hi|no(?! need)|sorry|wait|hmm+"
    r"|well|just|then|now"
    r"|yeah|yes|alright|but|btw|by the way|on second thoughts?|in that case|one more thing|thanks|thank you"
    r"|you know what|again)\b[\s,.!:–—-]*)*",
    re.IGNORECASE,
)
_ASK = re.compile(
    r"(?:(?:can|could|would|will) (?:you|we)(?: mind)?|i(?:'d| would)? (?:really )?(?:want|need|like|love|prefer"
    r"|ask|beg) you to"
    r"|i (?:wish|want) you(?:'d| would)?|i(?:'d| would) appreciate it if you(?:'d| would| could)?"
    r"|you (?:can|could|should|may|must|might|ought to)|you(?:'d| had) better|feel free to"
    r"|(?:it's|it is|it'd be|it would be) (?:ok|okay|fine|best|better|good|great) (?:to|if you)"
    r"|make sure (?:to|you)|go ahead and|i(?:'d| would) rather you|is it possible to)\s+",
    re.IGNORECASE,
)
_SOFT = re.compile(
    r"(?:(?:please|pls|kindly|just|simply|also|now|maybe|perhaps|safely|completely|totally|to|already)\s+)+",
    re.IGNORECASE,
)
_FORGET = re.compile(r"(?:forget|forgot|forgetting|unlearn|stop remembering|stop bringing up)\b\s*", re.IGNORECASE)
_TAKE = re.compile(
    r"(?:delet(?:e|ing)|eras(?:e|ing)|remov(?:e|ing)|wip(?:e|ing)|clear(?:ing)?|scrap(?:ping)?|drop(?:ping)?|scratch"
    r"|strike|purg(?:e|ing)|discard(?:ing)?|get(?:ting)? rid of|dispose of|throw (?:away|out)"
    r"|stop (?:keeping|storing|saving))\b\s*",
    re.IGNORECASE,
)
_KEEP = (
    r"(?:keep (?:track|(?:a |any )?(?:records?|notes?)) of|remember|memori[sz]e|save|store|keep|record"
    r"|retain|hold on to|log|(?:write|note|jot)(?: down)?"
    r"|take note of|make (?:a )?notes? of)"
)
_NOT = re.compile(
    r"(?:(?:do not|don't|dont|never|no need to|(?:you )?need(?:n't| not)|not)\s+(?:(?:ever|please|you|need to|have to"
    r"|bother to|even)\s+)*"
    rf"{_KEEP}|(?:you )?(?:don't|do not|dont) (?:need|have) to {_KEEP}|there(?:'s| is) no need to {_KEEP}"
    r"|stop (?:remembering|memori[sz]ing|saving|storing|keeping|recording))\b\s*",
    re.IGNORECASE,
)
_UNWANTED = re.compile(
    r"i(?: really)? (?:don't|do not|dont|never) want(?:ed)? you to (?:" + _KEEP + r"|know)\b\s*"
    r"|i(?:'d| would) (?:rather|prefer)(?: it)?(?: if| that)? you (?:didn't|did not|don't|do not|not|forgot)(?: to)?"
    r"(?<!forgot) (?:" + _KEEP + r"|know)\b\s*",
    re.IGNORECASE,
)
# "I don't want Rolf in your memory", "my address should not be stored", "I'd like my age removed from your notes".
_MEMORY = (
    r"(?:(?:your|my|the|our) (?:own )?(?:long[- ]term |stored |saved )?)?(?:memor(?:y|ies)|mind|records?(?! label))"
    r"|your (?:notes?|notebook|profile|database|brain|storage|knowledge|history|files?|logs?|system|data)"
)
_FROM_MEMORY = re.compile(rf"\s*\b(?:from|off|out of|in|into|to|on) (?:{_MEMORY})\b", re.IGNORECASE)
_ABSENT = re.compile(
    rf"i (?:don't|do not|dont) want (?P<in>.{{2,60}}?) (?:to be )?(?:(?:in|on|kept in|stored in"
    rf"|saved in) (?:{_MEMORY})\b"
    r"|(?:remembered|stored|saved|kept|recorded|memori[sz]ed)\b)"
    rf"|i(?:'d| would) (?:like|love|prefer|want) (?P<of>my .{{2,60}}?) (?:to be )?(?:forgotten|erased"
    rf"|(?:deleted|removed"
    rf"|wiped|gone) from (?:{_MEMORY}))\b"
    r"|(?P<by>(?:my|this|that|these|those|it|what i)\b.{0,60}?) (?:shouldn't|should not|must not|mustn't|needn't"
    r"|need not"
    r"|should never|doesn't (?:need|have) to|does not (?:need|have) to|is not to|isn't to"
    r"|must never) be (?:saved|stored"
    r"|remembered|recorded|memori[sz]ed|kept in (?:your )?memory)\b",
    re.IGNORECASE,
)
_OFF_RECORD = re.compile(
    r"^\W*(?:(?:so|ok|but|and|please|just|well|btw)[, ]+)*(?:(?:this|that|it)(?:'s| is| stays)? "
    r"|keep (?:this|that|it) )?"
    r"(?:strictly )?(?:off the record|not for the record|not to be (?:saved|stored|remembered|recorded))\b"
    r"|[,;(–—-]\s*(?:but |so |and )?(?:please )?(?:(?:that|this|it)(?:'s| is) |keep (?:this|that"
    r"|it) )?(?:strictly )?off the record\W*$",
    re.IGNORECASE,
)
_POINTER = re.compile(
    r"^(?:(?:all|any|everything|anything)?\s*(?:of )?(?:this|that|it|these|those)"
    r"(?: (?:last )?(?:one|bit|part|thing|info|information|detail|message|conversation|chat|secret|fact|statement|stuff"
    r"|remark|data|memory))?"
    r"|(?:the|my|that) (?:last|previous) (?:thing|message|bit|part|remark|statement|memory)(?: i (?:said"
    r"|told you|wrote))?"
    r"|(?:what|everything|anything|all)(?: that)? i(?:'ve| have)?(?: just)? (?:said|say|wrote|mentioned)(?: (?:just now"
    r"|earlier|before|above))?"
    r"|(?:what|everything|anything|all)(?: that)? i(?:'ve| have)? just (?:told you|shared)"
    r"|what i(?:'ve| have)? told you(?: just now)?)"
    r"(?=\s*(?:$|[.!?,;:–—-]|\b(?:please|ok|okay|thanks|anywhere|down|for later|anymore|any more|either"
    r"|though|at all|but|and"
    r"|because|now|pls|from the record|about me|i told you|i said|you just heard)\b))",
    re.IGNORECASE,
)
_ALL = re.compile(
    r"^(?:absolutely )?(?:everything|all|anything)(?: of)?(?: (?:the )?(?:things|stuff|data|info(?:rmation)?"
    r"|memories))?(?: that)?"
    r"(?: (?:you(?:'ve| have)?(?: ever)? (?:know|remember|saved|stored|learned|learnt|kept|have|got|heard)"
    r"|i(?:'ve| have)?(?: ever)? told you|about (?:me|myself|us)|on me|of me))*\W*"
    r"(?:(?:please|ok(?:ay)?|now|thanks|forever|for good|at once|immediately)\W*)*$"
    r"|^(?:all )?(?:of )?(?:my|your) (?:entire |whole |complete )?(?:memor(?:y|ies)|data)(?: (?:of|about|on) me)?\W*$",
    re.IGNORECASE,
)
# What stands in a text or in a machine; it is never a memory, unless the wish says that it was told.
_TEXT = re.compile(
    r"\b(?:first|second|third|last|next|previous|final|above|below|paragraphs?|sentences?|lines?|words?|commas?|letter"
    r"|essay|e-?mails?|draft|text|article|code|function|class|files?|folders?|branch|commits?|tables?|rows?|columns?"
    r"|sections?|chapters?|slides?|pages?|title|headings?|bullets?|emojis?|poem|story|script|lists?|spreadsheet|cells?"
    r"|photos?|pictures?|images?|videos?|apps?|account|subscription|alarms?|reminders?|events?|appointments?|meetings?"
    r"|tasks?|todos?|cache|cookies?|playlist|posts?|tweets?|comments?|variables?|imports?|packages?|plan"
    r"|schedule|answer"
    r"|reply|response|version|intro|introduction|conclusion|examples?|steps?|quotes?|footnotes?|dupes|duplicates"
    r"|history|changes|progress|settings|browser|cart|order|stitches|tattoo|stains?|background|throat"
    r"|messages?|\w+\.[a-z]{1,4})\b",
    re.IGNORECASE,
)
_IN_TEXT = re.compile(
    r"\b(?:from|in|of|out of|on|to) (?:the|this|that|my|your|our|it) ?(?:\w+ ){0,2}?(?:paragraphs?"
    r"|sentences?|lines?|letter"
    r"|essay|e-?mail|draft|text|article|code|function|files?|folders?|table|rows?|columns?|section|chapter|slides?|page"
    r"|title|poem|story|script|list|spreadsheet|cv|resume|report|document|doc|post|answer|reply|response|speech|summary"
    r"|bio|recipe|outline|website|deck|presentation|photo|picture|image)\b|\bfrom it\b|\byou (?:just )?wrote\b",
    re.IGNORECASE,
)
_FOR_NOW = re.compile(
    r"\bfor (?:a|one|the) (?:second|moment|minute|sec|while|bit)\b|\bfor now\b|\bfor the moment\b"
    r"|\bfor (?:this|the) \w+\b(?=[.!?,]|$)|\buntil\b|\band (?:start|focus|begin|try|move|go)\b",
    re.IGNORECASE,
)
_IDIOM = re.compile(r"drop|clear|scrap|throw|dispose|get")  # "Drop it." ends a quarrel
_REPORTED = re.compile(
    r",[\"”]? (?:says|said|as my|my \w+ (?:says|said)|as they say)\b|\b(?:is|are|was) (?:my|the|a"
    r"|what) \w+[.!]*$|^(?:about )?the (?:past|future|rest|world|rules|time|pain|others|idea|rush)\b",
    re.IGNORECASE,
)
_TOLD = re.compile(
    r"\bi(?:'ve| have)?(?: ever| just| once)? (?:said|told you|mentioned|shared|wrote to you)\b"
    r"|\byou(?:'ve| have)?(?: ever)? (?:know|knew|remember|saved|stored|learned|learnt|heard|kept|noted"
    r"|have on|got on)\b"
    r"|\b(?:memor(?:y|ies)|mentions?|info(?:rmation)?|data|facts?) (?:of|about|on|that)\b|\bthe fact\b",
    re.IGNORECASE,
)
_LOOSE = re.compile(
    r"^(?:(?:the|that|this|those|any|all|all of|all the|everything|anything) )?(?:(?:whole"
    r"|entire) )?(?:thing|things|stuff"
    r"|bit|part|business|matter|notes?|story)\b(?: that)? (?:about|on|with|regarding|concerning|where|of|to do with)\b"
    r"|^(?:everything|anything|all|whatever)(?: to do)? (?:about|on|regarding|concerning|with|related to"
    r"|relating to)\b",
    re.IGNORECASE,
)
_THING = re.compile(r"^(?:about )?(?:the|that|this|my) .{2,40} (?:thing|stuff|business|story)\b", re.IGNORECASE)
_WHICH = re.compile(
    r"^(?:about )?(?:which|where|who|when|what|how(?: much| old| many)?) (?:.{0,30}\b)?(?:i|my|we|our)\b", re.IGNORECASE
)
_MINE = re.compile(r"^(?:about )?(?:all )?(?:my|our)\b", re.IGNORECASE)
_CLAUSE = re.compile(r"^(?:about )?(?:that (?:i|my|we|our|i'm|i've)\b|(?:i|we|i'm|i've) \w+|the fact\b)", re.IGNORECASE)
_ABOUT = re.compile(r"^(?:about|of|regarding|concerning)\s+(?!it\b|this\b|that\b|them\b)\S", re.IGNORECASE)
_THE = re.compile(r"^(?:the|any|any of the) [^,]*$", re.IGNORECASE)
_HEAD = re.compile(
    r"^(?:(?:about|of|on|regarding|concerning|all|everything|anything|whatever|any|every|what|that|those|these|this|the"
    r"|fact|things?|stuff|info(?:rmation)?|details?|data|notes?|memor(?:y|ies)|mentions?|bits?|parts?|entr(?:y|ies)"
    r"|records?|facts?|story|business|matter|which|where|who|when|how|much|i|we|you|i've|we've|you've|ever"
    r"|just|once|have"
    r"|had|said|told|mentioned|shared|wrote|know|knew|remember|saved|stored|noted|kept|learned|learnt|heard|got|to do"
    r"|with|related to|relating to|to you|earlier|before|whole|entire)\b\s*)+",
    re.IGNORECASE,
)
_END = re.compile(
    r"(?:[\s,.!?]*\b(?:things?|stuff|business|story|(?:that |which )?you(?:'ve| have)? (?:stored|saved"
    r"|noted|kept|remember"
    r"|have|know)(?: about me)?|(?:that |which )?i(?:'ve| have)? (?:told you|mentioned|said)(?: (?:about|earlier"
    r"|before|yesterday))?"
    r"|ok(?:ay)?|please|pls|thanks|thank you|now|anymore|any more|any longer|again|for me|at all|right now|entirely"
    r"|completely|immediately|alright|for good|forever|either|anywhere|is|are))+[\s.!?]*$",
    re.IGNORECASE,
)
_TAIL = re.compile(
    r"\s*(?:[;:(]|\s[-–—]\s|,\s*(?:and |but |so |as |because )?(?=(?:i|i'm|i've|i'd|it|it's|that|that's"
    r"|this|he|she|he's"
    r"|she's|we|we're|you|they|they're|please|ok|okay|thanks|can|could|will|would|let|let's|just|there|no"
    r"|not|don't|delete"
    r"|remove|forget|erase|actually|what|how|is|was|for)\b)|\b(?:because|but|so that|since i|since it|as i don't)\b"
    r"|\band (?=(?:i|don't|please|delete|remove|never|do not)\b)).*$",
    re.IGNORECASE | re.DOTALL,
)
_OLD = re.compile(r"^(?:my|our) (?:old|former|previous|past)\s+", re.IGNORECASE)
_BESIDE = re.compile(
    r"[,;:.–—-]\s*(?:and |but |so |though )?(?=(?:please |pls |just |kindly )*(?:don't|do not|dont"
    r"|no need)\b)",
    re.IGNORECASE,
)


@lru_cache(maxsize=256)  # a sentence is asked about by several readers of its message
def wish(sentence: str) -> Wish | None:
    """The wish to forget that a sentence is, or None; one hidden behind a statement ("…, don't save that") counts."""
    if is_chinese(sentence):
        return wish_zh(sentence)
    sentence = sentence.replace("\u2019", "'")
    aside = _OFF_RECORD.search(sentence)
    if aside:
        return _kept_out(sentence[: aside.start()] + sentence[aside.end() :])
    found_en = _read(sentence)
    if found_en:
        return found_en
    for match in _BESIDE.finditer(sentence):
        beside = _read(sentence[match.end() :])
        if beside and beside.points and beside.unsaved:
            return _kept_out(sentence[: match.start()])
    return None


def _kept_out(others: str) -> Wish:
    """The wish that what was said be not kept; `others` are the words around it."""
    return Wish(points=True, unsaved=True, beside=bool(set(terms(others)) - _FRAME))


_FRAME = frozenset(terms("memory record notes thing conversation message chat anywhere now strictly private secret"))


def _read(sentence: str) -> Wish | None:
    text = sentence[_LEAD.match(sentence).end() :]  # type: ignore[union-attr]  # it matches the empty word
    absent = _ABSENT.match(text)
    if absent:
        what = next(part for part in absent.groups() if part)
        if re.match(r"(?:this|these|those|it)\b|that\b(?! (?:i|my|we|our)\b)", what, re.IGNORECASE):
            return _kept_out(text[absent.end() :])
        return _unkept(what)
    asked = _UNWANTED.match(text)
    if asked:
        return _unkept(text[asked.end() :])
    negative = _NOT.match(text)
    if negative:
        return _negative(negative.group(), text[negative.end() :])
    asking = _ASK.match(text)
    text = text[asking.end() :] if asking else text
    soft = _SOFT.match(text)
    text = text[soft.end() :] if soft else text
    negative = _NOT.match(text)
    if negative:
        return _negative(negative.group(), text[negative.end() :])
    verb = _FORGET.match(text)
    if verb and not (text[:6].lower() == "forgot" and not asking):
        return _forgotten(text[verb.end() :])
    verb = _TAKE.match(text)
    return _taken(verb.group().strip().lower(), text[verb.end() :]) if verb else None


def _named(rest: str) -> str:
    """The words of what is meant, without the frame around them."""
    rest = _FROM_MEMORY.sub("", rest.strip())
    rest = _END.sub("", _TAIL.sub("", rest).rstrip(" .!?,"))
    return _OLD.sub("my ", _HEAD.sub("", rest)).strip(" .!?,")


def _wanted(rest: str, *, unsaved: bool = False, weak: bool = False) -> Wish | None:
    named = _named(rest)
    return Wish(named, unsaved=unsaved, weak=weak) if terms(named) else None


def _unkept(rest: str) -> Wish | None:
    """What somebody does not want kept; what was told of it before goes."""
    pointed = _POINTER.match(rest)
    if pointed:
        return _kept_out(rest[pointed.end() :])
    return None if _IN_TEXT.search(rest) else _wanted(rest)


def _negative(verb: str, rest: str) -> Wish | None:
    bare = _FROM_MEMORY.sub("", rest).strip()
    pointed = _POINTER.match(bare)
    if pointed and not _IN_TEXT.search(rest):
        return _kept_out(bare[pointed.end() :])
    told = _TOLD.search(rest) or _FROM_MEMORY.search(rest)
    if "never" in verb.lower() and not told:
        return None  # "Never remember my dreams": the "I" is left out
    if re.search(r"remember|memori", verb, re.IGNORECASE):
        plainly = _MINE.match(rest) or _CLAUSE.match(rest) or re.match(r"[A-Z]\w+\W*$", rest)
        return _wanted(rest) if (plainly or told) and not _FOR_NOW.search(rest) else None
    mine = _MINE.match(rest) and not _TEXT.search(rest) and not re.search(r"\bkeep\s*$|\bhold", verb, re.IGNORECASE)
    return _wanted(rest) if (mine or told) and not _IN_TEXT.search(rest) else None


def _forgotten(rest: str) -> Wish | None:
    bare = _FROM_MEMORY.sub("", rest).strip()
    if _FOR_NOW.search(bare) or _IN_TEXT.search(bare) or _REPORTED.search(bare):
        return None
    if _ALL.match(bare):
        return Wish(everything=True)
    if _POINTER.match(bare) and not re.match(r"(?:about )?it\b", bare, re.IGNORECASE):
        # "Forget that, let's talk about films" changes the subject.
        return Wish(points=True) if not re.match(r"(?:this|that|all (?:this|that)),", bare, re.IGNORECASE) else None
    plainly = any(p.match(bare) for p in (_MINE, _CLAUSE, _WHICH, _THING, _LOOSE)) or _TOLD.search(bare)
    if plainly and not re.match(r"(?:about )?(?:it|this|that),", bare, re.IGNORECASE):
        return _wanted(bare)
    rest = _TAIL.sub("", re.sub(r",? (?:ok(?:ay)?|please|thanks)\W*$", "", bare, flags=re.IGNORECASE))
    if "," in bare and rest != bare.rstrip(" .!?") and "," in bare[len(rest) :]:
        return None  # "Forget the diet, I want pizza"
    if (_ABOUT.match(rest) or _THE.match(rest) or _FROM_MEMORY.search(bare)) and not _TEXT.search(rest):
        return _wanted(rest)
    return _wanted(rest) if re.match(r"[A-Z]\w+\W*$", rest) else None


def _taken(verb: str, rest: str) -> Wish | None:
    """A wish with a verb that is said of texts and files too."""
    remembered = _FROM_MEMORY.search(rest)
    bare = _FROM_MEMORY.sub("", rest).strip()
    if _IN_TEXT.search(bare) or _FOR_NOW.search(bare):
        return None
    if _ALL.match(bare) and (remembered or re.search(r"\byou\b|\bme\b|memor|\bmy\b", bare, re.IGNORECASE)):
        return Wish(everything=True)
    if _POINTER.match(bare) and (remembered or not _IDIOM.match(verb)):
        # "Scratch that, make it five" corrects what was asked.
        alone = not re.match(r"[\w ]+,\s*(?!please|ok|thanks|i don't|don't)\w", bare, re.IGNORECASE)
        return Wish(points=True, weak=not remembered) if alone or remembered else None
    if remembered or (_TOLD.search(bare) and not re.search(r"\bsaid\b.*\bin the\b", bare)):
        return _wanted(bare)
    if _TEXT.search(_TAIL.sub("", bare)):
        return None
    if _LOOSE.match(bare) or (_THING.match(bare) and verb not in {"drop", "clear"}):
        return _wanted(bare, weak=True)
    if _MINE.match(bare) and verb.startswith(("delet", "eras", "wip", "scrap", "purg", "stop")):
        return _wanted(bare, weak=True)
    return None
