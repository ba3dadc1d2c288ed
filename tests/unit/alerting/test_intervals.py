from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerting.intervals import (
    Span,
    TimeInterval,
    parse_days_of_month,
    parse_months,
    parse_times,
    parse_weekdays,
    parse_years,
)

MOMENTS = st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - made aware


def at(text: str, zone: str = "UTC") -> float:
    """Return the moment at which clocks in a zone show this."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


@pytest.mark.parametrize(
    ("interval", "moment", "expected"),
    [
        (TimeInterval(), "2027-01-31T09:00", True),
        (TimeInterval(times=(parse_times("09:00", "17:00"),)), "2027-01-31T09:00", True),
        (TimeInterval(times=(parse_times("09:00", "17:00"),)), "2027-01-31T16:59:59.999", True),
        (TimeInterval(times=(parse_times("09:00", "17:00"),)), "2027-01-31T17:00", False),
        (TimeInterval(times=(parse_times("00:00", "24:00"),)), "2027-01-31T23:59:59", True),
        (TimeInterval(times=(parse_times("22:00", "24:00"), parse_times("00:00", "06:00"))), "2027-01-31T05:59", True),
        (TimeInterval(weekdays=((0, 0),)), "2027-01-31T12:00", True),  # a Sunday
        (TimeInterval(weekdays=((1, 6),)), "2027-01-31T12:00", False),
        (TimeInterval(weekdays=((6, 6),)), "2027-01-30T12:00", True),
        (TimeInterval(days_of_month=((-1, -1),)), "2027-02-28T12:00", True),
        (TimeInterval(days_of_month=((-1, -1),)), "2028-02-28T12:00", False),
        (TimeInterval(days_of_month=((-3, -1),)), "2028-02-27T12:00", True),
        (TimeInterval(days_of_month=((-31, -30),)), "2027-02-01T12:00", False),
        (TimeInterval(days_of_month=((-31, -28),)), "2027-02-01T12:00", True),
        (TimeInterval(days_of_month=((29, 31),)), "2027-02-28T12:00", False),
        (TimeInterval(days_of_month=((25, -1),)), "2027-02-28T12:00", True),
        (TimeInterval(days_of_month=((1, 31),)), "2027-02-28T12:00", True),
        (TimeInterval(months=((5, 8), (12, 12))), "2027-12-24T12:00", True),
        (TimeInterval(months=((5, 8),)), "2027-09-01T00:00", False),
        (TimeInterval(years=((2026, 2027),)), "2027-12-31T23:59", True),
        (TimeInterval(years=((2026, 2027),)), "2028-01-01T00:00", False),
        (TimeInterval(weekdays=((0, 0),), times=(parse_times("09:00", "10:00"),)), "2027-01-31T10:00", False),
    ],
)
def test_contains(interval: TimeInterval, moment: str, expected: bool) -> None:  # noqa: FBT001 - a table of cases
    """A moment is in an interval when it is in one span of each kind that there is."""
    assert interval.contains(at(moment)) is expected


def test_is_about_the_clocks_of_its_place() -> None:
    """Nine in the morning is another moment in Seoul than in San Francisco, where it moves with daylight saving."""
    spans = (parse_times("09:00", "10:00"),)
    seoul = TimeInterval(times=spans, location=ZoneInfo("Asia/Seoul"))
    west = TimeInterval(times=spans, location=ZoneInfo("America/Los_Angeles"))
    assert seoul.contains(at("2027-01-31T00:30"))
    assert not seoul.contains(at("2027-01-31T09:30"))
    assert [hour for hour in range(24) if west.contains(at(f"2027-01-31T{hour:02}:30"))] == [17]
    assert [hour for hour in range(24) if west.contains(at(f"2027-07-31T{hour:02}:30"))] == [16]


def test_the_hours_that_clocks_skip_and_repeat() -> None:
    """Where clocks go forward, the hour in between is in no interval; where they go back, both hours are."""
    interval = TimeInterval(times=(parse_times("02:00", "03:00"),), location=ZoneInfo("Europe/Berlin"))
    spring, autumn = (
        [minute for minute in range(24 * 60) if interval.contains(at(day) + minute * 60)]
        for day in ("2027-03-28T00:00", "2027-10-31T00:00")
    )
    assert spring == []
    assert autumn == [*range(120)]


@given(moment=MOMENTS, first=st.integers(-31, 31).filter(bool), last=st.integers(-31, 31).filter(bool))
def test_days_from_the_end_are_days_from_the_start(moment: datetime, first: int, last: int) -> None:
    """A day counted from the end of a month is the one that is as far from its start."""
    length = monthrange(moment.year, moment.month)[1]
    begin, end = (day if day > 0 else length + 1 + day for day in (first, last))
    expected = moment.day in range(begin, end + 1)
    assert TimeInterval(days_of_month=((first, last),)).contains(moment.timestamp()) is expected


@given(moment=MOMENTS, minute=st.integers(0, 1439))
def test_changes_at_whole_minutes_only(moment: datetime, minute: int) -> None:
    """Within a minute of UTC an interval holds all the time or never, in whatever part of the world."""
    interval = TimeInterval(times=((minute, minute + 60),), location=ZoneInfo("Asia/Kathmandu"))
    start = moment.timestamp() // 60 * 60
    assert interval.contains(start) is interval.contains(start + 59.999)


@pytest.mark.parametrize(
    ("parse", "text", "expected"),
    [
        (parse_weekdays, "saturday", (6, 6)),
        (parse_weekdays, "Monday:FRIDAY", (1, 5)),
        (parse_weekdays, "sunday:sunday", (0, 0)),
        (parse_months, "January:3", (1, 3)),
        (parse_months, "december", (12, 12)),
        (parse_years, "2027:2030", (2027, 2030)),
        (parse_years, "+2027", (2027, 2027)),
        (parse_days_of_month, "1:5", (1, 5)),
        (parse_days_of_month, "-3:-1", (-3, -1)),
        (parse_days_of_month, "31", (31, 31)),
        (parse_days_of_month, "25:-1", (25, -1)),
        (parse_days_of_month, "5:-20", (5, -20)),
    ],
)
def test_reads_ranges(parse: Callable[[str], Span], text: str, expected: Span) -> None:
    """Ranges of names and numbers are read as Alertmanager reads them."""
    assert parse(text) == expected


@pytest.mark.parametrize(
    ("parse", "text", "reason"),
    [
        (parse_weekdays, "5", "English names"),
        (parse_weekdays, "", "English names"),
        (parse_weekdays, "mondya", "did you mean monday?"),
        (parse_weekdays, "friday:monday", "before it starts"),
        (parse_weekdays, "monday:", "English names"),
        (parse_weekdays, "monday:tuesday:friday", "English names"),
        (parse_weekdays, " monday", "English names"),
        (parse_months, "0", "name or number"),
        (parse_months, "13", "name or number"),
        (parse_months, "decembre", "did you mean december?"),
        (parse_months, "december:january", "before it starts"),
        (parse_years, "0", "should be years"),
        (parse_years, "-5", "should be years"),
        (parse_years, "20270", "should be years"),
        (parse_years, "2030:2027", "before it starts"),
        (parse_days_of_month, "0", "from 1 to 31"),
        (parse_days_of_month, "32", "from 1 to 31"),
        (parse_days_of_month, "-32", "from 1 to 31"),
        (parse_days_of_month, "x", "from 1 to 31"),
        (parse_days_of_month, "-1:5", "negative day"),
        (parse_days_of_month, "5:-28", "before it starts"),
        (parse_days_of_month, "-1:-3", "before it starts"),
    ],
)
def test_refuses_what_is_no_range(parse: Callable[[str], Span], text: str, reason: str) -> None:
    """What is no range, or never holds, is refused with what is expected in its place."""
    with pytest.raises(ValueError, match=reason.replace("?", r"\?")):
        parse(text)


@pytest.mark.parametrize(
    ("start", "end"), [("9:00", "17:00"), ("09:00", "25:00"), ("09:60", "17:00"), ("24:00", "24:00"), ("a", "b")]
)
def test_refuses_what_is_no_time(start: str, end: str) -> None:
    """Times have two digits each, up to 24:00, and an interval has to end after it starts."""
    with pytest.raises(ValueError, match="should"):
        parse_times(start, end)
