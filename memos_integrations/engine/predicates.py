"""What an English clause in the first person says of its speaker's tastes: the predicates after "I", one by one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from memos_integrations.engine.text import words
from memos_integrations.engine.verbs import is_past

Sign = Literal["+", "-", "="]
Table = tuple[tuple[re.Pattern[str], Sign], ...]


def _table(rows: Iterable[tuple[str, Sign]]) -> Table:
    return tuple((re.compile(pattern, re.IGNORECASE), sign) for pattern, sign in rows)


_SUBJECT = re.compile(
    r"\b(?:I|[Ww]e(?='|\b))(?:'(?P<short>m|ve|d|ll|re))?(?![\w'])|(?:(?<=\band)|(?<=\bbut)|(?<=\bso)"
    r"|(?<= [-–—])|(?<=,)"
    r"|(?<=;)|^)(?= ?\w)"
)
_ADVERBS = re.compile(
    (
        r"(?:[, ]*(?:always|often|sometimes|just|also|still|do(?! not)|much|very|so|quite|even|both"
        r"|now|kind of|sort of|ever|tend to"
        r"|try to|would|will|must|have to|need to|am|long|at least|in general|thus|therefore|too|far|then"
        r"|myself|like to say"
        r"|find that|think|feel that|believe that|come to|grown to|learned to"
        r"|[a-z]+ly)\b(?<!only)(?<!reply)(?<!apply))*[, ]*"
    ),
    re.IGNORECASE,
)
_LIKING = (
    r"(?:love|like|enjoy|adore|prefer|favou?r|appreciate|cherish|treasure|crave|relish|gravitate (?:to"
    r"|toward)s?|lean toward)"
)
_LIKED = (
    r"(?:loved|liked|enjoyed|adored|preferred|favou?red|appreciated|been (?:a (?:\w+ )?fan|into|fond"
    r"|passionate|drawn|obsessed))"
)
_DISLIKING = (
    r"(?:hate(?! to (?:bother|say|admit|break|interrupt|ask|complain|be that|disappoint))"
    r"|dislike|detest|loathe|despise|abhor|resent|avoid|refuse|reject|oppose|shun|steer clear"
    r"|stay away|fear|disapprove|object to|boycott|distrust|struggle (?:with|to)"
    r"|get (?:\w+ )?(?:uncomfortable|anxious|nervous|dizzy|nauseous|sick|bored|overwhelmed|carsick"
    r"|seasick|migraines?|headaches?))"
)
_DISLIKED = r"(?:hated|disliked|detested|avoided|struggled (?:with|to)|been (?:afraid|scared|allergic|averse|against))"
# "I like it", "I like your answer", "I'd like to know": about this talk, not about the speaker.
_OF_THE_TALK = (
    r"(?! (?:it\b(?! when)|this\b|that\b(?! (?:I|my))|these\b|those\b|you(?:r|rs)?\b|(?:how|what"
    r"|the way) (?:you|it|this)\b|the (?:first|second|third|fourth"
    r"|last|other|idea|answer|response|result|output|code|sound of|look of)\b"
    r"|(?:the |all |all the |that |some of the )?(?:[\w-]+ ){0,3}(?:suggestions?|information|info|tips"
    r"|advice|help|recommendations?|ideas?|insights?|feedback|explanations?|response|concept)\b))"
)
_NOT_OF_THE_TALK = (
    r"(?! (?:it\b(?! when)|this\b|that\b(?! (?:I|my))|these\b|those\b|you(?:r|rs)?\b|(?:how|what"
    r"|the way) (?:you|it|this)\b|the (?:first|second|third|fourth|last|answer|response|result|output"
    r"|code)\b))"
)
_NEGATED = (
    r"(?:(?:don't|do not|never|won't|will not|wouldn't|would not|no longer|hardly ever|rarely"
    r"|seldom)(?: (?:ever|really|usually|typically|even|much|generally|normally|\w+ly))*"
    r" (?:like|enjoy|eat|drink|want|care|love|use|wear|watch|read|play|buy|consume|do|go|appreciate"
    r"|trust|believe|support|consider|have (?:any |much )?(?:interest|patience|tolerance|time)"
    r"|touch|cook|smoke|feel comfortable|engage|participate|attend|travel|fly|drive|prefer|work"
    r"|listen|shop|ride|need|keep|tolerate|agree|approve|set foot|stay|visit|respond well"
    r"|sleep)"
    r"|(?:can't|cannot|can not)(?: (?:ever|even|really|physically|\w+ly))* (?:stand|bear|tolerate"
    r"|stomach|eat|drink|have|handle|wear|digest|afford|deal|abide|use|go|stay|sit|watch|read|consume"
    r"|participate|engage|be around|do|ride|drive|focus|concentrate|live|work))\b"
)
_PLAIN = _table(
    (
        (_NEGATED + _NOT_OF_THE_TALK, "-"),
        (rf"{_DISLIKING}\b{_NOT_OF_THE_TALK}", "-"),
        (rf"{_LIKING}s?\b(?! not\b){_OF_THE_TALK}(?= \w)", "+"),
        (rf"{_LIKING}s? not\b", "-"),
        (
            (
                r"(?:have|suffer from|got) (?:always had |also |been diagnosed with )?(?:a |an |no |little |zero "
                r"|some |such a )*(?:[\w-]+,? ){0,6}(?:aversion|phobia|fear|dislike"
                r"|allerg(?:y|ies)|intolerance|distaste|interest in|sensitivity|hatred|disdain|vertigo"
                r"|dietary restrictions?|dyslexia|adhd|asthma|celiac|coeliac|diabetes|bias against|patience for"
                r"|motion sickness|claustrophobia|acrophobia|moral objections?|ethical concerns?|objections?)\b"
            ),
            "-",
        ),
        (
            (
                r"have (?:a |an )?(?:[\w-]+ ){0,3}(?:preference|love|passion|soft spot|fondness|penchant|taste"
                r"|appreciation|sweet tooth|affinity|weakness|inclination)\b"
            ),
            "+",
        ),
        (
            (
                r"(?:find|found) .{2,90}?\b(?:ineffective|boring|hard|difficult|overwhelming|annoying|off-?putting"
                r"|distracting|unappealing|uncomfortable|exhausting|stressful|dull|tedious|too \w+|challenging"
                r"|overrated|frustrating|disturbing|unpleasant|confusing|intimidating|repetitive|unhelpful"
                r"|restrictive|disgusting|depressing|excessive|impersonal|clich\w+|monotonous|isolating|draining"
                r"|predictable|unethical|wasteful|gimmicky|unhealthy|shallow|pretentious|disorienting|impractical"
                r"|pointless|irritating|creepy|scary)\b"
            ),
            "-",
        ),
        (
            (
                r"find .{2,60}?\b(?:relaxing|soothing|fascinating|calming|inspiring|comforting|rewarding|enjoyable"
                r"|motivating|(?:more|most) \w+)\b"
            ),
            "+",
        ),
        (
            (
                r"only (?!(?:just|recently|now|had|got|have|started|began|know|knew|found|learned|need|asked|was"
                r"|slept|ate|drank|ran|left|lost|won|paid|spent|took|gave|used|stayed|worked"
                r"|met|done|tried|heard|read|eaten|bought|told|spoken|taken|made|given|visited|watched|played"
                r"|did|been|wish|hope|mean|remember|came|went|saw|\w+ed)\b)[a-z]+\b"
            ),
            "=",
        ),
        (
            (
                r"(?:exclusively|solely|strictly|purely|insist on|strive to|make (?:it a point|a point|sure) to"
                r"|prioriti[sz]e|value|seek out|opt for|stick (?:to|with)|swear by|thrive|require|can only"
                r"|must (?:avoid|have)"
                r"|(?:have|need) to (?:avoid|limit|be careful)|do (?:much )?better (?:with|when|in)|(?:learn|work"
                r"|sleep|focus|study|think|concentrate) (?:best|better)|believe in|choose to|am committed)\b"
                r"(?! (?:option|number|the (?:first|second|third|fourth|last)|\d))"
            ),
            "=",
        ),
        (
            (
                r"(?:follow|keep|adhere to|maintain|stick to|live|eat|observe|practice) (?:a "
                r"|an )?(?:[\w-]+ ){0,4}(?:diet|lifestyle|kosher|halal|vegan|vegetarian|plant-based|regimen"
                r"|gluten-free|keto)\b"
            ),
            "=",
        ),
        (r"want to (?:only|always|avoid|never)\b|only want\b", "="),
    )
)
_BE = _table(
    (
        (
            (
                r"not (?:really |a |an |very |too |particularly |at all |much of a |much |that |exactly |all that "
                r"|super )*(?:big |huge )?(?:fan|into|interested|keen|fond|comfortable|big on|crazy|person|drawn"
                r"|one for"
                r"|good with|open to|willing|okay with|ok with|a believer)\b"
            ),
            "-",
        ),
        (
            (
                r"(?:[\w-]+ )?(?:allergic(?! *[.!]*$)|intolerant|afraid|scared|terrified|averse|opposed"
                r"|uncomfortable|sensitive|claustrophobic|phobic|against|wary|squeamish|[\w-]+-averse|tired of"
                r"|sick of|bored (?:by|of|with)|turned off|put off|uninterested"
                r"|unwilling|hesitant|reluctant)\b(?! (?:that|i|this|it)\b)"
            ),
            "-",
        ),
        (
            (
                r"(?:a |an )?(?:[\w-]+,? ){0,3}(?:fan|lover|enthusiast|believer|advocate|supporter|purist"
                r"|connoisseur|admirer|aficionado|devotee|proponent|(?:coffee|tea|dog|cat|morning|night|people"
                r"|beach|mountain|city|outdoor|outdoorsy|visual|routine) (?:person|learner))\b"
            ),
            "+",
        ),
        (
            (
                r"(?:really |very |super |totally |quite |more |pretty )*(?:fond of|fascinated by"
                r"|into\b|keen on|passionate about"
                r"|partial to|obsessed with|drawn to|addicted to|crazy about|loyal to|committed to|big on)(?! (?:it"
                r"|this|that)\b)"
            ),
            "+",
        ),
        (
            (
                r"(?:a |an |on a |following a )*(?:strict(?:ly)? |lifelong |committed |devout |practicing "
                r"|lacto-?ovo |mostly |raw |long-?time |proud |now a )*(?:vegan|vegetarian|pescatarian|flexitarian"
                r"|halal|kosher|gluten[- ]free"
                r"|dairy[- ]free|lactose|diabetic|celiac|coeliac|teetotal(?:er|ler)?|sober|keto|paleo|carnivore"
                r"|minimalist|environmentalist|early bird|night owl|introvert|extrovert|homebody|left-handed"
                r"|colou?r-?blind|dyslexic)\b"
            ),
            "=",
        ),
        (r"(?:on|following|keeping) (?:a |an )?(?:[\w-]+ ){0,3}(?:diet|budget)\b", "="),
    )
)
_PERFECT: Table = (
    (re.compile(rf"{_LIKED}\b{_OF_THE_TALK}", re.IGNORECASE), "+"),
    (re.compile(rf"{_DISLIKED}\b", re.IGNORECASE), "-"),
)
_WOULD: Table = (
    (
        re.compile(
            (
                r"(?:prefer(?! (?:it|that|this|the (?:first|second|third|last)|option)\b)(?! not)|rather (?!not"
                r"|know|have you))\b"
            ),
            re.IGNORECASE,
        ),
        "+",
    ),
    (
        re.compile(
            r"(?:prefer not|rather not|never|not (?:eat|drink|go|use|wear|consider|buy|watch|play))\b", re.IGNORECASE
        ),
        "-",
    ),
)
_ANYWHERE = _table(
    (
        (
            (
                r"\b(?:bothers?|annoys?|disgusts?|irritates?|terrifies|scares?|bores?) me\b|\b(?:doesn't|don't"
                r"|do not|does not|never) (?:really |quite )?(?:appeals? to|interests?|suits?|agrees? with"
                r"|works? (?:well )?for|sits? well with|resonates? with) me\b"
                r"|\bdrives? me (?:crazy|mad|nuts)\b|\b(?:turns?|puts?) me off\b|\bmakes? me (?:feel )?(?:sick"
                r"|uncomfortable|anxious|nauseous|dizzy|nervous|itch|sleepy|queasy|uneasy|claustrophobic|ill)\b"
                r"|\b(?:isn't|aren't|not|never) (?:really |quite )?my (?:thing|cup of tea|style|taste|jam"
                r"|favou?rite)\b|\b(?:isn't|aren't|is not|are not) (?:really )?for me\b|\bgives? me (?:a headache"
                r"|headaches|migraines?|heartburn|hives)\b"
            ),
            "-",
        ),
        (
            (
                r"\bmy (?:all-time |absolute |personal |current |number one )?(?:favou?rite|preferred|go-to"
                r"|preference)\b|\b(?:is|are) (?:always )?my (?:favou?rites?|go-to|jam|comfort food|passion"
                r"|thing)\b"
                r"|\b(?:works?|suits?) (?:(?:best|better) for me|me (?:best|better|well))\b|\bmakes? me (?:happy"
                r"|feel (?:calm|relaxed|alive))\b"
            ),
            "+",
        ),
    )
)
_HABIT = re.compile(
    (
        r"(?:usually|typically|normally|generally|always|never|rarely|seldom|hardly ever|almost never"
        r"|almost always|tend to|mostly) (?:\w+ly )?(?P<verb>[a-z']+)"
    ),
    re.IGNORECASE,
)
_NO_HABIT = words(
    "lose win seem end happen "
    "wanted thought wondered knew felt heard been had was were did got went saw said told wonder "
    "forget remember know think get had heard seen tried used find"
)
_ROUTINE = re.compile(
    (
        r"(?!(?:them|it|that|this|those|need|want|have to|will|can|would|was|had|did|went"
        r"|got)\b)[a-z]+(?<!ed) (?!(?:them|it|that|this|those"
        r"|these)\b)(?:[\w'-]+,? ){0,8}?(?:every (?:single )?(?:day|morning|evening|night|week"
        r"|weekend|monday|tuesday|wednesday|thursday|friday|saturday|sunday)s?"
        r"|on (?:weekends|weekdays|mondays|tuesdays|wednesdays|thursdays|fridays|saturdays|sundays)|(?:once"
        r"|twice|three times) a (?:day|week|month))\b"
    ),
    re.IGNORECASE,
)
_SELF = re.compile(r"\b(?:I|[Mm]y|me)\b")
_BARE_START = re.compile(
    rf"(?:{_LIKING}|{_DISLIKING}|can't stand|don't (?:like|eat|drink)|never (?:eat|drink)|allergic to|not a fan)\b",
    re.IGNORECASE,
)


def predicate_signs(clause: str) -> Sign | None:
    """The sign of the first lasting taste, rule or habit that a clause states of its speaker; None without one."""
    clause = clause[:600]
    seen = False
    for match in _SUBJECT.finditer(clause):
        own = clause[match.start() : match.start() + 1] in {"I", "W", "w"} and match.end() > match.start()
        if not own and not seen and not (match.start() == 0 and _BARE_START.match(clause)):
            continue
        seen = seen or own
        sign = _predicate(clause, match.end(), (match["short"] or "").lower())
        if sign:
            return sign
    if _SELF.search(clause):
        for pattern, sign in _ANYWHERE:
            if pattern.search(clause):
                return sign
    return None


def _predicate(clause: str, start: int, short: str) -> Sign | None:
    skipped = _ADVERBS.match(clause, start)
    position = skipped.end() if skipped else start
    adverbs = clause[start:position].lower()
    if short in {"m", "re"} or " am " in f" {adverbs} ":
        sign = _first(_BE, clause, position)
    elif short == "ve" or clause[position : position + 5].lower() == "have ":
        sign = _perfect(clause, start, position + (0 if short == "ve" else 5))
        sign = sign or _first(_PLAIN, clause, position)
    elif short == "d" or "would" in adverbs:
        sign = _first(_WOULD, clause, position)
    else:
        sign = _first(_PLAIN, clause, position)
    if sign or re.search(r"\b(?:exclusively|solely|strictly)\b", adverbs):
        return sign or "="
    return _habit(clause, start, position, short)


def _first(table: Table, clause: str, position: int) -> Sign | None:
    return next((sign for pattern, sign in table if pattern.match(clause, position)), None)


def _perfect(clause: str, start: int, position: int) -> Sign | None:
    """ "I have always loved …", "I've been a vegetarian since …"."""
    skipped = _ADVERBS.match(clause, position)
    after = skipped.end() if skipped else position
    if clause[after : after + 5].lower() == "been ":
        found = _first(_BE, clause, after + 5)
        if found:
            return found
    lasting = re.search(r"always|long|never", clause[start:after], re.IGNORECASE)
    return _first(_PERFECT, clause, after) if lasting else None


def _habit(clause: str, start: int, position: int, short: str) -> Sign | None:
    habit = _HABIT.match(clause, _skip_blank(clause, start))
    if short != "m" and habit and habit["verb"].lower() not in _NO_HABIT and not is_past(habit["verb"].lower()):
        return "="
    return "=" if not short and _ROUTINE.match(clause, position) else None


def _skip_blank(text: str, position: int) -> int:
    while position < len(text) and text[position] in " ,":
        position += 1
    return position
