"""Dates in English and Chinese text: chat times, absolute dates, and expressions relative to the day of speaking."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
           "december")  # fmt: skip
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_NUMBERS = {
    w: i
    for i, w in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen".split()
    )
} | {"a": 1, "an": 1, "the": 1, "couple": 2, "few": 3, "several": 4, "twenty": 20, "thirty": 30}
_DIGITS_ZH = {c: i for i, c in enumerate("零一二三四五六七八九十")} | {"两": 2, "〇": 0, "几": 3, "半": 0}
_SEASONS = {"spring": (3, 5), "summer": (6, 8), "fall": (9, 11), "autumn": (9, 11), "winter": (12, 2),
            "春": (3, 5), "夏": (6, 8), "秋": (9, 11), "冬": (12, 2)}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Span:
    """A time expression at `start:end` of a text and the first and last day it means."""

    start: int
    end: int
    first: date
    last: date
    relative: bool

    @property
    def iso(self) -> str:
        """An ISO date, or `first/last`."""
        return (
            self.first.isoformat() if self.first == self.last else (f"{self.first.isoformat()}/{self.last.isoformat()}")
        )


def moment(text: str, default: datetime) -> datetime:
    """A chat time in any written form ("1:56 pm on 8 May, 2023", ISO, Chinese); parts it lacks come from `default`."""
    text = text.strip()
    try:
        parsed = datetime.fromisoformat(text)
        return parsed if parsed.tzinfo else parsed.replace(tzinfo=default.tzinfo)
    except ValueError:
        pass
    spans = find(text[:200], default.date())
    day = spans[0].first if spans else default.date()
    clock = _CLOCK.search(text[:200]) or _CLOCK_ZH.search(text[:200])
    hour, minute = _time_of(clock) if clock else ((0, 0) if spans else (default.hour, default.minute))
    if not spans and not clock:
        return default
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=default.tzinfo)


def find(text: str, today: date, *, past: bool | None = None) -> list[Span]:
    """Time expressions of `text` in order, without overlaps; `past` says which way a bare weekday or date points
    (None: the tense of the text decides where it can, else the past).
    """
    if not _HINT.search(text):
        return []
    if past is None:
        past = not _FUTURE.search(text)
    spans: list[Span] = []
    for pattern, resolve in _GRAMMAR if not text.isascii() else _GRAMMAR_ASCII:
        for match in pattern.finditer(text):
            if any(s.start < match.end() and match.start() < s.end for s in spans):
                continue
            try:
                found = resolve(match, today, past)
            except (ValueError, OverflowError):
                continue
            if found:
                first, last, relative = found
                spans.append(Span(match.start(), match.end(), first, last, relative))
    return sorted(spans, key=lambda s: s.start)


def interval(query: str, today: date) -> tuple[date, date] | None:
    """First and last day that the time expressions of a query speak of; None when it has none."""
    spans = find(query, today)
    if not spans:
        return None
    return min(s.first for s in spans), max(s.last for s in spans)


def written(first: date, last: date, *, chinese: bool) -> str:
    """A day, month, year or range as people write it: "7 May 2023", "May 2023", "2023年5月7日"."""
    whole_month = first.day == 1 and last == _month_end(first) and first != last
    whole_year = first.month == first.day == 1 and (last.month, last.day) == (12, 31) and first.year == last.year
    if chinese:
        if whole_year:
            return f"{first.year}年"
        if whole_month:
            return f"{first.year}年{first.month}月"
        head = f"{first.year}年{first.month}月{first.day}日"
        return head if first == last else f"{head}至{last.month}月{last.day}日"
    month = _MONTHS[last.month - 1].capitalize()
    if whole_year:
        return str(first.year)
    if whole_month:
        return f"{month} {first.year}"
    if first == last:
        return f"{first.day} {month} {first.year}"
    if first.year != last.year:
        return f"{first.day} {_MONTHS[first.month - 1].capitalize()} {first.year} to {last.day} {month} {last.year}"
    if first.month == last.month:
        return f"{first.day}-{last.day} {month} {first.year}"
    return f"{first.day} {_MONTHS[first.month - 1].capitalize()} to {last.day} {month} {first.year}"


_Found = tuple[date, date, bool] | None
_FUTURE = re.compile(
    (
        r"\b(?:will|won't|going to|gonna|plan(?:ning|s)? (?:to|on)|shall|tomorrow|upcoming|next"
        r"|hope to|about to|scheduled|due|deadline|appointment|reservation|postponed|pushed"
        r"|rescheduled)\b|['\u2019]ll\b|将|要去|打算|计划|准备|下周|下个?月|明天|明年|截止|改到|推迟"
    ),
    re.IGNORECASE,
)
# No expression of the grammar is without one of these: most sentences are done after one search.
_HINT = re.compile(
    r"\d|\b(?:today|tonight|yesterday|tomorrow|this|last|next|past|previous|coming|upcoming|ago|back"
    r"|earlier|before|later"
    r"|weekend|on (?:mon|tue|wed|thu|fri|sat|sun)|in|since|until|by|of|during|early|late)\b|(?:morning"
    r"|afternoon|evening)"
    r"|[今昨明前后]|[年月周]|星期|礼拜",
    re.IGNORECASE,
)
_CLOCK = re.compile(r"\b(\d{1,2})(?::(\d\d))?(?::\d\d)?\s*([ap])\.?m\b|\b(\d{1,2}):(\d\d)", re.IGNORECASE)
_CLOCK_ZH = re.compile("(上午|早上|凌晨|中午|下午|晚上|傍晚)?\\s*(\\d{1,2})[点时:：](\\d{1,2})?")


def _time_of(match: re.Match[str]) -> tuple[int, int]:
    if match.re is _CLOCK_ZH:
        hour, minute = int(match[2]), int(match[3] or 0)
        if match[1] in {"下午", "晚上", "傍晚"} and hour < 12:
            hour += 12
    elif match[3]:
        hour, minute = int(match[1]) % 12 + (12 if match[3].lower() == "p" else 0), int(match[2] or 0)
    else:
        hour, minute = int(match[4]), int(match[5])
    return (hour, minute) if hour < 24 and minute < 60 else (0, 0)


def _month_end(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


def _shift_month(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _unit_span(unit: str, anchor: date) -> tuple[date, date]:
    """The whole day, week (Monday to Sunday), weekend, month or year around `anchor`."""
    if unit == "week":
        first = anchor - timedelta(days=anchor.weekday())
        return first, first + timedelta(days=6)
    if unit == "weekend":
        first = anchor - timedelta(days=anchor.weekday()) + timedelta(days=5)
        return first, first + timedelta(days=1)
    if unit == "month":
        return anchor.replace(day=1), _month_end(anchor)
    if unit == "year":
        return date(anchor.year, 1, 1), date(anchor.year, 12, 31)
    return anchor, anchor


def _shift(unit: str, anchor: date, count: int) -> date:
    if unit == "month":
        return _shift_month(anchor, count)
    if unit == "year":
        return _shift_month(anchor, 12 * count)
    return anchor + timedelta(days=count * (7 if unit in {"week", "weekend", "fortnight"} else 1))


def _month_number(name: str) -> int:
    return next(i for i, m in enumerate(_MONTHS, 1) if m.startswith(name.lower().rstrip(".")[:3]))


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


def _number_zh(text: str) -> int:
    if text.isdigit():
        return int(text)
    if "十" in text:
        tens, _, ones = text.partition("十")
        return (_DIGITS_ZH.get(tens, 1) if tens else 1) * 10 + (_DIGITS_ZH.get(ones, 0) if ones else 0)
    return int("".join(str(_DIGITS_ZH[c]) for c in text if c in _DIGITS_ZH) or 0)


def _year_near(month: int, day: int, today: date, past: bool) -> int:
    """The year of a date given without one: the nearest in the direction the text points to."""
    here = date(today.year, month, min(day, monthrange(today.year, month)[1]))
    if past and here > today:
        return today.year - 1
    if not past and here < today:
        return today.year + 1
    return today.year


def _full_year(text: str) -> int:
    year = int(text)
    return year + (2000 if year < 70 else 1900) if year < 100 else year


def _ymd(m: re.Match[str], _today: date, _past: bool) -> _Found:
    day = date(int(m["y"]), int(m["m"]), int(m["d"]))
    return day, day, False


def _numeric(m: re.Match[str], _today: date, _past: bool) -> _Found:
    a, b = int(m["a"]), int(m["b"])
    month, number = (b, a) if a > 12 else (a, b)
    day = date(_full_year(m["y"]), month, number)
    return day, day, False


def _named(m: re.Match[str], today: date, past: bool) -> _Found:
    month, number = _month_number(m["month"]), int(m["d"])
    year = int(m["y"]) if m["y"] else _year_near(month, number, today, past)
    day = date(year, month, number)
    return day, day, not m["y"]


def _named_month(m: re.Match[str], today: date, past: bool) -> _Found:
    month = _month_number(m["month"])
    year = int(m["y"]) if m["y"] else _year_near(month, 1 if past else 31, today, past)
    turn = (m["turn"] or "").lower() if "turn" in m.re.groupindex else ""
    if turn == "last" and not m["y"]:
        year = today.year if month < today.month else today.year - 1
    elif turn == "next" and not m["y"]:
        year = today.year if month > today.month else today.year + 1
    first = date(year, month, 1)
    return first, _month_end(first), not m["y"]


def _year_only(m: re.Match[str], _today: date, _past: bool) -> _Found:
    year = int(m["y"])
    return date(year, 1, 1), date(year, 12, 31), False


def _season_of(name: str, year: int) -> tuple[date, date]:
    start, end = _SEASONS[name]
    return date(year, start, 1), _month_end(date(year + (end < start), end, 1))


def _season(m: re.Match[str], today: date, _past: bool) -> _Found:
    name, turn = m["season"].lower(), (m["turn"] or "").lower()
    if m["y"]:
        return (*_season_of(name, int(m["y"])), False)
    if not turn:
        return None
    first, last = _season_of(name, today.year)
    if turn == "last" and first.year == today.year and last >= today:
        first, last = _season_of(name, today.year - 1)
    elif turn == "next" and first <= today:
        first, last = _season_of(name, today.year + 1)
    return first, last, True


_NAMED_DAYS = {"today": 0, "tonight": 0, "this morning": 0, "this afternoon": 0, "this evening": 0, "yesterday": -1,
               "last night": -1, "the day before yesterday": -2, "tomorrow": 1, "the day after tomorrow": 2,
               "今天": 0, "今日": 0, "今晚": 0, "今早": 0, "今晨": 0, "昨天": -1, "昨日": -1, "昨晚": -1, "昨夜": -1, "前天": -2,
               "前晚": -2, "大前天": -3, "明天": 1, "明日": 1, "明早": 1, "明晚": 1, "后天": 2, "大后天": 3}  # fmt: skip


def _named_day(m: re.Match[str], today: date, _past: bool) -> _Found:
    day = today + timedelta(days=_NAMED_DAYS[" ".join(m.group().lower().split())])
    return day, day, True


def _counted(unit: str, number: str, sign: int, today: date, *, loose: bool) -> _Found:
    count = min(_number(number), 5000)
    anchor = _shift(unit, today, sign * count)
    if unit in {"month", "year"} or loose or unit in {"week", "fortnight", "weekend"}:
        return (
            (*_unit_span("week" if unit == "fortnight" else unit, anchor), True)
            if unit != "day"
            else (
                anchor - timedelta(days=2),
                min(anchor + timedelta(days=1), today) if sign < 0 else anchor + timedelta(days=2),
                True,
            )
        )
    return anchor, anchor, True


def _ago(m: re.Match[str], today: date, _past: bool) -> _Found:
    loose = bool(re.search("few|several|some|couple", m["n"], re.IGNORECASE))
    return _counted(m["unit"].lower().rstrip("s"), m["n"], -1, today, loose=loose)


def _ahead(m: re.Match[str], today: date, _past: bool) -> _Found:
    loose = bool(re.search("few|several|some|couple", m["n"], re.IGNORECASE))
    return _counted(m["unit"].lower().rstrip("s"), m["n"], 1, today, loose=loose)


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


def _turned(m: re.Match[str], today: date, _past: bool) -> _Found:
    turn = _TURNS[" ".join(m["turn"].lower().split())]
    unit = m["unit"].lower()
    if unit == "weekend" and turn == -1 and today.weekday() == 6:
        return (*_unit_span("weekend", today - timedelta(days=7)), True)
    return (*_unit_span(unit, _shift(unit, today, turn)), True)


def _over_weekend(_m: re.Match[str], today: date, past: bool) -> _Found:
    first, last = _unit_span("weekend", today)
    if past and first > today:
        first, last = first - timedelta(days=7), last - timedelta(days=7)
    return first, last, True


def _weekday(m: re.Match[str], today: date, past: bool) -> _Found:
    number, turn = _day_number(m["day"]), " ".join((m["turn"] or "").lower().split())
    back = (today.weekday() - number) % 7 or 7
    ahead = (number - today.weekday()) % 7 or 7
    if turn in {"last", "past", "this past", "previous"} or (past and turn in {"", "on"}):
        day = today - timedelta(days=back)
    elif turn == "next":
        day = today - timedelta(days=today.weekday()) + timedelta(days=7 + number)
    elif turn == "this":
        day = today - timedelta(days=today.weekday()) + timedelta(days=number)
    else:
        day = today + timedelta(days=ahead)
    return day, day, True


def _zh_date(m: re.Match[str], today: date, past: bool) -> _Found:
    turned = {"去年": -1, "今年": 0, "明年": 1, "前年": -2, "后年": 2}
    month, number = _number_zh(m["m"]), _number_zh(m["d"]) if m["d"] else 0
    if m["y"] in turned:
        year = today.year + turned[m["y"]]
    elif m["y"]:
        year = _full_year(str(_number_zh(m["y"].rstrip("年"))))
    else:
        year = _year_near(month, number or (1 if past else 31), today, past)
    first = date(year, month, number or 1)
    return first, first if number else _month_end(first), m["y"] is None or m["y"] in turned


def _zh_year(m: re.Match[str], today: date, _past: bool) -> _Found:
    turned = {"去年": -1, "今年": 0, "明年": 1, "前年": -2, "后年": 2}
    relative = m["y"] in turned
    year = today.year + turned[m["y"]] if relative else int(m["y"].rstrip("年"))
    if m["season"]:
        return (*_season_of(m["season"], year), relative)
    return date(year, 1, 1), date(year, 12, 31), relative


def _zh_week(m: re.Match[str], today: date, _past: bool) -> _Found:
    turn = {"上上": -2, "上": -1, "这": 0, "本": 0, "下": 1, "下下": 2}[m["turn"]]
    monday = today - timedelta(days=today.weekday()) + timedelta(days=7 * turn)
    day = m["day"]
    if not day:
        return monday, monday + timedelta(days=6), True
    if day == "末":
        return monday + timedelta(days=5), monday + timedelta(days=6), True
    found = monday + timedelta(days="一二三四五六日天".index(day) if day != "天" else 6)
    return found, found, True


def _zh_weekday(m: re.Match[str], today: date, past: bool) -> _Found:
    number = 6 if m["day"] == "天" else "一二三四五六日".index(m["day"])
    day = (
        today - timedelta(days=(today.weekday() - number) % 7 or 7)
        if past
        else today + timedelta(days=(number - today.weekday()) % 7 or 7)
    )
    return day, day, True


def _zh_month(m: re.Match[str], today: date, _past: bool) -> _Found:
    anchor = _shift_month(today, {"上上": -2, "上": -1, "这": 0, "本": 0, "下": 1, "下下": 2}[m["turn"]])
    if m["d"]:
        day = anchor.replace(day=_number_zh(m["d"]))
        return day, day, True
    return (*_unit_span("month", anchor), True)


def _zh_counted(m: re.Match[str], today: date, _past: bool) -> _Found:
    unit = {"天": "day", "日": "day", "周": "week", "星期": "week", "礼拜": "week", "月": "month", "年": "year"}[
        m["unit"]
    ]
    sign = 1 if m["way"] in {"后", "以后", "之后"} else -1
    if m["n"] == "半":
        return (
            (*_unit_span("month", _shift_month(today, sign * 6)), True)
            if unit == "year"
            else (*_unit_span("week", today + timedelta(days=15 * sign)), True)
        )
    return _counted(unit, str(_number_zh(m["n"])), sign, today, loose="几" in m["n"])


def _patterns() -> Iterator[tuple[re.Pattern[str], Callable[[re.Match[str], date, bool], _Found]]]:
    month = (
        r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
        r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
    )
    long_month = month.replace("|may|", "|may(?= (?:19|20)\\d\\d)|").replace("mar(?:ch)?", "march")
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
    for pattern, resolve in (
        (rf"\b{year}[-/.](?P<m>[01]?\d)[-/.](?P<d>[0-3]?\d)(?!\d)", _ymd),
        (rf"(?<![\d/])(?P<a>[0-3]?\d)[/.](?P<b>[0-3]?\d)[/.](?P<y>(?:19|20)\d\d|\d\d)(?![\d/])", _numeric),
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
            _named_day,
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
                rf"\b(?:in|since|until|by|during|early|late|back in"
                rf"|of) {long_month}(?P<y>)(?P<turn>)(?! (?:the )?\d)"
            ),
            _named_month,
        ),
        (rf"\b(?:in|since|from|until|by|during|around|of|back in) {year}\b(?![-/]\d)", _year_only),
        (
            (
                "(?:(?P<y>(?:19|20)?\\d\\d年|去年|今年|明年|前年|后年)的?)?(?P<m>1[0-2]|0?[1-9]"
                "|十[一二]?|[一二三四五六七八九])月(?:(?P<d>3[01]|[12]\\d|0?[1-9]|三十一?|二十[一二三四五六七八九]?"
                "|十[一二三四五六七八九]?|[一二三四五六七八九])[日号])?"
            ),
            _zh_date,
        ),
        ("(?P<y>(?:19|20)\\d\\d年|去年|今年|明年|前年|后年)的?(?:(?P<season>[春夏秋冬])[天季])?", _zh_year),
        ("大?[前后]天|[今昨明][天日]|[今昨明前]晚|[今明][早晨]|昨夜", _named_day),
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


_GRAMMAR = tuple(_patterns())
_GRAMMAR_ASCII = tuple((p, r) for p, r in _GRAMMAR if p.pattern.isascii())
