"""Which changeable thing a statement tells of: its slot. Of one speaker's memories in one slot the newest stands."""

from __future__ import annotations

import re

from memos_integrations.engine.preferences import object_terms
from memos_integrations.engine.sentences import is_chinese
from memos_integrations.engine.text import terms, words

_I = (
    r"\b(?:I|we|I've|we've|[Tt]he user|[A-Z][a-z]+)(?: have| has|'ve)?(?: just| recently| now| finally"
    r"| already| also| currently| both| officially)* "
)
_OWN = r"\b(?:[Mm]y|[Oo]ur|[Tt]he user's|his|her|their|[A-Z][a-z]+'s) (?:new |current |home |work |mobile |cell )?"
_PERSONAL: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (slot, re.compile(pattern))
    for slot, pattern in (
        ("name", rf"{_OWN}(?:full |first |last )?name(?:'s| is| was)\b|\b(?:I'm called|call me|I go by)\b"),
        (
            "home",
            (rf"{_I}(?:moved|relocated|am moving|are moving|is moving|moving|will move|live|lives|am living"
            rf"|am based|is based|reside|settled)\b(?! (?:on|past|forward|away from the|it|my"
            rf"|out of the way))(?: \w+)?(?: to| in| into| at| back| near| from)\b"
            r"|\bI'm (?:now |currently )?(?:living|based|moving|relocating|staying)\b(?: \w+)? (?:in|to|at)\b"
            r"|^(?:[Jj]ust |[Rr]ecently )?(?:[Mm]oved|[Rr]elocated) (?:back )?to\b(?= [A-Z])(?! (?:Mon|Tues"
            r"|Wednes|Thurs|Fri|Satur|Sun)day)|[Mm]y (?:new |home |current )?(?:address"
            r"|hometown|home) is\b"),
        ),
        (
            "job",
            (rf"{_I}(?:work|works|worked|am working|is working|joined|got a (?:new )?job|got hired|got promoted"
            rf"|was promoted|started (?:working|a new job)|start a new job|quit my job|quit their job"
            rf"|left my job|retired|am employed|lost my job|was laid off)\b(?= (?:at|for|as|to|with|in|from|by"
            rf"|on|last|this|yesterday|today|an?|the|my)\b|[.,!]|$)"
            rf"|\bI'm (?:now |currently )?(?:working (?:at|for|as)|employed|unemployed|retired|between jobs)"
            rf"|{_OWN}(?:job|employer|profession|occupation|job title) is\b"),
        ),
        ("diet", (r"\b(?:am|is|'m|are|went|gone|go|going|became|become|turned|been|eat|now|a) (?:now |a |an "
            r"|strict(?:ly)? |mostly |fully |no longer |not )*(?:vegan|vegetarian|pescatarian|flexitarian"
            r"|omnivore|carnivore|keto|paleo|plant-based|halal|kosher|gluten-free)\b"
                 r"|\b(?:[Vv]egan|[Vv]egetarian|[Pp]escatarian) now\b|\b(?:stopped|quit|started|gave up|given up"
            r"|don't|no longer|doesn't) eat(?:ing)? (?:any )?(?:meat|animal products|fish and meat|red meat"
            r"|meat again)\b|\bgave up meat\b|\beat(?:s|ing)? meat again\b")),
        ("relationship", (
            r"\b(?:I'm|I am|I got|I just got|we got|I was|[Tt]he user is|we're|we are|I've been)(?: now| recently"
            r"| just| newly| happily| officially)* (?:married|single|engaged|divorced|separated|widowed)\b"
            r"|\b(?:I|we) broke up\b|\b[Gg]ot (?:married|engaged|divorced)\b"
)),
        ("age", (
            r"\b(?:I'm|I am|I just turned|I turned|I'll be|[Tt]he user is|turned) \d{1,2}(?= years old\b|[.,!]|$"
            r"| now\b| and\b| last\b| this\b| today\b| yesterday\b)"
)),
        ("phone", rf"{_OWN}(?:phone|cell|mobile|telephone)(?: number)? (?:is|has changed|changed)\b"),
        ("email", rf"{_OWN}e-?mail(?: address)? (?:is|has changed|changed)\b"),
        ("birthday", rf"{_OWN}(?:birthday|birth date|date of birth) (?:is|falls)\b|\bI was born (?:on|in \d)"),
        ("time zone", rf"{_OWN}time ?zone is\b|\bI'm in (?:the )?[A-Z]{{2,4}}T\b|\bI'm in UTC"),
    )
)  # fmt: skip
_FAVORITE = re.compile(
    (
        r"\b(?:my|the user's|[A-Z][a-z]+'s) (?:all-time |absolute |new "
        r"|current )?favou?rite (?P<thing>[\w' -]{2,40}?)(?: now| currently)? (?:is|are|was|would be|has"
        r"|'s)\b"
    ),
    re.IGNORECASE,
)
_CHANGED = re.compile(
    (
        r"^(?:(?:update|news|actually|ok|hey|so|fyi|change of plans?|correction|no)[,:]? )*(?P<det>the "
        r"|our |my |this |that |your )?(?P<thing>[\w'#&/ -]{2,48}?) ?"
        r"(?:(?:is|was|'s|got|has been|have been|had to be|were|are|will be|is being|has|have) (?:now "
        r"|just |been |officially )?)?(?:moved|pushed|changed|rescheduled|postponed|delayed|shifted"
        r"|brought forward|bumped|extended|slipped|switched|renamed|updated|increased|lowered|raised"
        r"|reduced|cancell?ed|shipped|delivered|closed|resolved|approved|rejected|reassigned)\b"
    ),
    re.IGNORECASE,
)
_IS = re.compile(
    (
        r"^(?:(?:update|news|actually|ok|hey|so|fyi|correction)[,:]? )*(?P<det>the |our |my "
        r"|this )?(?P<thing>[\w'#&/ -]{2,48}?) (?:is|are|will be|starts?|takes place|ends?|happens)(?: now"
        r"| currently| still| scheduled| set| due| planned)*(?P<rest> .{1,80})$"
    ),
    re.IGNORECASE,
)
_WHEN = re.compile(
    (
        r"^ (?:on |at |in |for |by |until )?(?:the )?(?:\d{1,2}(?:st|nd|rd|th|:\d\d| ?[ap]\.?m)\b|(?:mon"
        r"|tues|wednes|thurs|fri|satur|sun)day|(?:next|this) \w+|tomorrow|today|january|february|march"
        r"|april|may|june|july|august|september|october|november|december|noon|midnight)"
    ),
    re.IGNORECASE,
)
_CHANGEABLE = words(
    """
    deadline date meeting standup appointment flight order ticket budget release launch price status schedule
    plan version exam interview wedding trip rent salary dose dosage goal target manager boss landlord lead
    owner address password room number rate score weight project shipment package delivery booking reservation
    invoice build deployment sprint issue task milestone event party class session call lesson dinner lunch gate
    train bus hotel
    """
)
_ROLE = re.compile(
    r"^(?P<who>[A-Z][\w.'-]+(?: [A-Z][\w.'-]+)?|he|she|they) (?:is|will be|became|has become"
    r"|'s) (?:now )?(?P<det>the|our|my) (?:new )?(?P<role>[\w' -]{2,40}?)(?: now"
    r"| of (?P<of>[\w' -]{2,30}))?[.!]?$"
)
_PERSONAL_ZH: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (slot, re.compile(pattern))
    for slot, pattern in (
        ("name", "我(?:叫|的名字|姓|名叫)|我是[\u4e00-\u9fff]{2,3}$"),
        ("home", "(?:搬(?:到|去|来|回|家到)|住在|定居|移居|搬进)|我(?:的)?(?:新)?(?:地址|家)(?:是|在|改)"),
        (
            "job",
            (
                "(?:入职|跳槽|换工作|换了工作|辞职|离职|退休|失业|被裁|升职)|在.{1,20}(?:工作|上班|任职|就职"
                "|做(?:后端|前端|开发|设计|老师|销售|产品|运营))|我(?:是"
                "|当)(?:一?[名个位])?.{0,10}(?:工程师|老师|医生|护士|律师|设计师|学生|程序员|会计|司机|厨师|记者"
                "|经理|教授|研究员)"
            ),
        ),
        ("diet", "吃素|素食|纯素|不吃肉|不再吃肉|又?开始吃肉"),
        ("relationship", "我?(?:结婚|离婚|单身|订婚|分手|已婚|未婚)"),
        ("age", "(?:我|今年)[^，。]{0,4}\\d{1,2}岁|我.{0,4}[一二三四五六七八九]?十[一二三四五六七八九]?岁"),
        ("phone", "(?:电话|手机号?|号码)(?:是|改|换)"),
        ("email", "(?:邮箱|邮件地址|email)(?:是|改|换)"),
        ("birthday", "生日(?:是|在)"),
    )
)
_FAVORITE_ZH = re.compile("最(?:喜欢|爱)的(?P<thing>[\u4e00-\u9fff]{1,6}?)(?:是|还是|变成)")
_WISHED_ZH = re.compile("习惯|喜欢|想在|希望|打算|如果")
_CHANGED_ZH = re.compile(
    "^(?:通知[:：]|更新[:：]|我们?的?|这个"
    "|那个)?(?P<thing>[\u4e00-\u9fffA-Za-z0-9#]{2,12}?)(?:已经|已|被|又|现在)*(?:改(?:到"
    "|成|为|在|期)|推迟|延(?:期|后|迟)|提前|调整|定在|变成|变为|换成|取消|延长|截止到?|是\\d|在\\d)"
)


def slots(sentence: str) -> list[str]:
    """The slots a first- or third-person statement fills, e.g. ["home"], ["thing:deadlin"]; usually none or one."""
    if is_chinese(sentence):
        return _slots_zh(sentence)
    text = sentence[:400]
    found = [slot for slot, pattern in _PERSONAL if pattern.search(text)]
    favorite = _FAVORITE.search(text)
    if favorite:
        found.append("favorite:" + " ".join(terms(favorite["thing"])))
    return found or _thing(text)


def taste_slot(preference: str) -> str | None:
    """The slot of a preference: what it is about, so that "hates coffee" supersedes "loves coffee"."""
    about = object_terms(preference)
    return "taste:" + " ".join(sorted(about)) if 0 < len(about) <= 4 else None


_STYLES = tuple(
    (slot, re.compile(pattern, re.IGNORECASE))
    for slot, pattern in (
        ("style:name", r"\b(?:call|address|refer to) me\b|(?:叫|称呼|喊)我"),
        (
            "style:language",
            (
                r"\b(?:english|chinese|spanish|french|german|japanese|korean|mandarin|cantonese"
                r"|portuguese|italian|russian|arabic|hindi|my language)\b|中文|英文|英语|日语|法语|德语|韩语"
                r"|西班牙语|简体"
                r"|繁体|粤语"
            ),
        ),
        (
            "style:length",
            (
                r"\b(?:short|shorter|brief|concise|briefly|concisely|long|longer|detailed|verbose"
                r"|succinct|to the point)\b|简洁|简短|精简|详细|简单|长一点|短一点"
            ),
        ),
        (
            "style:tone",
            (
                r"\b(?:formal|informal|casual|polite|friendly|humou?r\w*|professional|tone|direct)\b"
                r"|正式|口语|幽默|直接|礼貌|温柔|专业|语气"
            ),
        ),
        ("style:units", r"\b(?:metric|imperial|celsius|fahrenheit|24[- ]hour|12[- ]hour|units?)\b|公制|摄氏|英制"),
        ("style:emoji", r"\bemojis?\b|表情"),
    )
)


def style_slot(sentence: str) -> str | None:
    """The slot of a wish about answers, so that "in English" supersedes "in Chinese"."""
    return next((slot for slot, pattern in _STYLES if pattern.search(sentence)), None)


def _thing(text: str) -> list[str]:
    role = _ROLE.match(text)
    if role:
        return ["thing:" + " ".join(sorted({*terms(role["role"]), *terms(role["of"] or "")}))]
    match = _CHANGED.match(text)
    if not match:
        match = _IS.match(text)
        if match and not (_WHEN.match(match["rest"]) or _is_changeable(match["thing"], match["det"])):
            match = None
    if not match or match["thing"].lower() in {"i", "we", "he", "she", "they", "it", "you", "that", "this", "there"}:
        return []
    about = terms(match["thing"])
    if re.match(r"(?:i|we|he|she|they|it|you|there|what|who|how)\b", match["thing"], re.IGNORECASE):
        return []
    return ["thing:" + " ".join(sorted(set(about)))] if 0 < len(about) <= 4 else []


def _is_changeable(thing: str, determiner: str | None) -> bool:
    tokens = thing.lower().split()
    numbered = any(c.isdigit() for c in thing)
    return bool(tokens) and (
        (tokens[-1] in _CHANGEABLE and bool(determiner)) or (numbered and any(t in _CHANGEABLE for t in tokens))
    )


def _slots_zh(sentence: str) -> list[str]:
    text = sentence[:200].rstrip("。！!")
    found = [slot for slot, pattern in _PERSONAL_ZH if pattern.search(text)]
    if _WISHED_ZH.search(text):
        found = [slot for slot in found if slot not in {"job", "home"}]
    favorite = _FAVORITE_ZH.search(text)
    if favorite:
        found.append("favorite:" + favorite["thing"])
    if found:
        return found
    match = _CHANGED_ZH.match(text)
    return ["thing:" + match["thing"]] if match and match["thing"] not in {"我", "我们", "他", "她"} else []
