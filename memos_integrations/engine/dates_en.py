"""The grammar of dates in English: patterns of time expressions, each with the days it means."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import NamedTuple, TypeAlias

MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
           "december")  # fmt: skip
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_NUMBERS = {
    w: i
    for i, w in enumerate(
        (
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
        )
    )
} | {"a": 1, "an": 1, "the": 1, "couple": 2, "few": 3, "several": 4, "twenty": 20, "thirty": 30}
SEASONS = {"spring": (3, 5), "summer": (6, 8), "fall": (9, 11), "autumn": (9, 11), "winter": (12, 2),
            "春": (3, 5), "夏": (6, 8), "秋": (9, 11), "冬": (12, 2)}  # fmt: skip


class Anchor(NamedTuple):
    """The day of speaking, and whether expressions without a direction point back from it; None when nothing tells."""

    today: date
    past: bool | None


Found: TypeAlias = tuple[date, date, bool] | None
"""First and last day, and whether they depend on the day of speaking."""
Resolve: TypeAlias = Callable[[re.Match[str], Anchor], Found]


def month_end(day: date) -> date:
    """The last day of the month of `day`."""
    return day.replace(day=monthrange(day.year, day.month)[1])


def shift_month(day: date, months: int) -> date:
    """`day` moved by whole months, to the end of shorter ones."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def unit_span(unit: str, anchor: date) -> tuple[date, date]:
    """The whole day, week (Monday to Sunday), weekend, month or year around `anchor`."""
    if unit == "week":
        first = anchor - timedelta(days=anchor.weekday())
        return first, first + timedelta(days=6)
    if unit == "weekend":
        first = anchor - timedelta(days=anchor.weekday()) + timedelta(days=5)
        return first, first + timedelta(days=1)
    if unit == "month":
        return anchor.replace(day=1), month_end(anchor)
    if unit == "year":
        return date(anchor.year, 1, 1), date(anchor.year, 12, 31)
    return anchor, anchor


def _shift(unit: str, anchor: date, count: int) -> date:
    if unit == "month":
        return shift_month(anchor, count)
    if unit == "year":
        return shift_month(anchor, 12 * count)
    return anchor + timedelta(days=count * (7 if unit in {"week", "weekend", "fortnight"} else 1))


def _month_number(name: str) -> int:
    return next(i for i, m in enumerate(MONTHS, 1) if m.startswith(name.lower().rstrip(".")[:3]))


def _day_number(name: str) -> int:
    return next(i for i, d in enumerate(_DAYS) if d.startswith(name.lower()[:3]))


def _number(text: str) -> int:
    text = text.lower().strip()
    if text.isdigit():
        return int(text)
    for word in re.split(r"[\s-]+", text):
        if word in _NUMBERS and word not in {"a", "an", "the"}:
            return _NUMBERS[word]
    return 1


def year_near(month: int, day: int, at: Anchor) -> int:
    """The year of a date given without one: the nearest in the direction the text points to, or in any."""
    today, past = at
    here = date(today.year, month, min(day, monthrange(today.year, month)[1]))
    if past is None:
        away = (here - today).days
        return today.year + (away < -183) - (away > 183)
    if past and here > today:
        return today.year - 1
    if not past and here < today:
        return today.year + 1
    return today.year


def full_year(text: str) -> int:
    """A year of two digits as one of four."""
    year = int(text)
    return year + (2000 if year < 70 else 1900) if year < 100 else year


def _ymd(m: re.Match[str], _at: Anchor) -> Found:
    day = date(int(m["y"]), int(m["m"]), int(m["d"]))
    return day, day, False


def _numeric(m: re.Match[str], _at: Anchor) -> Found:
    a, b = int(m["a"]), int(m["b"])
    month, number = (b, a) if a > 12 else (a, b)
    day = date(full_year(m["y"]), month, number)
    return day, day, False


def _named(m: re.Match[str], at: Anchor) -> Found:
    month, number = _month_number(m["month"]), int(m["d"])
    year = int(m["y"]) if m["y"] else year_near(month, number, at)
    day = date(year, month, number)
    return day, day, not m["y"]


def _named_month(m: re.Match[str], at: Anchor) -> Found:
    today, past = at
    month = _month_number(m["month"])
    year = int(m["y"]) if m["y"] else year_near(month, {True: 1, False: 31, None: 15}[past], at)
    turn = (m["turn"] or "").lower() if "turn" in m.re.groupindex else ""
    if turn == "last" and not m["y"]:
        year = today.year if month < today.month else today.year - 1
    elif turn == "next" and not m["y"]:
        year = today.year if month > today.month else today.year + 1
    first = date(year, month, 1)
    return first, month_end(first), not m["y"]


def _year_only(m: re.Match[str], _at: Anchor) -> Found:
    year = int(m["y"])
    return date(year, 1, 1), date(year, 12, 31), False


def season_of(name: str, year: int) -> tuple[date, date]:
    """First and last day of a season that begins in `year`."""
    start, end = SEASONS[name]
    return date(year, start, 1), month_end(date(year + (end < start), end, 1))


def _season(m: re.Match[str], at: Anchor) -> Found:
    today = at.today
    name, turn = m["season"].lower(), (m["turn"] or "").lower()
    if m["y"]:
        return (*season_of(name, int(m["y"])), False)
    if not turn:
        return None
    first, last = season_of(name, today.year)
    if turn == "last" and first.year == today.year and last >= today:
        first, last = season_of(name, today.year - 1)
    elif turn == "next" and first <= today:
        first, last = season_of(name, today.year + 1)
    return first, last, True


_NAMED_DAYS = {
    "today": 0,
    "tonight": 0,
    "this morning": 0,
    "this afternoon": 0,
    "this evening": 0,
    "yesterday": -1,
    "last night": -1,
    "the day before yesterday": -2,
    "tomorrow": 1,
    "the day after tomorrow": 2,
    "今天": 0,
    "今日": 0,
    "今晚": 0,
    "今早": 0,
    "今晨": 0,
    "昨天": -1,
    "昨日": -1,
    "昨晚": -1,
    "昨夜": -1,
    "前天": -2,
    "前晚": -2,
    "大前天": -3,
    "明天": 1,
    "明日": 1,
    "明早": 1,
    "明晚": 1,
    "后天": 2,
    "大后天": 3,
}


def named_day(m: re.Match[str], at: Anchor) -> Found:
    """A day with a name of its own: today, 昨天."""
    today = at.today
    day = today + timedelta(days=_NAMED_DAYS[" ".join(m.group().lower().split())])
    return day, day, True


def counted(unit: str, number: str, sign: int, today: date, *, loose: bool) -> Found:
    """The span `number` units before (-1) or after (1) `today`; `loose` for "a few"."""
    count = min(_number(number), 5000)
    anchor = _shift(unit, today, sign * count)
    if unit in {"month", "year"} or loose or unit in {"week", "fortnight", "weekend"}:
        return (
            (*unit_span("week" if unit == "fortnight" else unit, anchor), True)
            if unit != "day"
            else (
                anchor - timedelta(days=2),
                min(anchor + timedelta(days=1), today) if sign < 0 else anchor + timedelta(days=2),
                True,
            )
        )
    return anchor, anchor, True


def _ago(m: re.Match[str], at: Anchor) -> Found:
    today = at.today
    loose = bool(re.search("few|several|some|couple", m["n"], re.IGNORECASE))
    return counted(m["unit"].lower().rstrip("s"), m["n"], -1, today, loose=loose)


def _ahead(m: re.Match[str], at: Anchor) -> Found:
    today = at.today
    loose = bool(re.search("few|several|some|couple", m["n"], re.IGNORECASE))
    return counted(m["unit"].lower().rstrip("s"), m["n"], 1, today, loose=loose)


_TURNS = {
    "last": -1,
    "past": -1,
    "previous": -1,
    "this": 0,
    "this past": -1,
    "this coming": 1,
    "next": 1,
    "coming": 1,
    "upcoming": 1,
}


def _turned(m: re.Match[str], at: Anchor) -> Found:
    today = at.today
    turn = _TURNS[" ".join(m["turn"].lower().split())]
    unit = m["unit"].lower()
    if unit == "weekend" and turn == -1 and today.weekday() == 6:
        return (*unit_span("weekend", today - timedelta(days=7)), True)
    return (*unit_span(unit, _shift(unit, today, turn)), True)


def _over_weekend(_m: re.Match[str], at: Anchor) -> Found:
    today, past = at
    first, last = unit_span("weekend", today)
    if past is not False and first > today:
        first, last = first - timedelta(days=7), last - timedelta(days=7)
    return first, last, True


def _weekday(m: re.Match[str], at: Anchor) -> Found:
    today, past = at
    number, turn = _day_number(m["day"]), " ".join((m["turn"] or "").lower().split())
    back = (today.weekday() - number) % 7 or 7
    ahead = (number - today.weekday()) % 7 or 7
    if turn in {"last", "past", "this past", "previous"} or (past is not False and turn in {"", "on"}):
        day = today - timedelta(days=back)
    elif turn == "next":
        day = today - timedelta(days=today.weekday()) + timedelta(days=7 + number)
    elif turn == "this":
        day = today - timedelta(days=today.weekday()) + timedelta(days=number)
        if past and day > today:
            day -= timedelta(days=7)
    else:
        day = today + timedelta(days=ahead)
    return day, day, True


def _beside(m: re.Match[str], at: Anchor) -> Found:
    """ "the Sunday before 8 May", "the week after March 3rd"."""
    found = _named(m, at)
    if not found:
        return None
    there, before, unit = found[0], m["side"].lower() == "before", m["unit"].lower()
    if unit in {"day", "evening", "night", "morning"}:
        day = there + timedelta(days=-1 if before else 1)
        return day, day, True
    if unit in {"week", "weekend", "month"}:
        return (*unit_span(unit, _shift(unit, there, -1 if before else 1)), True)
    number = _day_number(unit)
    away = (there.weekday() - number) % 7 or 7 if before else (number - there.weekday()) % 7 or 7
    day = there + timedelta(days=-away if before else away)
    return day, day, True


def _patterns() -> Iterator[tuple[re.Pattern[str], Resolve]]:
    month = (
        r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
        r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
    )
    long_month = month.replace("mar(?:ch)?", "march")
    day = r"(?P<d>[0-3]?\d)(?:st|nd|rd|th)?"
    year = r"(?P<y>(?:19|20)\d\d)"
    count = (
        r"(?P<n>\d{1,4}|an?(?: few| couple(?: of)?)?|the past few|one|two|three|four|five|six|seven|eight"
        r"|nine|ten|eleven|twelve|twenty|thirty|few|several|couple(?: of)?|some)"
    )
    unit = r"(?P<unit>days?|weeks?|weekends?|fortnights?|months?|years?)"
    weekday = (
        r"(?P<day>mon(?:day)?|tue(?:s(?:day)?)?|wed(?:nesday)?|thu(?:rs(?:day)?)?|fri(?:day)?|sat(?:urday)?"
        r"|sun(?:day)?)"
    )
    beside = (
        r"(?:the )?(?P<unit>day|evening|night|morning|week|weekend|month|monday|tuesday|wednesday|thursday|friday"
        r"|saturday|sunday) (?P<side>before|after)"
    )
    for pattern, resolve in (
        (rf"\b{year}[-/.](?P<m>[01]?\d)[-/.](?P<d>[0-3]?\d)(?!\d)", _ymd),
        (r"(?<![\d/])(?P<a>[0-3]?\d)[/.](?P<b>[0-3]?\d)[/.](?P<y>(?:19|20)\d\d|\d\d)(?![\d/])", _numeric),
        (rf"\b{beside} (?:the )?{day} (?:of )?{month}(?:,? {year})?\b", _beside),
        (rf"\b{beside} {month} (?:the )?{day}(?:,? {year})?(?![\d:])\b", _beside),
        (rf"\b(?:the )?{day} (?:of )?{month}(?:,? {year})?\b", _named),
        (rf"\b{month} (?:the )?{day}(?:,? {year})?(?![\d:])\b", _named),
        (rf"\b{month},? (?:of )?{year}\b", _named_month),
        (
            (
                rf"\b(?:(?P<turn>last|this|next) )?(?:in |since |during |early |late |mid-? ?)?(?P<season>spring"
                rf"|summer|fall|autumn|winter)(?: of)? {year}\b"
            ),
            _season,
        ),
        (r"\b(?P<turn>last|this|next) (?P<season>spring|summer|fall|autumn|winter)\b(?P<y>)", _season),
        (
            (
                r"\b(?:the day (?:before yesterday|after tomorrow)|today|tonight|yesterday|tomorrow|last night"
                r"|this (?:morning|afternoon|evening))\b"
            ),
            named_day,
        ),
        (rf"\b{count} {unit} (?:ago|back|earlier|before)\b", _ago),
        (rf"\bin {count} {unit}(?:['\u2019] time)?\b", _ahead),
        (rf"\b{count} {unit} (?:from now|later|hence)\b", _ahead),
        (rf"\b(?P<turn>last|past|previous|this past|this coming|this|next|coming|upcoming) {weekday}\b", _weekday),
        (
            (
                r"\b(?P<turn>this past|this coming|last|past|previous|this|next|coming|upcoming) (?P<unit>weekend"
                r"|week|month|year)\b"
            ),
            _turned,
        ),
        (rf"\b(?P<turn>last|this|next) {month}(?P<y>)", _named_month),
        (r"\b(?:over|on|at|during) the weekend\b", _over_weekend),
        (rf"\b(?P<turn>on) {weekday}(?!s)\b", _weekday),
        (
            (
                r"\b(?:in|since|until|by|during|early|late|back in"
                rf"|of) {long_month}(?P<y>)(?P<turn>)(?! (?:the )?\d)"
            ),
            _named_month,
        ),
        (rf"\b(?:in|since|from|until|by|during|around|of|back in) {year}\b(?![-/]\d)", _year_only),
    ):
        yield re.compile(pattern, re.IGNORECASE), resolve


PATTERNS = tuple(_patterns())
