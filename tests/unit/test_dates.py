"""Chat times and time expressions, in English and Chinese."""

from __future__ import annotations

from datetime import date, datetime, timezone

import pytest

from memos_integrations.engine.dates import find, interval, moment, written
from memos_integrations.engine.facts import dated

NOW = datetime(2026, 11, 21, 12, 30, tzinfo=timezone.utc)
MONDAY = date(2023, 5, 8)


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("1:56 pm on 8 May, 2023", "2023-05-08T13:56"),
        ("12:05 am on 1 January, 2024", "2024-01-01T00:05"),
        ("2025-09-12 08:00:00", "2025-09-12T08:00"),
        ("2025-09-12T08:00:00Z", "2025-09-12T08:00"),
        ("9/12/2025 8:30 PM", "2025-09-12T20:30"),
        ("25.12.24", "2024-12-25T00:00"),
        ("May 8th, 2023", "2023-05-08T00:00"),
        ("2025年9月12日 下午3点20", "2025-09-12T15:20"),
        ("7pm", "2026-11-21T19:00"),
        ("yesterday", "2026-11-20T00:00"),
        ("99:99", "2026-11-21T00:00"),
        ("who knows", "2026-11-21T12:30"),
    ],
)
def test_chat_times_of_any_form(text, iso):
    found = moment(text, NOW)
    assert found.isoformat(timespec="minutes")[:16] == iso
    assert found.tzinfo is not None


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("I went yesterday", "2023-05-07"), ("the day before yesterday", "2023-05-06"), ("tonight", "2023-05-08"),
        ("last Friday I ran", "2023-05-05"), ("next Tuesday", "2023-05-16"), ("this Friday", "2023-05-12"),
        ("on Saturday we danced", "2023-05-06"), ("I will leave on Saturday", "2023-05-13"),
        ("two weeks ago", "2023-04-24/2023-04-30"), ("a few days ago", "2023-05-03/2023-05-06"),
        ("10 years ago", "2013-01-01/2013-12-31"), ("a couple of months ago", "2023-03-01/2023-03-31"),
        ("in 3 days", "2023-05-11"), ("two weeks from now", "2023-05-22/2023-05-28"),
        ("a fortnight ago", "2023-05-01/2023-05-07"),
        ("next month", "2023-06-01/2023-06-30"), ("last year", "2022-01-01/2022-12-31"),
        ("last weekend", "2023-05-06/2023-05-07"), ("over the weekend", "2023-05-06/2023-05-07"),
        ("this week", "2023-05-08/2023-05-14"),
        ("in 2022", "2022-01-01/2022-12-31"), ("since March 2021", "2021-03-01/2021-03-31"),
        ("I met her in June", "2022-06-01/2022-06-30"), ("I will marry in June", "2023-06-01/2023-06-30"),
        ("last December", "2022-12-01/2022-12-31"), ("next April", "2024-04-01/2024-04-30"),
        ("last summer", "2022-06-01/2022-08-31"), ("next winter", "2023-12-01/2024-02-29"),
        ("summer of 2019", "2019-06-01/2019-08-31"), ("the 7th of May", "2023-05-07"),
        ("The deadline is September 1", "2023-09-01"), ("on 31/12/2020", "2020-12-31"), ("2021-02-03", "2021-02-03"),
        ("上周五去了医院", "2023-05-05"), ("昨晚", "2023-05-07"), ("大前天", "2023-05-05"), ("大后天", "2023-05-11"),
        ("三天前", "2023-05-05"), ("两个月后", "2023-07-01/2023-07-31"), ("半年前", "2022-11-01/2022-11-30"),
        ("半个月前", "2023-04-17/2023-04-23"), ("下个月搬家", "2023-06-01/2023-06-30"), ("上个月15号", "2023-04-15"),
        ("去年夏天", "2022-06-01/2022-08-31"), ("去年", "2022-01-01/2022-12-31"), ("2019年", "2019-01-01/2019-12-31"),
        ("五月七号", "2023-05-07"), ("十二月二十五日", "2022-12-25"), ("2023年5月7日", "2023-05-07"),
        ("明年3月", "2024-03-01/2024-03-31"), ("上上周", "2023-04-24/2023-04-30"), ("下周末", "2023-05-20/2023-05-21"),
        ("My exam is on May 30th", "2023-05-30"), ("Got tickets for the 3rd of July", "2023-07-03"),
        ("My cast came off on 20 April", "2023-04-20"), ("It happened on 9 May", "2022-05-09"),
        ("I moved here, and I am starting at the bakery on Friday", "2023-05-12"),
        ("We hire two people, and she left on Friday", "2023-05-05"),
        ("The lease ends in August", "2023-08-01/2023-08-31"),
        ("the Sunday before 8 May 2024", "2024-05-05"), ("the Monday after April 6, 2026", "2026-04-13"),
        ("the day before March 3rd 2024", "2024-03-02"), ("the week after 7 May 2023", "2023-05-08/2023-05-14"),
        ("评审定在周五", "2023-05-12"),
        ("星期三", "2023-05-03"), ("我打算下周日去", "2023-05-21"), ("几天前", "2023-05-03/2023-05-06"),
    ],
)  # fmt: skip
def test_expressions_mean_days(text, iso):
    assert [s.iso for s in find(text, MONDAY)] == [iso]


@pytest.mark.parametrize(
    "text",
    ["I may go", "march on", "May I?", "version 1.2.3", "call 555-0101", "", "no date 99/99/2020"],
)
def test_what_is_no_date(text):
    assert find(text, MONDAY) == []


def test_a_sunday_looks_back_to_the_weekend_before_it():
    assert [s.iso for s in find("last weekend", date(2023, 5, 7))] == ["2023-04-29/2023-04-30"]
    assert [s.iso for s in find("over the weekend", date(2023, 5, 9), past=False)] == ["2023-05-13/2023-05-14"]


def test_queries_give_intervals():
    assert interval("What did I do in June 2022 and on 3 July 2022?", MONDAY) == (date(2022, 6, 1), date(2022, 7, 3))
    assert interval("my trip in August", MONDAY) == (date(2022, 8, 1), date(2022, 8, 31))
    assert interval("What will I do in August?", MONDAY) == (date(2023, 8, 1), date(2023, 8, 31))
    assert interval("What do I like?", MONDAY) is None


@pytest.mark.parametrize(
    ("first", "last", "en", "zh"),
    [
        ("2023-05-07", "2023-05-07", "7 May 2023", "2023年5月7日"),
        ("2023-05-01", "2023-05-31", "May 2023", "2023年5月"),
        ("2022-01-01", "2022-12-31", "2022", "2022年"),
        ("2023-05-06", "2023-05-07", "6-7 May 2023", "2023年5月6日至5月7日"),
        ("2023-04-29", "2023-05-02", "29 April to 2 May 2023", "2023年4月29日至5月2日"),
        ("2022-12-30", "2023-01-02", "30 December 2022 to 2 January 2023", "2022年12月30日至1月2日"),
    ],
)
def test_days_are_written_as_people_write_them(first, last, en, zh):
    a, b = date.fromisoformat(first), date.fromisoformat(last)
    assert written(a, b, chinese=False) == en
    assert written(a, b, chinese=True) == zh


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("I quit smoking two years ago in June.", ["2021-01-01/2021-12-31", "2021-06-01/2021-06-30"]),
        ("last year in May I went", ["2022-01-01/2022-12-31", "2022-05-01/2022-05-31"]),
        ("两年前的六月我戒了烟", ["2021-01-01/2021-12-31", "2021-06-01/2021-06-30"]),
    ],
)
def test_a_date_right_beside_a_whole_year_lies_in_it(text, iso):
    assert [s.iso for s in find(text, MONDAY)][: len(iso)] == iso


@pytest.mark.parametrize(
    ("text", "added"),
    [
        ("I was born in October.", False),
        ("School always starts in August here.", False),
        ("我生日是三月五号。", False),
        ("Every Friday since last May we play chess.", True),
        ("My sister was born two years ago.", True),
    ],
)
def test_what_comes_back_every_year_gets_no_year(text, added):
    assert dated(text, datetime(2025, 4, 11, tzinfo=timezone.utc))[2] is added
