"""Tastes told without a verb of liking: by effects on the speaker, by limits, by "X over Y" and "no X for me"."""

from __future__ import annotations

import re

from memos_integrations.engine.predicates import Sign, Table

_BAD = (
    r"(?:crazy|mad|nuts|insane|bonkers|wild|up the wall|to tears|sick|gag|retch|puke|itch|sneeze|anxious"
    r"|uneasy|nauseous"
    r"|dizzy|queasy|sleepy|angry|sad|nervous|tired|cringe|uncomfortable|claustrophobic|ill|bloated|jittery"
    r"|cranky|wheeze"
    r"|break out|feel (?!happy|calm|relaxed|alive|good|great|better|at home|safe)\w+|want to (?:scream|leave|cry|run)"
    r"|(?:pretty |really |very )?(?:sick|ill))"
)
_AGAINST: Table = tuple(
    (re.compile(pattern, re.IGNORECASE), "-")
    for pattern in (
        rf"\b(?:makes?|drives?|sends?|gets?) me {_BAD}\b",
        (
            r"\b(?:wipes?|wears?|freaks?|creeps?|grosses?|stress(?:es)?|tires?|weirds?|bums?|turns?"
            r"|puts?) me (?:out|down|off)\b"
            r"|\bleaves? me cold\b|\b(?:stress(?:es)?|terrif(?:y|ies)|frightens?|scares?|bores?|annoys?"
            r"|irritates?|drains?"
            r"|exhausts?|disgusts?|bothers?|overwhelms?|upsets?|depress(?:es)?|repels?|infuriates?) me\b"
        ),
        r"\b(?:gets?|getting|grates?) on my nerves\b|\bupsets? my stomach\b|\bdisagrees? with me\b",
        (
            r"\bgives? me (?:a |an |the |really |awful |terrible |bad )*(?:headaches?|migraines?|creeps"
            r"|anxiety|heartburn|hives"
            r"|cramps|rash(?:es)?|nightmares|stomach ?aches?|shivers)\b"
        ),
        r"\b(?:makes?|makes? all) my \w+ (?:itch|hurt|ache|burn|swell|crawl|sting|water|sore|bleed)\b",
        (
            r"\b(?:is|are|'s|'re) (?:completely |totally |just |really |way |far "
            r"|simply )*(?:out of the question|a no-?go"
            r"|no-?gos?|a deal-?breaker|off[- ]limits|torture|hell|a nightmare|too [\w-]+|not|never) for me\b"
        ),
        (r"\bfeels? (?:too |so |very |a bit |really )*(?!right|good|great|natural|better|best|safe"
        r"|at home)\w+ (?:to|for) me\b"),
        (
            r"\bmy (?:stomach|gut|skin|knees?|back|eyes|ears|body|doctor|religion|faith|budget|lungs|teeth"
            r"|joints|head)"
            r" (?:\w+ )?(?:can't|cannot|doesn't|don't|won't|hates?|reacts?|forbids?|only (?:tolerates?"
            r"|handles?|allows?|takes?))\b"
        ),
        r"^(?:nothing|no|zero) .{2,60}\bfor me\b",
        (r"\bI(?:'m| am) not allowed to\b|\bI sleep (?:badly|poorly|terribly)\b"
        r"|\bI've never (?:really )?(?:liked|enjoyed|loved|cared)\b"),
        (r"\bI(?:'m| am) off (?:\w+ )?(?:dairy|meat|sugar|gluten|alcohol|caffeine|coffee|carbs|bread|wheat"
        r"|social media)\b"),
        (r"\bI(?:'m| am) (?:\w+ )?(?:\w+-averse|no fan of|no good with|done with|over)\b(?! (?:it|this|that"
        r"|here|\d|there))"),
    )
)  # fmt: skip
_FOR: Table = tuple(
    (re.compile(pattern, re.IGNORECASE), "+")
    for pattern in (
        (
            r"\b(?:calms?|relax(?:es)?|cheers?|inspires?|soothes?|fascinates?|energi[sz]es|delights?) me\b"
            r"|\bmakes? me (?:really |so |very )*(?:happy|smile|feel (?:happy|calm|relaxed|alive|good|great"
            r"|better|at home|safe))\b"
            r"|\bkeeps? me (?:sane|going|grounded|calm)\b"
        ),
        r"\bgive me (?:a |an |some |the )?[\w' -]{2,40} any day\b",
        (
            r"^[A-Za-z][\w' -]{2,40} over [\w' -]{2,40}(?:,? (?:any day|no exceptions|every time|always|for me"
            r"|anytime))+[.!]*$"
        ),
        r"\bI(?:'m| am) all (?:for|about)\b(?! (?:it|this|that)\b)",
    )
)
_RULES: Table = tuple(
    (re.compile(pattern, re.IGNORECASE), "=")
    for pattern in (
        (
            r"\bI (?:\w+ )+(?:and nothing else|and only \w+)\b|\bI (?:dress|eat|drink|shop|work|read|wear|buy"
            r"|travel) only\b"
        ),
        r"^(?:mornings?|evenings?|nights?|weekends?|weekdays?) only for me\b",
        (
            r"^(?:usually|normally|typically|generally|mostly|most (?:days|mornings|evenings|weekends)),? (?:I"
            r"|we) (?!was|had|went|did)\w+"
        ),
        (
            r"\bI (?:learn|work|sleep|focus|study|think|concentrate|write|cook) (?:much |far |a lot "
            r"|way )?(?:better|best)\b"
        ),
    )
)
_ALL = (*_AGAINST, *_FOR, *_RULES)
_LOOSE_START = re.compile(
    r"^(?:and |but |so |well )*(?:it|this|that|these|those|he|she|they|you)(?:'s|'re|'ll)?\b", re.IGNORECASE
)
# Every pattern holds one of these, so that most clauses are done after one search.
_HINT = re.compile(r"\b(?:me|my|I'm|I am|I've|only|over|usually|normally|typically|generally|mostly|most"
r"|better|best|I sleep"
                   r"|nothing else)\b", re.IGNORECASE)  # fmt: skip
_DENIED = re.compile(
    r"\bI (?:never|didn't|did not|don't|do not) (?:said?|say|claim(?:ed)?|tell|told|mean|meant|think|thought)\b"
    r"(?=.*\b(?:like|love|hate|dislike|prefer|enjoy|am|want|need)\b)",
    re.IGNORECASE,
)
_TOOK_BACK = re.compile(
    r"[,;.] (?:but )?(?:I|actually,? I) (?:actually |really |do )*(?P<verb>love|like|enjoy"
    r"|adore|hate|dislike)"
)
_CHANGED = re.compile(
    r"^(?:I|we) used to (?:\w+ )?(?:love|like|enjoy|hate|dislike|adore|eat|drink|be)\b.{2,80}?[,;.]? (?:but "
    r"|and )?(?:now(?:adays)?"
    r"|these days|today|lately)?,? ?(?P<now>(?:I|we|I'm|now I)\b.*)$",
    re.IGNORECASE,
)


def effect_sign(clause: str) -> Sign | None:
    """The sign of a taste told by an effect on the speaker, a limit or a verbless rule; None without one."""
    clause = clause[:400]
    if not _HINT.search(clause) or _LOOSE_START.match(clause):
        return None
    return next((sign for pattern, sign in _ALL if pattern.search(clause)), None)


def is_denial(sentence: str) -> bool:
    """Whether a sentence takes back a statement about a taste: "I never said I dislike jazz"."""
    return bool(_DENIED.search(sentence))


def taken_back(sentence: str) -> Sign | None:
    """The sign that stands behind a denial: "I never said I dislike jazz, I love it."; None when nothing does."""
    match = _TOOK_BACK.search(sentence)
    if not match:
        return None
    return "-" if match["verb"].lower() in {"hate", "dislike"} else "+"


def changed(sentence: str) -> str:
    """What holds now of "I used to love horror films, now I avoid them"; "" for any other sentence."""
    match = _CHANGED.match(sentence)
    return match["now"] if match else ""
