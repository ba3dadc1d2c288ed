"""What a rule is once its file is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from monitor.rules.cel import Expression
from monitor.rules.template import Template
from monitor.rules.variables import AGES, EVENT_SUBJECTS, Subject

__all__ = ["DEFAULT_RESOLVE_AFTER", "Rule", "Subject", "Threshold"]

DEFAULT_RESOLVE_AFTER = 86400.0
"""Seconds after which an event expires when its rule does not say."""

_JUST_AFTER = 0.001


@dataclass(frozen=True, slots=True)
class Threshold:
    """
    A comparison that time alone may make true: the variable `age` with `seconds`, or with run.limit plus `seconds`.

    `seconds` may be negative when it is added to the limit.
    """

    age: str
    of_limit: bool
    seconds: float

    def moment(self, since: float, limit: float) -> float:
        """Return when an age that counts from `since` has just passed this; `limit` is the run's, in seconds."""
        return since + self.seconds + (limit if self.of_limit else 0.0) + _JUST_AFTER


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """
    One rule of a rule file. All durations are seconds.

    `within`, `by` and `where` make it a window rule: `where` is asked about each single change, `expr` about the
    window. `by` holds dotted names of variables. `for_` is how long `expr` must have been observed true before the
    alert fires, `keep_firing_for` how long it fires on afterwards; both are 0 for events. `resolve_after` is None for
    states. `stops` tells that a run is to be stopped when the alert fires. `file` and `line` say where it is written.
    """

    name: str
    group: str
    subject: Subject
    expr: Expression
    where: Expression | None = None
    within: float | None = None
    by: tuple[str, ...] = ()
    for_: float = 0.0
    keep_firing_for: float = 0.0
    resolve_after: float | None = None
    labels: Mapping[str, str]
    annotations: Mapping[str, Template]
    stops: bool = False
    file: Path
    line: int

    @property
    def is_window(self) -> bool:
        """Whether it counts what happened within a time."""
        return self.within is not None

    @property
    def is_event(self) -> bool:
        """Whether it fires at once and ends by being withdrawn or expiring, rather than firing while true."""
        return self.subject in EVENT_SUBJECTS and not self.is_window

    @property
    def thresholds(self) -> tuple[Threshold, ...]:
        """At which ages of a run `expr` may become true by the passing of time; a guess that misses none it names."""
        ages = [age for age in AGES if age in self.expr.variables]
        return tuple(Threshold(age, of_limit, seconds) for age in ages for of_limit, seconds in self._bounds())

    def _bounds(self) -> list[tuple[bool, float]]:
        literals = self.expr.durations
        bounds = [(False, seconds) for seconds in literals]
        if "run.limit" in self.expr.variables:
            bounds.append((True, 0.0))
            if self.expr.has_sum:
                bounds += [(True, sign * seconds) for seconds in literals for sign in (1, -1)]
        return list(dict.fromkeys(bounds))
