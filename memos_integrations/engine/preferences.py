"""Stated preferences: likes, dislikes, constraints and habits, each with its own scope and sign."""

from __future__ import annotations

import re
from dataclasses import dataclass

from memos_integrations.engine import preferences_zh
from memos_integrations.engine.effects import changed, effect_sign, is_denial, taken_back
from memos_integrations.engine.predicates import Sign, predicate_signs
from memos_integrations.engine.sentences import is_chinese
from memos_integrations.engine.text import terms, words


@dataclass(frozen=True, slots=True)
class Stated:
    """A stated preference: the words that state it, and whether it speaks for (+), against (-) or of a rule (=)."""

    text: str
    sign: Sign


_TOLD = re.compile(
    r"^(?:the )?user(?:'s)? (?:also |really |strongly |generally |usually |always |now |currently "
    r"|only )*(?:prefers?|likes?"
    r"|loves?|enjoys?|favou?rs?|favou?rite|preference|wants? (?:replies|answers|responses)"
    r"|(?P<no>hates?|dislikes?|avoids?"
    r"|does not|doesn't|never|cannot|can't|is (?:allergic|intolerant|not a fan))|is (?:a )?(?:vegan"
    r"|vegetarian|pescatarian))\b",
    re.IGNORECASE,
)
_ONE_OFF = re.compile(
    r"\b(?:today|tonight|tomorrow|right now|for now|at the moment|just (?:this )?once|in the mood|feel(?:ing)? like"
    r"|this (?:time|morning|afternoon|evening|week|weekend|month|once|task|project|one|particular|occasion|trip|year)"
    r"|for (?:this|the moment|the next|my next))\b"
    r"|\b(?:I used to|if I|whether I|wish I|imagine I|suppose I|as if I|unless I|should I|would I|do I"
    r"|did I|have I|am I)\b",
    re.IGNORECASE,
)
# Words that join two halves of one choice: the second half names what is taken instead.
_CONTRAST = re.compile(
    (
        r"\b(?:prefer|rather|instead|favou?r|opt|choose|only|exclusively|stick"
        r"|alternatives?)\b"
    ),
    re.IGNORECASE,
)
_QUOTED = re.compile('["\u201c][^"\u201d]*\\b(?:I|my|me)\\b[^"\u201d]*["\u201d]')
_NEEDS = re.compile(r"\b(?:need|looking for|searching for|want|require|shopping for|trying to)\b")
_JOINT = re.compile(
    r"(?P<but>,? (?:but|yet|though|although|however|while|whereas),? )"
    r"|(?P<reason>,? (?:so|because|since|as|which is why|therefore|hence),? )|(?P<and>,? and |, |; | [-–—] )",
    re.IGNORECASE,
)
_NEW_CLAUSE = re.compile(r"(?:I|I'(?:m|ve|d|ll)|[Mm]y)\b")
_SUBORDINATE = re.compile(
    r"^(?:and |but |so )?(?:when|whenever|if|since|as|because|due|for|although|though|while|after"
    r"|before|during|at|in|on"
    r"|with|being|given|unlike|instead|even|despite|thanks|owing|to|by|besides|apart|unless|until"
    r"|whether|like|generally"
    r"|usually|personally|honestly|overall)\b",
    re.IGNORECASE,
)
_FEELING_VERB = (
    r"(?:(?:really|absolutely|also) )?(?:love|like|enjoy|adore|hate|dislike|detest|loathe|despise"
    r"|can't stand|cannot stand|don't like|do not like|don't enjoy)"
)
_SPLIT = re.compile(
    rf"^(?P<subject>I) (?P<first>{_FEELING_VERB} (?P<a>[^,;.]{{2,60}}?))(?:,? and |,? but |, |; )(?:I )?"
    rf"(?P<second>{_FEELING_VERB} (?P<b>[^,;.]{{2,60}}))(?P<end>[.!]*)$",
    re.IGNORECASE,
)
_DEPENDS = re.compile(
    r"\b(?:it|them|they|those|these|that|which|when|if|because|ones?|others?|over|than|instead|rather)\b", re.IGNORECASE
)
_IS = re.compile(r"(?:The user|They|I)(?:'m|'re| am| is| are)\b", re.IGNORECASE)
_FEELING = frozenset(
    term
    for word in words(
        """
        love like enjoy adore prefer preference favor favour appreciate hate dislike detest loathe avoid stand
        absolutely definitely strongly particularly especially always never usually fan big huge favorite favourite
        anymore longer 用户 喜欢 不喜欢 讨厌 爱吃 最爱 不爱
        """
    )
    for term in terms(word)
)


def stated(sentence: str) -> list[Stated]:
    """The preferences that a statement of a user holds, each with the words that limit it; [] when it holds none."""
    if is_chinese(sentence):
        return [Stated(text, sign) for text, sign in preferences_zh.stated(sentence)]
    told = _TOLD.match(sentence)
    if told:
        return [Stated(sentence, "-" if told["no"] else "+")]
    if is_denial(sentence):
        back = taken_back(sentence)
        return [Stated(sentence, back)] if back else []
    now = changed(sentence)
    if now:
        sign = predicate_signs(now)
        return [Stated(sentence, sign)] if sign else []
    found: list[Stated] = []
    lead = ""
    for clause, joint in _clauses(sentence):
        sign = None if _QUOTED.search(clause) else sign_of(clause)
        if found and joint and _completes(joint, sign, found[-1], clause):
            found[-1] = Stated(f"{found[-1].text}{clause}", found[-1].sign)
        elif sign:
            # What stands before a "but" or a "so" says when or why the rest holds.
            leads = joint == "reason" or (joint == "but" and _NEEDS.search(lead))
            found.append(Stated(lead + clause if leads else clause, sign))
            lead = ""
        else:
            lead = lead + clause if joint in {"", "reason", "but"} else clause
    kept = [Stated(_tidy(item.text), item.sign) for item in found]
    return [half for item in kept if object_terms(item.text) for half in _halves(item)]


def _completes(joint: str, sign: Sign | None, before: Stated, clause: str) -> bool:
    """Whether a clause only completes the preference in front of it."""
    if joint == "reason":
        return True
    if not sign:
        return False
    if joint == "and" and _apart(before.text, clause):
        return False
    return joint == "but" or before.sign == sign or bool(_CONTRAST.search(clause))


def continues(before: Stated, after: Stated) -> bool:
    """Whether the next sentence's preference only completes the one before it ("I dislike A. I prefer B.")."""
    lean = re.match(r"(?:they|it|that|these|those|this|instead|so)\b", after.text, re.IGNORECASE)
    shared = set(object_terms(before.text)) & set(object_terms(after.text))
    contrast = before.sign != after.sign and _CONTRAST.search(after.text) and not _apart(before.text, after.text)
    return bool(lean or shared or contrast)


def _apart(before: str, after: str) -> bool:
    """What somebody is ("I'm vegetarian") and what they like are told together and hold apart, unless one leans."""
    before, after = _tidy(before), _tidy(after)
    if bool(_IS.match(before)) is bool(_IS.match(after)) or _DEPENDS.search(after):
        return False
    return not set(object_terms(before)) & set(object_terms(after))


def sign_of(clause: str) -> Sign | None:
    """Whether an English clause states a liking, a dislike or a rule; None when it states no lasting preference."""
    return None if _ONE_OFF.search(clause) else predicate_signs(clause) or effect_sign(clause)


def object_terms(text: str) -> tuple[str, ...]:
    """The search terms of what a preference is about, without the words that say how it is felt."""
    return tuple(dict.fromkeys(t for t in terms(text) if t not in _FEELING))


def _clauses(sentence: str) -> list[tuple[str, str]]:
    """Clauses with a first-person subject of their own, each with how it joins the one before it."""
    clauses: list[tuple[str, str]] = []
    start, joint = 0, ""
    for match in _JOINT.finditer(sentence):
        if not _NEW_CLAUSE.match(sentence, match.end()):
            continue
        head = sentence[start : match.start()]
        if not joint and (_SUBORDINATE.match(head.strip()) or not _NEW_CLAUSE.search(head)):
            continue
        clauses.append((head, joint))
        start, joint = match.start(), match.lastgroup or "and"
    clauses.append((sentence[start:], joint))
    if len(clauses) > 1 and clauses[1][1] == "reason" and not sign_of(clauses[0][0]) and sign_of(clauses[1][0]):
        clauses[:2] = [(clauses[0][0] + clauses[1][0], "")]
    return clauses


def _halves(item: Stated) -> list[Stated]:
    """ "I love A and hate B" is two preferences when the halves do not lean on each other."""
    match = _SPLIT.match(item.text)
    if not match or _DEPENDS.search(match["a"]) or _DEPENDS.search(match["b"]):
        return [item]
    if max(len(match["a"].split()), len(match["b"].split())) > 5:
        return [item]
    halves = [f"{match['subject']} {match[part]}{match['end'] or '.'}" for part in ("first", "second")]
    signs = [sign_of(half) for half in halves]
    if signs[0] == signs[1]:
        return [item]
    return [Stated(half, sign) for half, sign in zip(halves, signs, strict=True) if sign]


def _tidy(text: str) -> str:
    text = re.sub(
        r"^(?:,|;| -| [–—])? ?(?:and|but|so|yet|though|although|plus|because|since)?,? ?", "", text, count=1
    ).strip(" ,;-–—")
    return text[:1].upper() + text[1:]
