"""
Times of the week and of the year, for routes that are muted or active only then: Alertmanager's time intervals.

The ranges are read as Alertmanager reads them. Each `parse_*` function raises ValueError that says what is wrong.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from difflib import get_close_matches

__all__ = [
    "Span",
    "TimeInterval",
    "parse_days_of_month",
    "parse_months",
    "parse_times",
    "parse_weekdays",
    "parse_years",
]

Span = tuple[int, int]
"""The first and the last of what a range holds."""

_TIME = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00")
_NUMBER = re.compile(r"[+-]?[0-9]{1,4}")

_WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_LONGEST_MONTH = 31


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeInterval:
    """
    The moments that are in one of the spans of each kind; a kind without any has them all.

    `times` are minutes of the day, and `weekdays` count from Sunday = 0. Negative `days_of_month` count from the end of
    the month, where -1 is its last day. All of them are those of the time zone `location`.
    """

    times: tuple[Span, ...] = ()
    weekdays: tuple[Span, ...] = ()
    days_of_month: tuple[Span, ...] = ()
    months: tuple[Span, ...] = ()
    years: tuple[Span, ...] = ()
    location: tzinfo = UTC

    def contains(self, at: float) -> bool:
        """Return whether the moment `at`, in UTC seconds, is in this interval; it can change at whole minutes only."""
        moment = datetime.fromtimestamp(at, self.location)
        return (
            _holds(self.times, moment.hour * 60 + moment.minute)
            and _holds(self.weekdays, moment.isoweekday() % 7)
            and _holds(self.months, moment.month)
            and _holds(self.years, moment.year)
            and self._holds_day(moment)
        )

    def _holds_day(self, moment: datetime) -> bool:
        last = monthrange(moment.year, moment.month)[1]
        spans = ((_from_start(first, last), _from_start(end, last)) for first, end in self.days_of_month)
        return not self.days_of_month or any(first <= moment.day <= end for first, end in spans)


def parse_times(start: str, end: str) -> Span:
    """Return the minutes of the day from `start` up to, and without, `end`: ``09:00``, ``24:00``."""
    first, after = _minute(start), _minute(end)
    if first >= after:
        raise ValueError("should end after it starts, on the same day; write what goes over midnight as two")
    return first, after - 1


def parse_weekdays(text: str) -> Span:
    """Return the days of the week of ``saturday`` or ``monday:friday``; the week begins on Sunday."""
    return _in_order(_span(text, _weekday))


def parse_months(text: str) -> Span:
    """Return the months of ``january``, ``1`` or ``may:august``."""
    return _in_order(_span(text, _month))


def parse_years(text: str) -> Span:
    """Return the years of ``2027`` or ``2027:2030``."""
    return _in_order(_span(text, _year))


def parse_days_of_month(text: str) -> Span:
    """Return the days of ``1``, ``1:5``, ``-1`` (the last day) or ``-3:-1``, as they are written."""
    first, last = _span(text, _day)
    if first < 0 < last:
        raise ValueError("should end with a negative day, as it starts with one")
    _in_order((_from_start(first, _LONGEST_MONTH), _from_start(last, _LONGEST_MONTH)))
    return first, last


def _holds(spans: Sequence[Span], number: int) -> bool:
    return not spans or any(first <= number <= last for first, last in spans)


def _from_start(day: int, last: int) -> int:
    return day if day > 0 else last + 1 + day


def _minute(text: str) -> int:
    if not _TIME.fullmatch(text):
        raise ValueError("should be a time from 00:00 to 24:00, with two digits each")
    return int(text[:2]) * 60 + int(text[3:])


def _span(text: str, read: Callable[[str], int]) -> Span:
    first, colon, last = text.lower().partition(":")
    return read(first), read(last if colon else first)


def _in_order(span: Span) -> Span:
    first, last = span
    if first > last:
        raise ValueError("should not end before it starts; write what goes over the end as two")
    return span


def _weekday(word: str) -> int:
    if word not in _WEEKDAYS:
        raise ValueError(f"should be days by their English names, such as monday:friday{_near(word, _WEEKDAYS)}")
    return _WEEKDAYS.index(word)


def _month(word: str) -> int:
    if word in _MONTHS:
        return _MONTHS.index(word) + 1
    if (number := _number(word)) is None or not 1 <= number <= len(_MONTHS):
        raise ValueError(f"should be months by name or number, such as may:august or 1:3{_near(word, _MONTHS)}")
    return number


def _year(word: str) -> int:
    if (number := _number(word)) is None or number < 1:
        raise ValueError("should be years, such as 2027 or 2027:2030")
    return number


def _day(word: str) -> int:
    if not (number := _number(word)) or abs(number) > _LONGEST_MONTH:
        raise ValueError("should be days from 1 to 31, or from -1, the last, back to -31, such as 1:5 or -3:-1")
    return number


def _number(word: str) -> int | None:
    return int(word) if _NUMBER.fullmatch(word) else None


def _near(word: str, known: Sequence[str]) -> str:
    near = get_close_matches(word[:20], known, n=1)
    return f"; did you mean {near[0]}?" if near else ""
