"""Headings and tags of memories: `memory_key` as a person would write it, and the topics a text touches."""

from __future__ import annotations

import re

from memos_integrations.engine.sentences import is_chinese
from memos_integrations.engine.text import terms, words

_SLOTS = {
    "name": ("Name", "姓名"), "home": ("Home", "住处"), "job": ("Work", "工作"), "diet": ("Diet", "饮食"),
    "relationship": ("Relationship", "感情状况"), "age": ("Age", "年龄"), "phone": ("Phone number", "电话"),
    "email": ("Email address", "邮箱"), "birthday": ("Birthday", "生日"), "time zone": ("Time zone", "时区"),
}  # fmt: skip
_LEAD = re.compile(
    (
        r"^(?:[^\W\d_][\w.'-]*(?: [A-Z][\w.'-]*)? said: |The user said: |The user's "
        r"|The user (?:said )?(?=they\b)|The user |They |Their )(?:(?:is|was"
        r"|has|have|had|will|would|also|just|really|been|does|did|now|recently|currently|usually) )*"
        r"(?:(?:a|an|the|their) )?"
    ),
)
_THEY = re.compile(r"^they(?:'(?:re|ve|d|ll))? ")
_END = re.compile(
    (
        r"[;!?()\"“”]|[,.:](?!\d)|\b(?:and|but|because|so|which|who|when|while|although|though|since|if)\b"
        r"|[，。；：！？（）]"
    ),
    re.IGNORECASE,
)
_ASIDE = re.compile(
    r"^Asked \"[^\"]*\", [^:]{1,40}? (?:answered: |said )|^被问到“[^”]*”，[^：]{1,20}："
    r"| ?\([^()]*\)|（[^（）]*）"
    r"|(?<=The user )asked the assistant: (?:(?:please|from now on|so|and),? )*"
    r""
    r"|(?<=用户)要求："
)
_ASKED = re.compile(r'Asked "(?P<question>[^"]*)", [^:]{1,40}? (?:answered: |said )(?P<answer>.*)')
_AGREED = re.compile('^.{1,40}? agreed to "(?P<en>[^"]+)"|^.{1,20}?同意了“(?P<zh>[^”]+)”')
# When something was said to happen stands in the memory; as part of a heading "last Thursday" would soon be wrong.
_PASSING = re.compile(
    r",? \b(?:(?:on |since |over )?(?:last|this|next|the past|the coming) (?:\w+day|week(?:end)?|month|year"
    r"|night|morning|spring"
    r"|summer|autumn|fall|winter)|yesterday|today|tonight|tomorrow|the day (?:before yesterday|after tomorrow)"
    r"|\w+ (?:days?|weeks?|months?|years?) ago|right now|these days)\b",
    re.IGNORECASE,
)
_LEADING = words(
    "a an the of in on at to for with from by and or that who their my his her its is are was were called named as"
    " than into about after before because so very has have been be this these those some any no when while where what"
)
_TOPICS = {
    "food": """
        food eat drink cook dish restaurant tea coffee wine beer dinner lunch breakfast diet vegan
        vegetarian pescatarian meat spicy allergic allergy recipe meal bake cake fruit cuisine
    """,
    "travel": """
        travel trip flight hotel vacation holiday visit tour airport beach hike camp passport
        train abroad city inn
    """,
    "work": """
        work job office career boss colleague company engineer developer manager project deadline
        meeting client interview promotion salary team standup business
    """,
    "family": """
        family wife husband son daughter mother father mom dad parent child kid brother sister
        baby grandmother grandfather married wedding cousin aunt uncle partner
    """,
    "health": """
        health doctor hospital sick pain medicine allergy allergic asthma diabetes sleep therapy
        injury surgery dentist anxiety phobia diagnosis
    """,
    "sport": """
        sport run gym yoga swim football soccer basketball tennis badminton cycle marathon fitness
        workout exercise ski climb race game training
    """,
    "hobby": """
        hobby paint read book music guitar piano photography garden knit draw game movie film show
        concert dance art sing craft pottery
    """,
    "pets": """
        pet dog cat puppy kitten rabbit fish bird hamster vet parrot
    """,
    "home": """
        home house apartment move live rent neighbour neighborhood furniture kitchen garden
        address landlord
    """,
    "study": """
        study school university college course exam class degree teacher student learn homework
        language lesson graduate
    """,
    "money": """
        money budget price pay buy cost loan bank invest rent salary tax save shopping
    """,
    "technology": """
        computer software phone app python code programming laptop server database ai internet
    """,
}
_TOPICS_ZH = {
    "food": "吃|喝|菜|餐|茶|咖啡|饭|辣|素食|水果|火锅|过敏|口味|酒",
    "travel": "旅|出差|酒店|机票|航班|景点|度假|高铁|火车",
    "work": "工作|公司|上班|同事|老板|开发|工程师|项目|会议|客户|面试|入职|截止",
    "family": "妈|爸|老婆|老公|妻|丈夫|儿子|女儿|孩子|家人|父|母|结婚|哥|姐|弟|妹",
    "health": "医院|医生|生病|药|过敏|手术|睡眠|失眠|体检|病",
    "sport": "跑步|球|健身|游泳|瑜伽|运动|骑车|爬山|滑雪|马拉松",
    "hobby": "爱好|电影|音乐|书|画|摄影|吉他|钢琴|游戏|唱|跳舞",
    "pets": "猫|狗|宠物|兔",
    "home": "住|搬家|房|家里|小区|地址",
    "study": "学习|学校|大学|考试|课|毕业|老师|专业",
    "money": "钱|预算|工资|价格|房租|贷款|买",
    "technology": "电脑|手机|软件|编程|代码|服务器|数据库",
}
_TOPIC_OF: dict[str, list[str]] = {}
for _topic, _list in _TOPICS.items():
    for _term in words(_list):
        for _stem in terms(_term):
            _TOPIC_OF.setdefault(_stem, []).append(_topic)
_TOPIC_ZH = tuple((topic, re.compile(pattern)) for topic, pattern in _TOPICS_ZH.items())
_NAMES_ZH = {
    "food": "饮食",
    "travel": "出行",
    "work": "工作",
    "family": "家庭",
    "health": "健康",
    "sport": "运动",
    "hobby": "爱好",
    "pets": "宠物",
    "home": "居住",
    "study": "学习",
    "money": "财务",
    "technology": "科技",
}


def heading(text: str, slots: list[str]) -> str:
    """A short heading of a memory text, in its language."""
    chinese = is_chinese(text)
    asked = _ASKED.match(text)
    if asked and len(asked["answer"].split()) < 3 and not is_chinese(asked["answer"]):
        text = asked["question"]
    agreed = _AGREED.match(text)
    if agreed:
        text = agreed["en"] or agreed["zh"]
    text = _PASSING.sub("", _ASIDE.sub("", text))
    named = [s for s in slots if s in _SLOTS]
    if len(named) > 1:
        return "用户基本信息" if chinese else "User profile basics"
    if named:
        return _SLOTS[named[0]][chinese]
    if chinese:
        bare = re.sub("^(?:[^，。：说]{1,12}说：|用户的?)", "", text)
        return (_END.split(bare, 1)[0] or bare)[:16]
    bare = _THEY.sub("", _LEAD.sub("", text, count=1), count=1)
    head = next((part for part in (p.strip() for p in _END.split(bare, 3)) if len(part.split()) > 1), bare)
    short = _cut(head.split())[:80]
    return short[:1].upper() + short[1:]


def _cut(words_of: list[str]) -> str:
    """At most eight words, and none at the end that only lead to what was cut off."""
    kept = words_of[:8]
    while len(words_of) > 8 and len(kept) > 3 and kept[-1].lower() in _LEADING:
        kept.pop()
    return " ".join(kept)


def tags(text: str) -> tuple[str, ...]:
    """At most four topics of a text, the most touched first, in its language."""
    counts: dict[str, int] = {}
    if is_chinese(text):
        for topic, pattern in _TOPIC_ZH:
            if pattern.search(text):
                counts[_NAMES_ZH[topic]] = len(pattern.findall(text))
    else:
        for term in terms(text):
            for topic in _TOPIC_OF.get(term, ()):
                counts[topic] = counts.get(topic, 0) + 1
    return tuple(sorted(counts, key=lambda t: -counts[t])[:4])
