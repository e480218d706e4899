"""Chinese statements of changeable things: where somebody lives, who leads what, when something takes place."""

from __future__ import annotations

import re

# Words before a predicate that do not say whom it is about.
_ADVERB = (
    "(?:上个?[月周]|去年|今年|昨天|今天|明年|下个?[月周]|最近|现在|目前|如今|刚刚?|已经|已|又|也|还|就|才|正在|准备|打算|"
    "即将|终于|重新|正式|（[^）]*）)*"
)
_PREDICATES = (
    ("name", "(?:叫|的名字(?:是|叫)|名叫|姓)"),
    ("home", "(?:搬(?:到|去|来|回|家到|进)|住在|定居|移居|的?(?:新)?(?:地址|家)(?:是|在|改))"),
    ("employer", "在.{1,20}?(?:工作|上班|任职|就职|做(?:后端|前端|开发|设计|老师|销售|产品|运营))"),
    (
        "role",
        (
            "(?:是|当|做)(?:了|上了)?(?:一?[名个位])?.{0,10}?(?:工程师|老师|医生|护士|律师|设计师|程序员|会计|司机|厨师"
            "|记者|经理|教授|研究员)"
        ),
    ),
    ("job", "(?:入职|跳槽|换了?工作|辞职|辞了?职|离职|退休|失业|被裁|升职)"),
    ("diet", "(?:是)?(?:吃素|素食|纯素|不吃肉|不再吃肉|开始吃肉|吃肉$|吃肉了)"),
    ("relationship", "(?:是)?(?:结婚|离婚|单身|订婚|分手|已婚|未婚|在?谈恋爱)"),
    ("age", "[^，。]{0,4}?(?:\\d{1,2}|[一二三四五六七八九]?十[一二三四五六七八九]?)岁"),
    ("phone", "的?(?:新)?(?:电话|手机号?|号码)(?:号码?)?(?:是|改|换)"),
    ("email", "的?(?:新)?(?:邮箱|邮件地址|email)(?:是|改|换)"),
    ("birthday", "的?生日(?:是|在)"),
)
_SUBJECT = "^(?:通知[:：]|更新[:：])?" + _ADVERB + "(?P<subject>[^，。、是在住搬叫当不没]{0,8}?)" + _ADVERB
PERSONAL = tuple((slot, re.compile(f"{_SUBJECT}(?:{pattern})")) for slot, pattern in _PREDICATES)
FAVORITE = re.compile(
    "^(?P<subject>[^，。最]{0,8}?)(?:现在)?最(?:喜欢|爱)的(?P<thing>[\u4e00-\u9fff]{1,6}?)(?:现在)?(?:已经)?(?:是|还是|变成)"
)
LEADING = re.compile(
    "(?:负责|领导|主管|带领|接手|接管|牵头)了?(?P<what>[\u4e00-\u9fffA-Za-z0-9]{2,12}?)(?:项目|团队|组)?了?$"
)
ROLE = re.compile(
    "^(?:现在|目前)?[\u4e00-\u9fff]{2,4}(?:现在|目前)?是(?:我们?的?|新的?)+(?P<role>[\u4e00-\u9fff]{0,4}?(?:经理|老板|负责人|组长|主管|队长"
    "|总监|主任|班长|房东))$"
)
TASTE = re.compile(
    "(?:喜欢|讨厌|厌恶|反感|热爱|偏爱|受不了|痴迷|爱(?=[吃喝看听玩])|恨)(?P<thing>[^，。！；（]{1,10}?)(?:了|[，。！；（]|$)"
)
WISHED = re.compile("习惯|喜欢|想在|希望|打算|如果")
CHANGED = re.compile(
    "^(?:通知[:：]|更新[:：]|用户的?|我们?的?|这个|那个)?(?P<thing>[\u4e00-\u9fffA-Za-z0-9#]{2,12}?)"
    "(?:已经|已|被|又|现在)*(?:改(?:到|成|为|在|期)|推迟|延(?:期|后|迟)|提前|调整|定在|变成|变为|换成|取消|延长|涨到|涨价|降到|降为|升到|截止到|截止(?=\\d)|是\\d|在\\d"
    "|是(?:周|星期|下周|明天|后天))"
)
_OWN = re.compile("^(?:用户|我们?)?的?$")
_FILLER = re.compile("^(?:用户|我们?)的?|的$")
_NOBODY = frozenset(["他", "她", "它", "他们", "她们", "大家", "你", "您"])


def subject(words: str) -> str | None:
    """Whom the words before a predicate name: "" is the speaker, None nobody in particular."""
    if _OWN.match(words):
        return ""
    name = _FILLER.sub("", words)
    return None if name in _NOBODY else name
