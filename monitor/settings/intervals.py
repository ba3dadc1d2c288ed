"""The part of the settings about time: intervals by name, in which routes are mute or active. Alertmanager's words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from monitor.alerting.intervals import (
    Span,
    TimeInterval,
    parse_days_of_month,
    parse_months,
    parse_times,
    parse_weekdays,
    parse_years,
)
from monitor.settings.fields import Section, ZoneName, problem, refuse

__all__ = ["NamedInterval"]


class TimeRange(Section):
    """The times of a day from `start_time` on, up to and without `end_time`; `24:00` is its end."""

    start_time: str
    end_time: str

    @property
    def span(self) -> Span:
        """Its minutes of the day."""
        return parse_times(self.start_time, self.end_time)

    @model_validator(mode="after")
    def _check(self) -> Self:
        parse_times(self.start_time, self.end_time)
        return self


def _not_empty(items: tuple[Any, ...]) -> tuple[Any, ...]:
    if not items:
        raise ValueError("is empty, so that no time would be in it; leave the key out where any will do")
    return items


def _each(parse: Callable[[str], Span]) -> AfterValidator:
    def check(texts: tuple[str, ...]) -> tuple[str, ...]:
        refuse(*(problem(reason, index) for index, text in enumerate(texts) if (reason := _why_not(parse, text))))
        return _not_empty(texts)

    return AfterValidator(check)


def _why_not(parse: Callable[[str], Span], text: str) -> str | None:
    try:
        parse(text)
    except ValueError as error:
        return str(error)
    return None


Range = Annotated[str, Field(coerce_numbers_to_str=True, json_schema_extra={"format": "range"})]
"""A range in the words of its kind; a single number may be bare."""


class TimeSpec(Section):
    """The moments that fit every key that is given; each list has single values and ranges such as `1:5`."""

    times: Annotated[tuple[TimeRange, ...], AfterValidator(_not_empty)] = ()
    weekdays: Annotated[tuple[str, ...], _each(parse_weekdays)] = ()
    days_of_month: Annotated[tuple[Range, ...], _each(parse_days_of_month)] = ()
    months: Annotated[tuple[Range, ...], _each(parse_months)] = ()
    years: Annotated[tuple[Range, ...], _each(parse_years)] = ()
    location: ZoneName = "UTC"

    @property
    def interval(self) -> TimeInterval:
        """What it describes."""
        return TimeInterval(
            times=tuple(each.span for each in self.times),
            weekdays=tuple(map(parse_weekdays, self.weekdays)),
            days_of_month=tuple(map(parse_days_of_month, self.days_of_month)),
            months=tuple(map(parse_months, self.months)),
            years=tuple(map(parse_years, self.years)),
            location=ZoneInfo(self.location),
        )


class NamedInterval(Section):
    """Times under a name that routes use: those of any of `time_intervals`."""

    name: str = Field(min_length=1)
    time_intervals: tuple[TimeSpec, ...] = ()
