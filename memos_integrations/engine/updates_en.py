"""English statements of changeable things: where somebody lives, who leads what, when something takes place."""

from __future__ import annotations

import re

from memos_integrations.engine.text import terms, words

# Who a clause is about; a relative may carry a name ("my sister Dana").
_SUBJECT = (
    r"(?P<subject>\b(?:I|[Ww]e|[Tt]he user|[Tt]hey|[Hh]e|[Ss]he"
    r"|(?:[Tt]he user's|[Mm]y|[Oo]ur|[Tt]heir) [a-z][\w-]*(?: [a-z][\w-]*)?(?: [A-Z][\w-]*)?"
    r"|(?!(?:Just|Sorry|No|Yes|Oh|Well|Anyway|Maybe|Recently|Yesterday|Today|Now|And|But|So|Also|Update|Actually"
    r"|Finally|The|My|Our|There|This|That|It|You)\b)[A-Z][\w-]+(?: [A-Z][\w-]+){0,2})(?!\w))"
)
# Verbs and adverbs between subject and predicate; what is over ("was", "had", "used to") or denied is not among them.
_AUXILIARY = (
    r"(?:(?:'m|'ve|'re|'s|'ll)\b| (?:am|is|are|have|has|been|will|be|going to|just|recently|now|finally|already|also"
    r"|currently|both|officially|still|actually|really|only|soon|then)\b)*"
)
_CALENDAR = (
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)day|january|february|march|april|may|june|july|august|september"
    r"|october|november|december"
)
_IS_A = r"(?:(?<=am )|(?<=is )|(?<='m )|(?<='s )|(?<=now ))"
_BEING = r"(?:(?<=is )|(?<=am )|(?<=are )|(?<='m )|(?<='s )|(?<='re )|(?<=now )|(?<=still )|(?<=been )|(?<=ly ))"
_PREDICATES = (
    (
        "home",
        (r"(?:moved|relocated|moving|relocating|move|moves|live|lives|living|based|resides?|residing|settled|staying)\b"
        r"(?! (?:on|past|forward|away from the|it|my|out of the way))(?: \w+)?(?: to| in| into| at| back| near| from)\b"
        rf"(?! (?:(?i:{_CALENDAR})\b|the next|\d{{1,2}}[:.]\d\d))"),
    ),
    (
        "employer",
        (r"(?:(?:work|works|working|employed|started working|starts? working)\b(?: [\w-]+)?(?: as [^.;,]{2,40}?)?"
        r" (?:at|for|in (?=an? |the ))(?! (?:home|night|least|free|now|days|hours|years|weeks|\d))"
        rf"|{_IS_A}(?:an?|the) [^.;,]{{2,40}} at (?=[A-Z]))"),
    ),
    ("role", (r"(?:(?:work|works|working|employed|started working|starts? working)(?: [^.;,]{2,40}?)? as\b"
             r"|(?:got |was |been )?promoted to)\b")),
    (
        "job",
        (r"(?:joined [^.;]{1,40}? as (?:an?|the|their|its)\b|joined (?:an?|the) [^.;]{0,40}\b(?:company|start-?up|firm"
        r"|bank|agency|studio|lab|hospital)\b|got a (?:new )?job|got hired|was hired|start(?:s|ed)? (?:a|my|their|his"
        r"|her) new job|(?:quit|left|leaving|lost) (?:my|their|his|her|our) jobs?|retired|unemployed|between jobs"
        r"|(?:was |got )?laid off|(?:was|got) fired|switched jobs|changed jobs)\b"),
    ),
    (
        "profession",
        (rf"{_IS_A}an? (?:[a-z-]+ ){{0,3}}?(?:engineer|teacher|nurse|doctor|developer|programmer|designer|lawyer"
        r"|student|pilot|accountant|architect|chef|cook|waiter|waitress|driver|librarian|journalist|scientist|researcher|professor"
        r"|writer|editor|actor|actress|musician|artist|photographer|electrician|plumber|carpenter|mechanic|farmer"
        r"|police officer|firefighter|paramedic|pharmacist|dentist|therapist|psychologist|consultant|analyst|manager"
        r"|barista|baker|cashier|clerk|intern|translator|surgeon|veterinarian|vet|tutor|salesperson)\b"),
    ),
    (
        "diet",
        (r"(?:(?:went|gone|go|goes|going|became|become|turned|eat|eats|a|strictly|fully|mostly|now|back to being) )*"
        r"(?:vegan|vegetarian|pescatarian|flexitarian|omnivor\w+|carnivore|plant-based)\b|(?:stopped|quit|started|began"
        r"|gave up|given up) (?:eating )?(?:any )?(?:meat|animal products|fish and meat|red meat)\b|(?:eat|eats|eating)"
        r" (?:meat|red meat) (?:again|now)\b|(?:don't|doesn't|no longer) eats? (?:any )?(?:meat|animal products)\b"),
    ),
    (
        "relationship",
        (rf"(?:(?:{_BEING}|(?:(?:got|getting|newly|happily) )+)(?:married|single|divorced|separated|widowed|dating"
        r"|engaged(?! (?:in|with))|in a relationship)|broke up|split up|broken up"
        r"|separated(?= in\b| last\b|[.,]|$))\b(?!-)"),
    ),
    (
        "age",
        (rf"(?:(?:{_IS_A}|(?<=be ))|turned )\d{{1,2}}(?= years? old\b|[.,!]|$| now\b| last\b| this\b| today\b"
        r"| yesterday\b)"),
    ),
    ("time zone", r"in (?:the )?(?:UTC|[A-Z]{2,4}T)\b"),
    ("birthday", r"(?:was )?born (?:on|in \d)"),
    ("name", rf"(?:{_BEING}(?:called|named)|go(?:es)? by) (?=[A-Z])"),
)  # fmt: skip
# A clause without any of these words, and without a number, fills no personal slot.
_HINTS = words(
    """
    moved relocated moving relocating move moves live lives living based reside resides residing settled staying work
    works working employed at job jobs joined hired retired unemployed laid fired promoted engineer teacher nurse doctor
    developer programmer designer lawyer student pilot accountant architect chef cook waiter waitress driver librarian
    journalist scientist researcher professor writer editor actor actress musician artist photographer electrician
    plumber carpenter mechanic farmer officer firefighter paramedic pharmacist dentist therapist psychologist consultant
    analyst manager barista baker cashier clerk intern translator surgeon veterinarian vet tutor salesperson vegan
    vegetarian pescatarian flexitarian carnivore meat animal married single divorced separated widowed dating engaged
    relationship broke split broken utc between born called named by
    """
)
_OF_HINTS = re.compile(r"omnivor|plant-based|[A-Z]T\b")
_WORD = re.compile(r"[a-z]+")


def may_be_personal(text: str) -> bool:
    """Whether it is worth looking for a personal slot; cheap."""
    return (
        not _HINTS.isdisjoint(_WORD.findall(text.lower()))
        or any(c.isdigit() for c in text)
        or _OF_HINTS.search(text) is not None
    )


SUBJECT = re.compile(rf"^(?:[\w ]{{1,20}}, )?{_SUBJECT}")
PERSONAL = tuple((slot, re.compile(rf"{_SUBJECT}{_AUXILIARY} (?:{p})")) for slot, p in _PREDICATES)
# The same said without a subject behind "and", and "Moved to …".
BARE = {
    slot: re.compile(
        rf"^(?:[Jj]ust |[Rr]ecently |now |is |am |are |has |have )*(?:{p})", re.IGNORECASE if slot == "home" else 0
    )
    for slot, p in _PREDICATES
    if slot not in {"age", "time zone"}
}
_OWNED = (
    r"(?P<owner>\b(?:[Mm]y|[Oo]ur|[Tt]he user's|[Tt]heir|[Hh]is|[Hh]er)\b|\b[A-Z][\w-]+'s)"
    r"(?P<of>(?: [a-z][\w-]*){1,2}'s)? (?:(?:new|current|full|first|last|all-time|absolute|(?P<sort>work|home|office"
    r"|private|personal|second)) )*"
)
OWNER = re.compile(_OWNED)
ATTRIBUTES = tuple(
    (slot, re.compile(rf"{_OWNED}(?:{p})(?:'s| (?:number )?(?:is|has changed|changed|falls|became)\b)"))
    for slot, p in (
        ("name", "name"),
        ("home", "address|hometown|home"),
        ("job", "employer|profession|occupation|job title|job(?= is (?:an?|at|as|the) )"),
        ("phone", "phone(?: number)?|cell|mobile|telephone(?: number)?|number"),
        ("email", "e-?mail(?: address)?"),
        ("birthday", "birthday|birth date|date of birth"),
        ("time zone", "time ?zone"),
        ("favorite", r"favou?rite (?P<thing>[\w' -]{2,40}?)(?: now| currently)?"),
    )
)  # fmt: skip
# "My boss is Karen" replaces another boss; "my boss is strict" does not.
PEOPLE = re.compile(
    rf"{_OWNED}(?P<role>(?:[a-z]+ )?(?:boss|manager|landlord|landlady|supervisor|advis[eo]r|girlfriend|boyfriend"
    r"|fianc[eé]e?|husband|wife|lead|assistant)) is(?: now)? (?=[A-Z])"
)
IN_CHARGE = re.compile(r"\b(?:responsible for|in charge of)\b")
LEADING = re.compile(
    r"(?:(?<![Aa]lso )(?<!co-))\b(?:leads?|leading|manages?|managing|heads?|chairs?|coordinates|took over|takes over"
    r"|taking over|(?:is|'s) (?:now )?(?:responsible for|in charge of|(?:the (?:new )?)?(?:lead|leader|head|manager"
    r"|owner|coordinator) (?:of|on|for)))(?: now)? (?P<what>(?:the |our )?[\w'&-]+(?: [\w'&-]+){0,3}?)"
    r"(?= from\b| now\b| since\b| as of\b| starting\b| instead\b| these days\b|[.,;!?]|$)"
)
ROLE = re.compile(
    r"^(?P<who>[A-Z][\w.'-]+(?: [A-Z][\w.'-]+)?|he|she|they) (?:is|will be|became|has become|'s)"
    r" (?:now )?(?:the|our|my) (?:new )?(?P<role>[\w' -]{2,40}?)(?: now)?[.!]?$"
)
VERSION = re.compile(
    r"\b(?:uses?|using|runs?|running|upgraded|upgrades|updated|switched|migrated|moved|downgraded|is|are)"
    r"(?: (?:our|my|their|the) \w+| it| now)?(?: to| on)? "
    rf"(?P<what>(?!(?i:{_CALENDAR}|room|gate|suite|floor|level|chapter|page)\b)[a-z]?[A-Z][\w.+#-]*(?: [A-Z][\w.]*)?)"
    r" v?\d+(?:\.\d+)*\b"
)
_INTRODUCTION = r"^(?:(?:update|news|actually|ok|hey|so|fyi|change of plans?|correction|no)[,:]? )*"
_DETERMINER = r"(?P<det>[Tt]he user's |[Tt]he |[Oo]ur |[Mm]y |[Tt]heir |[Tt]his |that |[Yy]our )?"
_CHANGE = (
    r"(?:moved|pushed|changed|rescheduled|postponed|delayed|shifted|brought forward|bumped|extended|slipped|switched"
    r"|renamed|updated|increased|lowered|raised|reduced|cancell?ed|shipped|delivered|closed|resolved|approved|rejected"
    r"|reassigned|dropped|rose|fell|climbed|jumped|grew|doubled|(?:went|gone|go) (?:up|down))\b"
)
CHANGED = re.compile(
    rf"{_INTRODUCTION}{_DETERMINER}(?P<thing>[\w'#&/ -]{{2,48}}?) ?"
    r"(?:(?:is|was|'s|got|has been|have been|had to be|were|are|will be|is being|has|have) (?:now |just |been "
    rf"|officially )?)?{_CHANGE}",
    re.IGNORECASE,
)
_CHANGING = frozenset(_WORD.findall(_CHANGE)) - {"b"} | {"canceled", "cancelled"}
COSTS = re.compile(
    rf"{_INTRODUCTION}{_DETERMINER}(?P<thing>[\w'#&/ -]{{2,48}}?)(?: now| currently)? costs?(?: now)? [^a-z]*\d",
    re.IGNORECASE,
)
SET = re.compile(
    r"\b(?:moved|pushed|extended|changed|rescheduled|postponed|delayed|raised|lowered|increased|reduced|updated|set)"
    r" (?P<det>the |our |my |their )(?P<thing>[\w'#&/ -]{2,48}?)(?: back| up| forward| out)? (?:to|until|by)\b"
)
IS = re.compile(
    rf"{_INTRODUCTION}{_DETERMINER}(?P<thing>[\w'#&/ -]{{2,48}}?) (?:is|are|will be|starts?|begins?|opens?"
    r"|closes?|expires?|takes place|ends?|happens)"
    r"(?: now| currently| still| scheduled| set| due| planned)*(?P<rest> .{1,80})$",
    re.IGNORECASE,
)  # fmt: skip
WHEN = re.compile(
    r"^ (?:on |at |in |for |by |until )?(?:the )?(?:\d{1,2}(?:st|nd|rd|th|:\d\d| ?[ap]\.?m)\b"
    rf"|{_CALENDAR}|(?:next|this) \w+|tomorrow|today|noon|midnight)",
    re.IGNORECASE,
)
WHERE = re.compile(r"^ (?:in|at) (?:the )?(?:room|hall|office|building|conference|meeting|[A-Z])", re.IGNORECASE)
STATE = re.compile(
    r"^ (?:not )?(?:(?:un)?blocked|delayed|finished|done|complete|completed|ready|open|closed|on track|on hold|over"
    r"|cancell?ed|resolved|fixed|broken|approved|pending|postponed|shipped|in progress|in review|live)(?: now| again)?"
    r"(?=[.!,]|$| by\b| since\b)",
    re.IGNORECASE,
)
_AMOUNT = re.compile(r"^ (?:now )?(?:[$€£¥]\s?)?\d[\d.,]*(?: ?[$€£¥%]| (?:euros?|dollars?|pounds?|yuan|kg|a|per|an)\b)")
_VALUE = re.compile(r"\d|\b(?!I\b)[A-Z]\w|\b(?:on|in|at) (?:the )?\w+$")
_CHANGEABLE = words(
    """
    deadline date meeting standup appointment flight order ticket budget release launch price status schedule
    plan version exam interview wedding trip rent salary dose dosage goal target manager boss landlord lead
    owner address password room number rate score weight project shipment package delivery booking reservation
    invoice build deployment sprint issue task milestone event party class session call lesson dinner lunch gate
    train bus hotel code pin
    """
)
_NOT_THINGS = re.compile(r"(?:i|we|he|she|they|it|you|there|what|who|how|that|this|user)\b", re.IGNORECASE)
# Words that two statements of the same thing may differ in.
LOOSE = {
    "home": frozenset(
        terms("live lives living lived moved move moving stay staying settled reside based relocated home address")
    ),
    "job": frozenset(terms("work works working worked employed job")),
}  # fmt: skip


def is_changeable(thing: str, determiner: str | None, rest: str) -> bool:
    """Whether "the budget is …" tells of something that takes other values, and tells its value."""
    if WHEN.match(rest) or _AMOUNT.match(rest):
        return True
    head = thing.lower().partition(" of ")[0].split()
    numbered = any(c.isdigit() for c in thing)
    if STATE.match(rest) or WHERE.match(rest):
        return bool(determiner) or numbered
    if not head or _VALUE.search(rest) is None:
        return numbered and any(token in _CHANGEABLE for token in head)
    return (head[-1] in _CHANGEABLE and bool(determiner)) or (numbered and any(t in _CHANGEABLE for t in head))


def thing(text: str) -> tuple[str, str | None] | None:
    """The slot of a changeable thing a clause is about, and the words that say whose it is."""
    match = COSTS.match(text)
    price = match is not None
    if match is None and not _CHANGING.isdisjoint(_WORD.findall(text.lower())):
        match = CHANGED.match(text)
    if (
        (match is None or _NOT_THINGS.match(match["thing"]))
        and (found := SET.search(text))
        and found["thing"].split()[-1].lower() in _CHANGEABLE
    ):
        match = found
    if match is None:
        match = IS.match(text)
        if match and not is_changeable(match["thing"], match["det"], match["rest"]):
            match = None
    if match is None or _NOT_THINGS.match(match["thing"]):
        return None
    about = {*terms(match["thing"]), *(terms("price") if price else ())}
    return ("thing:" + " ".join(sorted(about)), match["det"]) if 0 < len(about) <= 4 else None
