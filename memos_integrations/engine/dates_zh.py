"""The grammar of dates in Chinese: patterns of time expressions, each with the days it means."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta

from memos_integrations.engine.dates_en import (
    Anchor,
    Found,
    Resolve,
    counted,
    full_year,
    month_end,
    named_day,
    season_of,
    shift_month,
    unit_span,
    year_near,
)

_DIGITS_ZH = {c: i for i, c in enumerate("零一二三四五六七八九十")} | {"两": 2, "〇": 0, "几": 3, "半": 0}


def _number_zh(text: str) -> int:
    if text.isdigit():
        return int(text)
    if "十" in text:
        tens, _, ones = text.partition("十")
        return (_DIGITS_ZH.get(tens, 1) if tens else 1) * 10 + (_DIGITS_ZH.get(ones, 0) if ones else 0)
    return int("".join(str(_DIGITS_ZH[c]) for c in text if c in _DIGITS_ZH) or 0)


def _zh_date(m: re.Match[str], at: Anchor) -> Found:
    today, past = at
    turned = {"去年": -1, "今年": 0, "明年": 1, "前年": -2, "后年": 2}
    month, number = _number_zh(m["m"]), _number_zh(m["d"]) if m["d"] else 0
    if m["y"] in turned:
        year = today.year + turned[m["y"]]
    elif m["y"]:
        year = full_year(str(_number_zh(m["y"].rstrip("年"))))
    else:
        year = year_near(month, number or {True: 1, False: 31, None: 15}[past], at)
    first = date(year, month, number or 1)
    return first, first if number else month_end(first), m["y"] is None or m["y"] in turned


def _zh_year(m: re.Match[str], at: Anchor) -> Found:
    today = at.today
    turned = {"去年": -1, "今年": 0, "明年": 1, "前年": -2, "后年": 2}
    relative = m["y"] in turned
    year = today.year + turned[m["y"]] if relative else int(m["y"].rstrip("年"))
    if m["season"]:
        return (*season_of(m["season"], year), relative)
    return date(year, 1, 1), date(year, 12, 31), relative


def _zh_week(m: re.Match[str], at: Anchor) -> Found:
    today = at.today
    turn = {"上上": -2, "上": -1, "这": 0, "本": 0, "下": 1, "下下": 2}[m["turn"]]
    monday = today - timedelta(days=today.weekday()) + timedelta(days=7 * turn)
    day = m["day"]
    if not day:
        return monday, monday + timedelta(days=6), True
    if day == "末":
        return monday + timedelta(days=5), monday + timedelta(days=6), True
    found = monday + timedelta(days="一二三四五六日天".index(day) if day != "天" else 6)
    return found, found, True


def _zh_weekday(m: re.Match[str], at: Anchor) -> Found:
    today, past = at
    number = 6 if m["day"] == "天" else "一二三四五六日".index(m["day"])
    day = (
        today - timedelta(days=(today.weekday() - number) % 7 or 7)
        if past is not False
        else today + timedelta(days=(number - today.weekday()) % 7 or 7)
    )
    return day, day, True


def _zh_month(m: re.Match[str], at: Anchor) -> Found:
    today = at.today
    anchor = shift_month(today, {"上上": -2, "上": -1, "这": 0, "本": 0, "下": 1, "下下": 2}[m["turn"]])
    if m["d"]:
        day = anchor.replace(day=_number_zh(m["d"]))
        return day, day, True
    return (*unit_span("month", anchor), True)


def _zh_counted(m: re.Match[str], at: Anchor) -> Found:
    today = at.today
    unit = {"天": "day", "日": "day", "周": "week", "星期": "week", "礼拜": "week", "月": "month", "年": "year"}[
        m["unit"]
    ]
    sign = 1 if m["way"] in {"后", "以后", "之后"} else -1
    if m["n"] == "半":
        return (
            (*unit_span("month", shift_month(today, sign * 6)), True)
            if unit == "year"
            else (*unit_span("week", today + timedelta(days=15 * sign)), True)
        )
    return counted(unit, str(_number_zh(m["n"])), sign, today, loose="几" in m["n"])


def _patterns() -> Iterator[tuple[re.Pattern[str], Resolve]]:
    for pattern, resolve in (
        (
            (
                "(?:(?P<y>(?:19|20)?\\d\\d年|去年|今年|明年|前年|后年)的?)?(?P<m>1[0-2]|0?[1-9]"
                "|十[一二]?|[一二三四五六七八九])月(?:(?P<d>3[01]|[12]\\d|0?[1-9]|三十一?|二十[一二三四五六七八九]?"
                "|十[一二三四五六七八九]?|[一二三四五六七八九])[日号])?"
            ),
            _zh_date,
        ),
        ("(?P<y>(?:19|20)\\d\\d年|去年|今年|明年|前年|后年)的?(?:(?P<season>[春夏秋冬])[天季])?", _zh_year),
        ("大?[前后]天|[今昨明][天日]|[今昨明前]晚|[今明][早晨]|昨夜", named_day),
        ("(?P<turn>上上|下下|[上这本下])个?(?:周|星期|礼拜)(?P<day>[一二三四五六日天末])?", _zh_week),
        ("(?P<turn>上上|下下|[上这本下])个?月(?:(?P<d>3[01]|[12]\\d|0?[1-9])[日号])?", _zh_month),
        (
            (
                "(?P<n>\\d{1,4}|[一二两三四五六七八九十几半]{1,3})个?(?P<unit>天|日|周|星期|礼拜|月"
                "|年)(?P<way>以前|之前|前|以后|之后|后)"
            ),
            _zh_counted,
        ),
        ("(?:周|星期|礼拜)(?P<day>[一二三四五六日天])", _zh_weekday),
    ):
        yield re.compile(pattern, re.IGNORECASE), resolve


PATTERNS = tuple(_patterns())
