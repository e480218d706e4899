"""Chinese preferences: clauses that state a liking, a dislike or a rule, with the clauses that limit them."""

from __future__ import annotations

import re

from memos_integrations.engine.predicates import Sign

_LIKE_ZH = re.compile(
    "(?<!不)(?<!没)(?:更|最|很|特别|非常|超|超级|比较|都|也|一直|还|挺|蛮|尤其|平时|就)*(?:喜欢"
    "|热爱|偏好|偏爱|钟爱|酷爱|痴迷|热衷|享受|倾向于?|宁愿|宁可|青睐|爱(?=吃|喝|看|听|玩|打|用|穿|买|去"
    "|喜)|爱上|爱好|最爱)|(?:超|最|很|特别|真的|好|非常)爱|(?:更|最|比较)(?:相信|信|愿意|想|倾向)|百[听看吃]不[厌腻]|无[辣肉酒茶甜]不欢"
    "|(?:效率|状态|精力)最?(?:高|好)|迷$|爱好者|发烧友|控$|粉丝"
)
_DISLIKE_ZH = re.compile(
    "(?:不|没那么|不太|不怎么|不大|不是很|并不|从不|从来不|最不|都不|也不|很不)(?:太|怎么|大|是很|再|想再"
    "|愿意)?(?:喜欢|爱|吃|喝|习惯|想要|能吃|能喝|接受|碰|看好|感兴趣|愿意|适应|用|穿|坐|玩|看|买|抽)|"
    "讨厌|厌恶|反感|受不了|受不住|忍不了|害怕|恐惧|恐高|怕(?!是)|过敏|不耐受|不能(?:吃|喝|碰|接触|闻|晒)"
    "|最?烦(?:了|死)?$|最烦|[看吃喝受听坐住闻待](?:不下去?|不了|不惯|不来)|不能(?:有|跑|做|喝|抽|熬|坐|用|穿|久|吃)|头(?:疼|痛|晕)$|会?晕[车船机]"
    "|避免|拒绝|忌口|忌|没(?:有)?兴趣|戒(?:了|掉)|从不|从来不|再也不"
)
_RULE_ZH = re.compile(
    "只(?:吃|喝|用|看|穿|买|住|听|玩|坐|去|接受|选)|吃素|素食|纯素|清真|无麸质|糖尿病|乳糖"
    "|习惯(?!了?不)|(?<=我)总是|一般都?|通常|经常|(?:每天|每晚|每周|每个?月|每年)(?!.{0,4}(?:很|开心|累|忙|难过|想|有|高兴|快乐))|平时我?(?:都|只|会)?[喝吃用穿看坐骑开去玩]|从来都|坚持|必须|一定要|注重|看重"
    "|优先"
)
_ONE_OFF_ZH = re.compile(
    "今天|今晚|今早|这次|这一次|现在想|此刻|暂时|刚才|昨天|昨晚|明天|这会儿|如果我|假如我|以前(?:很"
    "|最)?(?:喜欢|爱)|曾经|本来"
)
_THINGS_ZH = re.compile("(?:喜欢|爱|讨厌)(?:你|这个|那个|这种回答|它)")


def sign_of(clause: str) -> Sign | None:
    """Whether a Chinese clause states a liking, a dislike or a rule."""
    if _ONE_OFF_ZH.search(clause) or _THINGS_ZH.search(clause):
        return None
    if _DISLIKE_ZH.search(clause):
        return "-"
    if _LIKE_ZH.search(clause):
        return "+"
    return "=" if _RULE_ZH.search(clause) else None


_CLAUSE_ZH = re.compile("[，,；;]")
_OTHER_SUBJECT_ZH = re.compile(
    "^(?:我(?:的)?(?:妈|爸|儿|女|老婆|老公|妻|丈|朋友|同事|孩|狗|猫|哥|姐|弟|妹|奶|爷|室友|老板|家人"
    "|父|母|男朋|女朋)|主角|主人公|男主|女主|角色|他|她|它|他们|她们|你|这|那)"
)
_LEADS_ZH = re.compile("^(?:如果|因为|由于|虽然|当|每当|要是|只要|.{0,12}(?:的时候|时|的话)$)")
_FOLLOWS_ZH = re.compile("^(?:因为|由于|所以|但|不过|尤其|特别是|比如|例如|除了|除非|可是|而且|并且|甚至|而不是|而)")


_DEPENDS_ZH = re.compile("它|这种|那种|其中|其他|太.{1,4}的")
_BUT_ZH = re.compile("^(?:但是?|不过|可是|而且?)")


def stated(sentence: str) -> list[tuple[str, Sign]]:
    """The preferences of a Chinese statement: their words and their sign."""
    clauses = [c.strip() for c in _CLAUSE_ZH.split(sentence.rstrip("。！!.~～ ")) if c.strip()]
    found: list[tuple[list[str], Sign]] = []
    open_item = False
    for index, clause in enumerate(clauses):
        sign = None if _OTHER_SUBJECT_ZH.match(clause) else sign_of(clause)
        if sign is None:
            if open_item and _FOLLOWS_ZH.match(clause):
                found[-1][0].append(clause)
            else:
                open_item = False
            continue
        lead = [clauses[index - 1]] if index and not open_item and _LEADS_ZH.match(clauses[index - 1]) else []
        if open_item and (found[-1][1] == sign or _DEPENDS_ZH.search(clause)):
            found[-1][0].append(clause)
        else:
            found.append(([*lead, _BUT_ZH.sub("", clause)], sign))
        open_item = True
    return [("，".join(parts) + "。", sign) for parts, sign in found]
