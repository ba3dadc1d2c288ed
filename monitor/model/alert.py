"""Alerts: what a rule says about one subject, over time."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from monitor.model.facts import Facts

__all__ = ["Alert", "AlertState", "Identity", "Resolution", "Transition", "fingerprint"]


class AlertState(StrEnum):
    """Where an alert is in its life."""

    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"


class Resolution(StrEnum):
    """Why an alert was resolved."""

    RECOVERED = "recovered"  # its expression is false again
    ENDED = "ended"  # the run it is about ended
    GONE = "gone"  # the conversation it is about was deleted
    WITHDRAWN = "withdrawn"  # the rating it is about was taken back or changed
    EXPIRED = "expired"  # an event's resolve_after passed
    RULE_REMOVED = "rule_removed"
    PROJECT_REMOVED = "project_removed"


class Transition(StrEnum):
    """What a notification tells about an alert."""

    FIRING = "firing"
    ACKNOWLEDGED = "acknowledged"  # only for receivers that keep acknowledgements themselves
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """
    What makes two alerts the same: project, rule name and the ids of the subject, never user labels.

    `subject` holds the ids by name: `run_id` and `conversation_id`; `conversation_id`, `chat_id` and `by`; `app_id`;
    the `by` values of a window. They are sorted by name, so equal subjects are equal values.
    """

    project: str
    rule: str
    subject: tuple[tuple[str, str], ...] = ()


def fingerprint(identity: Identity) -> str:
    """Return 16 hex digits that stay the same across restarts and edits of labels, texts and thresholds."""
    parts = [identity.project, identity.rule, *(part for pair in identity.subject for part in pair)]
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """
    One alert as the store keeps it.

    `pending_since` is when its expression became true; `observed` counts the seconds of that which were really
    observed, up to `true_at`, the last time it was seen true. `fired_at` is when the rule fired. An alert whose rule
    has a stop action is announced when the outcome is known, at the latest at `announce_by`; `announced_at` is None
    until then. Labels are frozen when it is announced. One of many that were found at once after a blind time is not
    told by itself: `told_by` is the fingerprint of the summary that counts it.
    """

    fingerprint: str
    identity: Identity
    state: AlertState
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    is_event: bool = False
    pending_since: float
    observed: float = 0.0
    true_at: float
    fired_at: float | None = None
    announce_by: float | None = None
    announced_at: float | None = None
    expires_at: float | None = None  # events only: the end of their resolve_after
    resolved_at: float | None = None
    resolution: Resolution | None = None
    told_by: str | None = None
    facts: Facts = Facts()
