"""
When the waiting transitions of a group are told: the rhythm of Alertmanager, with a named reason for each send.

Where this differs from Alertmanager: nothing that waits is ever dropped. An alert that fired and resolved before
anybody was told is told, as both.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Group", "Reason", "flush", "next_flush_at"]


class Reason(StrEnum):
    """Why a group is sent."""

    FIRST_NOTIFICATION = "first_notification"  # something fires in a group in which the receiver knew of nothing firing
    NEW_ALERTS = "new_alerts"  # something more fires
    RESOLVED = "resolved"  # nothing new fires, something resolved
    REPEAT = "repeat"  # nothing changed, and what the receiver knows of still fires


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """
    What one integration of a receiver knows of one group, and what it does not know yet. Times are own time.

    `first_at` is when the oldest transition that waits was committed, None when none waits; `untold_firing` tells
    whether any of those that wait is a firing. `last_sent_at` is when a notification was last accepted. `firing`
    tells whether the receiver was told of something that fires and not yet of its end.
    """

    key: str
    first_at: float | None
    untold_firing: bool
    last_sent_at: float | None
    firing: bool


def flush(
    group: Group, *, now: float, group_wait: float, group_interval: float, repeat_interval: float
) -> Reason | None:
    """Return why `group` is to be sent now, or None while it is not. Intervals are seconds."""
    due = next_flush_at(
        group, now=now, group_wait=group_wait, group_interval=group_interval, repeat_interval=repeat_interval
    )
    if due is None or now < due:
        return None
    if group.first_at is None:
        return Reason.REPEAT
    if not group.untold_firing:
        return Reason.RESOLVED
    return Reason.NEW_ALERTS if group.firing else Reason.FIRST_NOTIFICATION


def next_flush_at(
    group: Group, *, now: float, group_wait: float, group_interval: float, repeat_interval: float
) -> float | None:
    """
    Return when `group` is to be sent if nothing else happens, or None for never; a moment that passed means now.

    What waits in a group of which nothing fires waits `group_wait` for company; after that, sends are at least
    `group_interval` apart; and what still fires is repeated `repeat_interval` after the last send.
    """
    sent = _past(group.last_sent_at, now)
    if group.first_at is not None:
        wait = 0.0 if group.firing else group_wait
        due = max(_past(group.first_at, now) + wait, sent + group_interval)
    elif group.firing:
        due = sent + max(repeat_interval, group_interval)
    else:
        return None
    return max(due, 0.0)


def _past(moment: float | None, now: float) -> float:
    """Return `moment`, or the distant past when it is unknown or, because the clock was set back, lies ahead."""
    return -math.inf if moment is None or moment > now else moment
