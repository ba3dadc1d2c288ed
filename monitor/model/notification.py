"""What is told to a receiver. Times here are own time (see `monitor.clock`): receivers compare them with their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from monitor.model.alert import Resolution, Transition
from monitor.model.facts import Facts

__all__ = ["Entry", "Notification"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """
    One alert as it was at one transition, or as it is now when it is only repeated.

    `rank` is how many others of its group fired when it was told to fire; it stays the same for its repeats. None
    until then. `acked_by` is who acknowledged it, if anybody did.
    """

    fingerprint: str
    status: Transition
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_at: float
    ends_at: float | None = None  # when it resolved; for a firing event alert, when it will expire
    url: str = ""  # where a person looks: the conversation or the alert
    resolution: Resolution | None = None
    facts: Facts = Facts()
    rank: int | None = None
    acked_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """
    One body for one integration of one receiver.

    `entries` are in the order in which things happened: an alert that fired and resolved while the receiver was away
    stands here twice, so every transition stands in an accepted body. `key` is the same whenever this very
    notification is sent again.
    """

    key: str
    receiver: str
    group_key: str
    group_labels: Mapping[str, str]
    entries: tuple[Entry, ...]
    reason: str = ""  # the named reason for sending: see `monitor.alerting.grouping.Reason`
    shortened: bool = False  # what was long in its one alert was cut, since the receiver did not take it
