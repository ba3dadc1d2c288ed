"""The section about who is told, and when not: routes, receivers, inhibition. The words are Alertmanager's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import InitErrorDetails

from monitor.alerting.matchers import Matcher, Operator, parse_matchers
from monitor.settings.fields import FrozenMap, Interval, Section, Span, empty_map, problem, refuse
from monitor.settings.intervals import NamedInterval
from monitor.settings.receivers import Receiver

__all__ = ["Alerting", "ChildRoute", "InhibitRule", "RootRoute"]

Path = tuple[str | int, ...]


def _check_names(names: tuple[str, ...]) -> tuple[str, ...]:
    empty = (problem("is not a label name", index) for index, name in enumerate(names) if not name)
    again = (problem("stands there twice", index) for index, name in enumerate(names) if name in names[:index])
    refuse(*empty, *again)
    return names


def _check_group_by(names: tuple[str, ...]) -> tuple[str, ...]:
    if "..." in names and len(names) > 1:
        raise ValueError("has ..., which means all labels, beside others")
    return _check_names(names)


def _check_matchers(texts: tuple[str, ...]) -> tuple[str, ...]:
    refuse(*(problem(reason, index) for index, text in enumerate(texts) if (reason := _why_not(text))))
    return texts


def _why_not(text: str) -> str | None:
    try:
        parse_matchers(text)
    except ValueError as error:
        return str(error)
    return None


def _anchored(name: str, pattern: str) -> Matcher:
    """Return the matcher that Alertmanager makes of an entry of `match_re`."""
    return Matcher(name=name, operator=Operator.REGEX, value=f"^(?:{pattern})$")


def _check_patterns(patterns: Mapping[str, str]) -> Mapping[str, str]:
    problems = []
    for name, pattern in patterns.items():
        try:
            _anchored(name, pattern)
        except ValueError as error:
            problems.append(problem(str(error), name))
    refuse(*problems)
    return patterns


LabelNames = Annotated[tuple[str, ...], AfterValidator(_check_names)]
GroupBy = Annotated[tuple[str, ...], AfterValidator(_check_group_by)]
Matchers = Annotated[tuple[str, ...], AfterValidator(_check_matchers)]
"""Conditions that all have to hold; each text may have several, separated by commas."""

Values = FrozenMap[str, str]
"""Labels and the values that they have to have: what `matchers` replaced."""

Patterns = Annotated[FrozenMap[str, str], AfterValidator(_check_patterns)]
"""Labels and the regular expressions that their whole values have to match: what `matchers` replaced."""

Backoff = Annotated[float, Field(ge=1, le=100, json_schema_extra={"format": "factor"})]
"""How many times longer than the one before a pause is."""


def _conditions(values: Mapping[str, str], patterns: Mapping[str, str], texts: Iterable[str]) -> tuple[Matcher, ...]:
    equal = (Matcher(name=name, operator=Operator.EQUAL, value=value) for name, value in values.items())
    regex = (_anchored(name, pattern) for name, pattern in patterns.items())
    return (*equal, *regex, *(matcher for text in texts for matcher in parse_matchers(text)))


class ChildRoute(Section):
    """
    A route for the alerts that satisfy all conditions, tried in order; `continue_` tries the next ones as well.

    Where it has no value for the receiver, the groups and the rhythm (seconds), those of the route above it hold; the
    time intervals are its own.
    """

    receiver: str = ""
    group_by: GroupBy = ()
    group_wait: Span | None = None
    group_interval: Interval | None = None
    repeat_interval: Interval | None = None
    repeat_backoff: Backoff | None = None
    repeat_max: Interval | None = None
    matchers: Matchers = ()
    match: Values = Field(default_factory=empty_map)
    match_re: Patterns = Field(default_factory=empty_map)
    continue_: bool = Field(default=False, alias="continue")
    mute_time_intervals: tuple[str, ...] = ()
    active_time_intervals: tuple[str, ...] = ()
    routes: tuple[ChildRoute, ...] = ()

    @property
    def conditions(self) -> tuple[Matcher, ...]:
        """All conditions, in whichever of the three ways they are written."""
        return _conditions(self.match, self.match_re, self.matchers)


class RootRoute(Section):
    """Where alerts go that no other route takes, and in which rhythm (seconds)."""

    receiver: str = "default"
    group_by: GroupBy = ("alertname", "project", "app")
    group_wait: Span = 10.0
    group_interval: Interval = 60.0
    repeat_interval: Interval = 4 * 3600.0
    repeat_backoff: Backoff = 1.0
    repeat_max: Interval | None = None
    routes: tuple[ChildRoute, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _check_takes_everything(cls, data: Any) -> Any:
        """Accept what says nothing, as Alertmanager does: ``continue: false``, ``matchers: []``."""
        if not isinstance(data, Mapping):
            return data
        narrow = {field.alias or name for name, field in ChildRoute.model_fields.items()} - cls.model_fields.keys()
        given = {key for key in data.keys() & narrow if data[key] not in (None, False, "false", "", [], {})}
        message = "the root route takes every alert at any time; put this on a route below it"
        refuse(*(problem(message, key) for key in sorted(given)))
        return {key: value for key, value in data.items() if key not in narrow}


class InhibitRule(Section):
    """While an alert fires that satisfies the source's conditions, those that satisfy the target's are not told."""

    source_matchers: Matchers = ()
    source_match: Values = Field(default_factory=empty_map)
    source_match_re: Patterns = Field(default_factory=empty_map)
    target_matchers: Matchers = ()
    target_match: Values = Field(default_factory=empty_map)
    target_match_re: Patterns = Field(default_factory=empty_map)
    equal: LabelNames = ()
    name: str = ""

    @property
    def sources(self) -> tuple[Matcher, ...]:
        """All conditions of the source, in whichever way they are written."""
        return _conditions(self.source_match, self.source_match_re, self.source_matchers)

    @property
    def targets(self) -> tuple[Matcher, ...]:
        """All conditions of the target, in whichever way they are written."""
        return _conditions(self.target_match, self.target_match_re, self.target_matchers)


class Alerting(Section):
    """The routing tree, its receivers, and what mutes. Without any, what fires is only shown."""

    route: RootRoute = RootRoute()
    receivers: tuple[Receiver, ...] = (Receiver(name="default"),)
    inhibit_rules: tuple[InhibitRule, ...] = ()
    time_intervals: tuple[NamedInterval, ...] = ()
    mute_time_intervals: tuple[NamedInterval, ...] = ()
    language: Literal["en", "ko", "ja"] = "en"

    @property
    def intervals(self) -> tuple[NamedInterval, ...]:
        """All time intervals: Alertmanager has two names for their list, of which one is old."""
        return (*self.mute_time_intervals, *self.time_intervals)

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        receivers = [each.name for each in self.receivers]
        intervals = [each.name for each in self.intervals]
        refuse(
            *self._duplicates("receiver", "receivers", ()),
            *self._duplicates("time interval", "mute_time_intervals", ()),
            *self._duplicates("time interval", "time_intervals", [each.name for each in self.mute_time_intervals]),
            *_unknown("receiver", self.route.receiver, receivers, "route", "receiver"),
            *self._unknown_in_routes(receivers, intervals),
        )
        return self

    def _duplicates(self, what: str, key: str, taken: Sequence[str]) -> Iterator[InitErrorDetails]:
        names = [*taken, *(each.name for each in getattr(self, key))]
        for index in range(len(taken), len(names)):
            if names[index] in names[:index]:
                yield problem(f"another {what} has this name", key, index - len(taken), "name")

    def _unknown_in_routes(self, receivers: Sequence[str], intervals: Sequence[str]) -> Iterator[InitErrorDetails]:
        for route, path in _below(self.route.routes, ("route",)):
            if route.receiver:
                yield from _unknown("receiver", route.receiver, receivers, *path, "receiver")
            for key in ("mute_time_intervals", "active_time_intervals"):
                for index, name in enumerate(getattr(route, key)):
                    yield from _unknown("time interval", name, intervals, *path, key, index)


def _below(routes: Sequence[ChildRoute], path: Path) -> Iterator[tuple[ChildRoute, Path]]:
    """Yield all routes below the one at `path`, each with its own path."""
    for index, route in enumerate(routes):
        place = (*path, "routes", index)
        yield route, place
        yield from _below(route.routes, place)


def _unknown(what: str, name: str, known: Sequence[str], *path: str | int) -> Iterator[InitErrorDetails]:
    if name not in known:
        near = get_close_matches(name, known, n=1)
        yield problem(f"no {what} has this name{f'; did you mean {near[0]}?' if near else ''}", *path)
