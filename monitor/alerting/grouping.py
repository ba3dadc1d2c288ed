"""
When a group of alerts is told: the rhythm of Alertmanager, with a named reason for each send.

A group begins with the first alert in it. It is told `group_wait` later, or at once when that alert is old already,
and from then on looked at every `group_interval`, at its ticks: what is new is told at the next of them, and what
still fires at the first of them after `repeat_interval`. It ends when nothing in it fires any more.

Where this differs from Alertmanager: nothing that waits is ever dropped, so an alert that fired and resolved before
anybody was told is told, as both; and when a mute or an acknowledgement ends, what still fires is told at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from monitor.model.alert import Transition

__all__ = ["Arrival", "Group", "Plan", "Reason", "Rhythm", "arrival_due", "plan"]

_ROUNDING = 1e-9  # of an interval: a tick must not be missed for the rounding of floats
_MOST_REPEATS = 64  # after so many, a growing repeat_interval is beyond all bounds


class Reason(StrEnum):
    """Why a group is sent."""

    FIRST_NOTIFICATION = "first_notification"  # something fires in a group in which the receiver knew of nothing firing
    NEW_ALERTS = "new_alerts"  # something more fires
    RESOLVED = "resolved"  # nothing new fires, something resolved
    REPEAT = "repeat"  # nothing changed, and what the receiver knows of still fires
    MUTE_ENDED = "mute_ended"  # nothing changed, but what fires was muted or acknowledged until now
    ACKNOWLEDGED = "acknowledged"  # nothing else than that somebody took care of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """
    What a route says about timing, in seconds.

    Each repeat comes `repeat_backoff` times as long after the one before as that came after its own, but never more
    than `repeat_max` if there is one.
    """

    group_wait: float
    group_interval: float
    repeat_interval: float
    repeat_backoff: float = 1.0
    repeat_max: float | None = None

    def repeat_after(self, repeats: int) -> float:
        """Return how long after the last send the next repeat comes when there were so many since the last change."""
        wait = self.repeat_interval * self.repeat_backoff ** min(repeats, _MOST_REPEATS)
        return wait if self.repeat_max is None else min(wait, max(self.repeat_max, self.repeat_interval))


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A transition that waits to be told: when it was committed, and when its alert began to fire; own time."""

    at: float
    starts_at: float
    status: Transition


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """
    What one integration of a receiver knows of one group, and what it does not know yet. Times are own time.

    `arrivals` are the transitions that are to be told, and `held` those that are muted. `released` says that something
    that fires was muted or acknowledged until now. `ticked_at` is what ticks count from, None while nothing of the
    group was looked at. `last_sent_at` is when a notification was last made, and `repeats` how many of the last ones
    only repeated. `firing` tells whether the receiver believes that something fires, `repeatable` whether any of that
    is to be repeated, and `leaves_firing` and `leaves_repeatable` the same of the time after `arrivals` are told.
    `quiet` says that something that fires is muted or acknowledged, which may end at `quiet_until`.
    """

    arrivals: Sequence[Arrival] = ()
    held: Sequence[Arrival] = ()
    released: bool = False
    ticked_at: float | None = None
    last_sent_at: float | None = None
    repeats: int = 0
    firing: bool = False
    repeatable: bool = False
    leaves_firing: bool = False
    leaves_repeatable: bool = False
    quiet: bool = False
    quiet_until: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """
    What is to be done with a group now: `reason` says why it is sent, None when it is not.

    `look_at` is when to look at it next if nothing else happens, None for never. `ticked_at` and `repeats` are as in
    `Group` from now on; a group without `ticked_at` in which nothing waits is over.
    """

    reason: Reason | None
    look_at: float | None
    ticked_at: float | None
    repeats: int


def plan(group: Group, rhythm: Rhythm, *, now: float) -> Plan:
    """Return what is to be done with `group` at `now`."""
    group = replace(group, ticked_at=_past(group.ticked_at, now), last_sent_at=_past(group.last_sent_at, now))
    due = _due_at(group, rhythm, now)
    if due is not None and due <= now:
        why = _reason(group)
        left = replace(
            group,
            arrivals=(),
            released=False,
            ticked_at=group.ticked_at or now if why is Reason.ACKNOWLEDGED else now,
            last_sent_at=now,
            repeats=group.repeats + 1 if why is Reason.REPEAT else 0,
            firing=group.leaves_firing,
            repeatable=group.leaves_repeatable,
        )
        return _leave(left, rhythm, now, why)
    if any(_arrival_due(group, arrival, rhythm) <= now for arrival in group.held):
        group = replace(group, ticked_at=now)  # a tick passes even where all that could be told at it is muted
    return _leave(group, rhythm, now, None)


def arrival_due(ticked_at: float | None, at: float, starts_at: float, rhythm: Rhythm) -> float:
    """Return when a transition of `at` is to be told, of an alert that began to fire at `starts_at`."""
    if ticked_at is not None:
        ticks = math.ceil((at - ticked_at) / rhythm.group_interval - _ROUNDING)
        return ticked_at + max(ticks, 1) * rhythm.group_interval
    return at if starts_at + rhythm.group_wait < at else at + rhythm.group_wait


def _reason(group: Group) -> Reason:
    statuses = {arrival.status for arrival in group.arrivals}
    if Transition.FIRING in statuses:
        return Reason.NEW_ALERTS if group.firing else Reason.FIRST_NOTIFICATION
    if Transition.RESOLVED in statuses:
        return Reason.RESOLVED
    if statuses:
        return Reason.ACKNOWLEDGED
    return Reason.MUTE_ENDED if group.released else Reason.REPEAT


def _due_at(group: Group, rhythm: Rhythm, now: float) -> float | None:
    """Return when `group` is to be sent if nothing else happens, or None for never; a moment that passed means now."""
    if group.released or any(arrival.status is Transition.ACKNOWLEDGED for arrival in group.arrivals):
        return now
    if group.arrivals:
        return min(_arrival_due(group, arrival, rhythm) for arrival in group.arrivals)
    if not group.repeatable:
        return None
    if group.last_sent_at is None:
        return now
    at = group.last_sent_at + rhythm.repeat_after(group.repeats)
    return at if group.ticked_at is None else arrival_due(group.ticked_at, at, at, rhythm)


def _arrival_due(group: Group, arrival: Arrival, rhythm: Rhythm) -> float:
    return arrival_due(group.ticked_at, arrival.at, arrival.starts_at, rhythm)


def _leave(group: Group, rhythm: Rhythm, now: float, why: Reason | None) -> Plan:
    """Return the plan that leaves `group` as it is now."""
    if not (group.firing or group.arrivals or group.held):
        return Plan(reason=why, look_at=None, ticked_at=None, repeats=0)
    looks = [_due_at(group, rhythm, now)]
    if group.quiet:  # what mutes may end at any tick, and some of it is known to end between them
        began = now if group.ticked_at is None else group.ticked_at
        passed = math.floor((now - began) / rhythm.group_interval + _ROUNDING)
        looks += [group.quiet_until, began + (passed + 1) * rhythm.group_interval]
    looks += [_arrival_due(group, arrival, rhythm) for arrival in group.held if group.ticked_at is None]
    look_at = min((at for at in looks if at is not None), default=None)
    return Plan(reason=why, look_at=look_at, ticked_at=group.ticked_at, repeats=group.repeats)


def _past(moment: float | None, now: float) -> float | None:
    """Return `moment`, or None when, because the clock was set back, it lies ahead."""
    return None if moment is None or moment > now else moment
