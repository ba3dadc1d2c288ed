"""
What holds back that an alert is told: silences, inhibition, time intervals of its route; and acknowledgements.

Muting never stops an evaluation or an action, and never holds back a resolve of what was told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from monitor.alerting.inhibition import Inhibitor, InhibitRule
from monitor.alerting.intervals import TimeInterval
from monitor.alerting.routing import Route
from monitor.alerting.silences import Silencer

__all__ = ["Mute", "MuteKind", "MutePolicy", "Muting", "interval_mute"]

_MINUTE = 60.0  # what time intervals are made of


class MuteKind(StrEnum):
    """What mutes."""

    SILENCE = "silence"
    INHIBITION = "inhibition"
    TIME_INTERVAL = "time_interval"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mute:
    """
    Why an alert is not told: `by` names the silence, the alert that inhibits, or the time interval.

    It may end at `until`, own time; None when something else has to happen first.
    """

    kind: MuteKind
    by: str
    until: float | None = None

    def __str__(self) -> str:
        return f"{self.kind} {self.by}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MutePolicy:
    """What the configuration says about muting; `intervals` are what time intervals consist of, by their names."""

    inhibit_rules: Sequence[InhibitRule] = ()
    intervals: Mapping[str, Sequence[TimeInterval]] = field(default_factory=dict)


class Muting:
    """What mutes at `now`, own time, while these alerts fire: `firing` are their labels by fingerprint."""

    def __init__(
        self, policy: MutePolicy, silencer: Silencer, firing: Mapping[str, Mapping[str, str]], *, now: float
    ) -> None:
        self._silencer = silencer
        self._inhibitor = Inhibitor(policy.inhibit_rules, firing)
        self._intervals = policy.intervals
        self._now = now

    def of(self, route: Route, fingerprint: str, labels: Mapping[str, str]) -> Mute | None:
        """Return what mutes an alert on a route, None when nothing does."""
        return (
            interval_mute(route, self._intervals, self._now)
            or self._silence(labels)
            or self._inhibition(fingerprint, labels)
        )

    def _silence(self, labels: Mapping[str, str]) -> Mute | None:
        silence = self._silencer.muted_by(labels)
        return Mute(kind=MuteKind.SILENCE, by=silence.id, until=silence.ends_at) if silence else None

    def _inhibition(self, fingerprint: str, labels: Mapping[str, str]) -> Mute | None:
        found = self._inhibitor.muted_by(labels, fingerprint)
        return Mute(kind=MuteKind.INHIBITION, by=found.source) if found else None


def interval_mute(route: Route, intervals: Mapping[str, Sequence[TimeInterval]], now: float) -> Mute | None:
    """Return what mutes a whole route at `now`: an interval in which it is mute, or none in which it is active."""
    until = (now // _MINUTE + 1) * _MINUTE
    for name in route.mute_time_intervals:
        if any(interval.contains(now) for interval in intervals[name]):
            return Mute(kind=MuteKind.TIME_INTERVAL, by=name, until=until)
    active = route.active_time_intervals
    if active and not any(interval.contains(now) for name in active for interval in intervals[name]):
        return Mute(kind=MuteKind.TIME_INTERVAL, by=f"outside of {', '.join(active)}", until=until)
    return None
