"""Dates in English and Chinese text: chat times, absolute dates, and expressions relative to the day of speaking."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import pairwise

from memos_integrations.engine import dates_en, dates_zh
from memos_integrations.engine.dates_en import MONTHS, Anchor, month_end, shift_month
from memos_integrations.engine.text import words
from memos_integrations.engine.verbs import is_past

_FUTURE = re.compile(
    (
        r"\b(?:will|won't|going to|gonna|plan(?:ning|s)? (?:to|on)|shall|tomorrow|upcoming|next|until|by"
        r"|hope to|about to|scheduled|due|deadline|appointment|reservation|postponed|pushed|rescheduled"
        r"|starts?|begins?|comes?|leaves?|arrives?|expires?|ends?|opens?|closes?|takes place"
        r"|(?:am|is|are|'m|'re|'s) (?:\w+ )?(?!going\b)\w{2,}ing)\b"
        r"|(?:'m|'re) (?:\w+ )?\w{2,}ing\b|\b(?:is|are)(?: set| planned)?(?: for| on| in)?(?: the)?\W*$"
        r"|['\u2019]ll\b|将|要去|打算|计划|准备|下周|下个?月|明天|明年|截止|改到|推迟|[定安][在于排]|约[好了在]"
    ),
    re.IGNORECASE,
)
_LOWER_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")
# Past forms that speak of something arranged, which may well lie ahead.
_ARRANGED = words("got booked bought signed set planned decided paid ordered arranged organised organized can may")
_MODAL = words("could would should might must will shall cannot used")
_CLAUSE = re.compile(
    r"[,;:.!?](?!\d)| [-–—] |\b(?:and|but|because|that|which|when|who|so|then)\b|[，；。]", re.IGNORECASE
)
_GRAMMAR = (*dates_en.PATTERNS, *dates_zh.PATTERNS)
# No expression of the grammar is without one of these: most sentences are done after one search.
_HINT = re.compile(
    r"\d|\b(?:today|tonight|yesterday|tomorrow|this|last|next|past|previous|coming|upcoming|ago|weekend|fortnight"
    r"|on (?:mon|tue|wed|thu|fri|sat|sun)|(?:day|evening|night|morning|week|month|mon|tues|wednes|thurs|fri|satur|sun)"
    r"\w* (?:before|after)|(?:days?|weeks?|months?|years?) (?:back|earlier|later|hence|from now)"
    r"|(?:in|since|until|by|of|during|early|late) (?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|spring|summer|fall"
    r"|autumn|winter|an?\b|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|few|couple"
    r"|several|some))|[今昨明前后]|[年月周]|星期|礼拜",
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
    given = past
    spans: list[Span] = []
    for pattern, resolve in _GRAMMAR if not text.isascii() else dates_en.PATTERNS:
        for match in pattern.finditer(text):
            if any(s.start < match.end() and match.start() < s.end for s in spans):
                continue
            past = _points_back(text, match) if given is None else given
            try:
                found = resolve(match, Anchor(today, past))
            except (ValueError, OverflowError):
                continue
            if found:
                first, last, relative = found
                spans.append(Span(match.start(), match.end(), first, last, relative))
    return _of_the_year_beside(sorted(spans, key=lambda s: s.start))


def _of_the_year_beside(spans: list[Span]) -> list[Span]:
    """ "Two years ago in June" speaks of one June: a date right beside a whole year lies in it."""
    for index, (one, other) in enumerate(pairwise(spans)):
        year, part, place = (one, other, index + 1) if _is_year(one) else (other, one, index)
        if other.start - one.end > 2 or not _is_year(year) or _is_year(part) or not part.relative:
            continue
        months = 12 * (year.first.year - part.first.year)
        spans[place] = replace(part, first=shift_month(part.first, months), last=shift_month(part.last, months))
    return spans


def _is_year(span: Span) -> bool:
    first, last = span.first, span.last
    return (first.month, first.day, last.month, last.day) == (1, 1, 12, 31) and first.year == last.year


def _points_back(text: str, match: re.Match[str]) -> bool | None:
    """Whether the clause around a time expression, else the whole text, tells of the past; None when neither tells."""
    before, after = text[: match.start()], text[match.end() :]
    borders = list(_CLAUSE.finditer(before))
    end = _CLAUSE.search(after)
    head = before[borders[-1].end() :] if borders else before
    tail = after[: end.start()] if end else after
    found = _tense(head, tail)
    return _tense(before, after) if found is None else found


def _tense(head: str, tail: str) -> bool | None:
    if _FUTURE.search(head) or _FUTURE.search(tail):
        return False
    told = (w for w in _LOWER_WORD.findall(f"{head} {tail}".lower()) if w not in _ARRANGED and w not in _MODAL)
    return True if any(map(is_past, told)) else None


def interval(query: str, today: date) -> tuple[date, date] | None:
    """First and last day that the time expressions of a query speak of, of the past unless it says otherwise; None
    when it has none.
    """
    spans = find(query, today, past=not _FUTURE.search(query))
    if not spans:
        return None
    return min(s.first for s in spans), max(s.last for s in spans)


def written(first: date, last: date, *, chinese: bool) -> str:
    """A day, month, year or range as people write it: "7 May 2023", "May 2023", "2023年5月7日"."""
    whole_month = first.day == 1 and last == month_end(first) and first != last
    whole_year = first.month == first.day == 1 and (last.month, last.day) == (12, 31) and first.year == last.year
    if chinese:
        if whole_year:
            return f"{first.year}年"
        if whole_month:
            return f"{first.year}年{first.month}月"
        head = f"{first.year}年{first.month}月{first.day}日"
        return head if first == last else f"{head}至{last.month}月{last.day}日"
    month = MONTHS[last.month - 1].capitalize()
    if whole_year:
        return str(first.year)
    if whole_month:
        return f"{month} {first.year}"
    if first == last:
        return f"{first.day} {month} {first.year}"
    if first.year != last.year:
        return f"{first.day} {MONTHS[first.month - 1].capitalize()} {first.year} to {last.day} {month} {last.year}"
    if first.month == last.month:
        return f"{first.day}-{last.day} {month} {first.year}"
    return f"{first.day} {MONTHS[first.month - 1].capitalize()} to {last.day} {month} {first.year}"
