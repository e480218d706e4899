"""Chinese wishes that something be forgotten or not be kept, and what they name."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wanted: the words that `named` holds forgotten, or what was just said, or everything.

    `points` to what was said before or `beside` it, in the same sentence; `unsaved` wants that not to be kept in the
    first place; `weak` is a wording that could as well be about a text the assistant wrote.
    """

    named: str = ""
    points: bool = False
    unsaved: bool = False
    everything: bool = False
    weak: bool = False
    beside: bool = False


_LEAD = re.compile(
    "^(?:请|麻烦|拜托|那(?![件个条些段句家次部天年时])就?|好的?|你|您|可以|可不可以|能不能|能否|能|帮我"
    "|帮忙|另外|对了|以后|不好意思"
    "|算了|还是|也|就|希望"
    "|我(?:想|要|希望|想要|需要)(?:请|让|求)?(?=[你您])|另外|顺便|以后|直接|赶紧|快|啊|哦|嗯|[，,、：:\\s])*"
)
_UNWANTED = re.compile(
    "^我?(?:不想|不希望|不愿意?|不要|不需要)(?:让)?[你您](?:再|继续|一直|去)*(?:记住|记得|记着|记录|记"
    "|保存|存|知道|留着)"
)
_END = (
    "(?:下来?|住|着|录|进去)?(?:我说的)?(?:了|啦|吧|啊|哦|呀|哈|好吗|行吗|可以吗|就行|就好"
    "|[。！!～~.，,：:；;、？?\\s])*"
)
_KEEP = "(?:记住|记得|记录|记着|记下来?|记|保存|存下来?|存储|储存|存档|存|留存|留着|收录)"
_NOT = "(?:别|不要|不用|不必|无需|无须|甭|勿|不需要|没必要)(?:再|帮我|替我|给我|继续|去|把它|往记忆里)*"
_POINTED = (
    "(?:我?(?:刚才|刚刚|上面|前面|下面|接下来|以下|以上|之前|上一|最后)?(?:我)?(?:说|讲|提|告诉你|发)?(?:的|过的)?"
    "(?:这|那|上|此)?(?:一|两|几)?(?:条|个|句|件|些|段|点|次|部分)?(?:话|事情?|内容|消息|信息|东西|对话"
    "|记忆)?(?:都|全|也|先|你就?|就)?)"
)
_POINTS = re.compile("(?:这|那|刚才|刚刚|上面|前面|下面|接下来|以下|以上|上一|最后|此|它)")
_NOT_KEPT = re.compile(f"^{_NOT}{_KEEP}")
_BEHIND = re.compile(f"(?:[你您]?(?:就|都|也|可|可以|先|千万|最好|请)*){_NOT}{_KEEP}{_END}$")
_BEFORE = re.compile(f"^(?P<what>{_POINTED})(?:请|你|您|就|都|也|先|千万)*{_NOT}{_KEEP}(?:{_END}$|(?:下来)?[：:，,])")
_LETTERS = re.compile(r"\w")
_MARKS = "。！!～~.，,：:；;、？? "
_GONE = "(?:忘记|忘掉|忘了|忘|删除|删掉|删了|删去|删|抹掉|抹去|清除|清掉|清空|去掉|移除|移走|擦掉|划掉|丢掉)"
_TAKE = re.compile(
    f"^把(?P<what>.{{1,40}}?)(?:都|全部?|也|给我?|统统|一起|彻底|完全|从(?:你的)?(?:记忆|记录|脑子"
    f"|脑海)(?:库)?(?:里|中)?|的(?=记忆))*"
    f"{_GONE}(?:了|掉|一下|吧|啦|哦|好吗|行吗|[。！!？?~～])*$"
)
_KEEP_NOT = re.compile(f"^(?:别|不要|不用)把(?P<what>.{{1,30}}?)(?:都|也|给)?{_KEEP}{_END}$")
_FORGET = re.compile("^(?P<verb>忘记|忘掉|忘了|忘)(?:吧)?(?P<what>.{0,40})$")
_DELETE = re.compile("^(?P<verb>删除|删掉|删了|删去|抹掉|抹去|清除|清空|移除)(?P<what>.{1,40})$")
_LET_GO = re.compile(
    "^(?P<what>.{1,30}?)(?:你|您|就|请|都|可以|也|全部?|赶紧)+(?:忘(?:了|掉|记)|删(?:了|掉|除))(?:吧|好了"
    "|就行|掉)?[。！!~～]*$"
    "|^(?P<that>(?:关于|有关).{1,30}?)(?:的(?:事情?|一切|内容)?)?(?:忘(?:了|掉|记)|删(?:了|掉|除))(?:吧"
    "|好了|就行|掉)[。！!~～]*$"
)
_ASKING = re.compile("哪|谁|几点|怎么|什么|多少|有没有|是不是|没(?:带|关|锁|有)|为什么|[？?]$")
# What stands in a text or a machine.
_TEXT = re.compile(
    "第.{1,3}[段句行条页章列个]|(?:最后|上|下|前|后|中间|末尾?|开头|结尾)(?:面|边)?(?:那|这)?(?:一|两"
    "|几)?(?:段|句|行|页|章|列)|段落|代码|文件"
    "|文章|邮件|信(?:里|中|件)|标题|函数|照片|图片|表格|文档|草稿|稿子|视频|账号|帐号|历史|缓存|聊天|列表"
    "|分支|变量|注释|标点|逗号"
    "|句号|空格|单词|字数|简历|报告|PPT|歌单|日程|提醒|闹钟|订单|[\\w-]+\\.[A-Za-z]{1,4}|你写的|你刚写|例子|步骤"
)
_NOT_MEMORIES = re.compile("^(?:仇|错|账|笔记|钱|文件|修改|更改|单词|挂|图|草稿|款|货|档案|满|太多|混|反|不住|不清)")
_TOLD = re.compile("说(?:的|过)|告诉|提(?:到|过)|讲(?:的|过)|记忆|记录|这件事|的事|知道的|关于|有关|聊过")
_EVERYTHING = re.compile(
    "^(?:掉)?(?:关于我的?)?(?:所有|一切|全部)(?:的)?(?:关于我的?)?(?:东西|事情?|内容|记忆|信息"
    "|数据)?[吧了。！!]*$|^(?:你的|我的)?(?:所有|全部)?记忆[吧了。！!]*$"
)
_HEAD = re.compile(
    "^(?:掉|了|吧|关于|有关|所有|一切|全部|我(?:之前|刚才|刚刚|以前|上次|曾经)?(?:跟你|和你|对你"
    "|向你)?(?:告诉(?:过)?你|说|讲|提|聊)(?:过|到)?(?:的|了)?(?:关于|有关)?"
    "|(?:之前|刚才|刚刚|以前|上次)|你(?:知道|记得|存|记)(?:的)?|那(?:件|个|些|段)|这(?:件|个|些|段)|我的"
    "|我(?=[\\u4e00-\\u9fff]{2,}))+"
)
_FOOT = re.compile(
    "(?:这|那|的)?(?:件|些|个)?(?:事情?|东西|内容|信息|记忆|记录|部分|一切|所有)?(?:都|全|也|你)?(?:了|吧"
    "|啦|哦|好吗|行吗|可以吗|就行|[。！!？?～~，,、\\s])*$"
)
_CUT = re.compile("[，,；;：:].*$", re.DOTALL)


def wish_zh(sentence: str) -> Wish | None:
    """The wish to forget that a Chinese sentence is, or None."""
    parts = [part for part in re.split("[，,；;]", sentence) if part.strip()]
    whole = _LEAD.sub("", sentence.strip(" “”\"'"), count=1)
    found = _kept_not(sentence, whole)
    if found or not whole:
        return found
    for part in parts[:2]:
        found = _gone(_LEAD.sub("", part.strip(), count=1), led=_LEAD.match(part.strip()).end() > 0)  # type: ignore[union-attr]
        if found or (part is parts[0] and len(part) > 12):
            return found
    last = _LEAD.sub("", parts[-1].strip(), count=1) if len(parts) > 1 else ""
    if re.fullmatch(f"(?:{_POINTED}|我说的|它)?{_NOT}{_KEEP}(?:{_POINTED}|它)?{_END}", last):
        return Wish(points=True, unsaved=True, beside=True)
    return None


def _kept_not(sentence: str, whole: str) -> Wish | None:
    """ "Don't keep …": what it names goes, and what it points to is not kept."""
    head = _BEFORE.match(sentence.strip()) or _BEFORE.match(whole)
    if head and (_POINTS.search(head["what"]) or not head["what"]):
        said = sentence.strip() if head.string == sentence.strip() else whole
        return Wish(points=True, unsaved=True, beside=bool(_LETTERS.search(said[head.end() :])))
    unwanted = _UNWANTED.match(sentence.strip())
    match = unwanted or _NOT_KEPT.match(whole)
    if match:
        rest = (sentence.strip() if unwanted else whole)[match.end() :]
        if _NOT_MEMORIES.match(rest) or _TEXT.search(rest):
            return None
        if re.fullmatch(f"(?:{_POINTED}|它)?{_END}", rest) or re.match(
            "(?:这|那|刚才|上面|下面)(?:个|条|句|件|些|段)?(?:话|事)?[，,：:]", rest
        ):
            return Wish(points=True, unsaved=True, beside=bool(_CUT.search(rest.rstrip(_MARKS))))
        firm = unwanted or re.search("记[住得着]", match.group()) or re.match("我|关于|有关|任何", rest)
        return _names(rest) if firm else None
    first = _CUT.sub("", sentence)
    behind = _BEHIND.search(first)
    if behind and re.match("我|关于|有关", first) and re.search("[你您]|别|不要", behind.group()):
        return _names(first[: behind.start()])
    return None


def _gone(part: str, *, led: bool) -> Wish | None:
    """A wish that something be forgotten or deleted."""
    match = _KEEP_NOT.match(part) or _TAKE.match(part) or _LET_GO.match(part)
    if match:
        what = match.groupdict().get("what") or match.groupdict().get("that") or ""
        if re.match("我(?:把|今天|昨天|早上|又|都|已经)", what) or re.search("[别没不]$|千万|差点", what):
            return None
        return _object(what, forget=bool(re.search("忘|别|不", part)), memory="记忆" in part)
    match = _FORGET.match(part)
    if match:
        what = match["what"]
        if not led and re.match("告诉|说[^的过]|说$|提醒|跟|和你|问", what):
            return None
        if _ASKING.search(what) and not led:
            return None
        if match["verb"] in {"忘了", "忘"} and not (led or _TOLD.search(what) or what.rstrip("。！!").endswith("吧")):
            return None  # "忘了我妈的生日": the "I" is left out
        return _object(what, forget=True, memory=False, led=led or match["verb"] == "忘掉")
    match = _DELETE.match(part)
    return _object(match["what"], forget=False, memory="记忆" in part) if match and not _ASKING.search(part) else None


def _object(what: str, *, forget: bool, memory: bool, led: bool = False) -> Wish | None:
    what = what.strip()
    if _TEXT.search(what):
        return None
    if _EVERYTHING.match(what):
        return Wish(everything=True) if forget or memory or "我" in what else None
    if re.fullmatch(f"(?:我)?{_POINTED}(?:吧|了|[。！!])*", what) and (_POINTS.search(what) or "我" in what):
        return Wish(points=True, weak=not forget)
    if forget or memory or _TOLD.search(what):
        firm = (
            re.match("我|这|那|刚|关于|有关|所有|之前|一切|上面|它", what)
            or _TOLD.search(what)
            or memory
            or re.search("吧", what)
        )
        return _names(what) if firm or led else None
    return _names(what, weak=True) if re.match("我的|我家|我们|我(?![写发做画拍买存放])[^，]{1,10}的", what) else None


def _names(what: str, *, weak: bool = False) -> Wish | None:
    named = _HEAD.sub("", _CUT.sub("", what.strip()))
    named = _FOOT.sub("", named).strip()
    return Wish(named, weak=weak) if named else None
