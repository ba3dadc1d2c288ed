"""An acknowledgement: somebody takes care of an alert and does not want to be told of it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from monitor.model.alert import Identity

__all__ = ["Ack", "AckEnd"]


class AckEnd(StrEnum):
    """Why an acknowledgement holds no more."""

    RESOLVED = "resolved"  # the alert it is about, in that firing, is over
    WORSE = "worse"  # something of a higher severity fires about the same subject
    TIMED_OUT = "timed_out"
    WITHDRAWN = "withdrawn"  # by a person


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack:
    """
    One alert in one firing, acknowledged by somebody; `at`, `until` and `ended_at` are own time.

    `fired_at` is when the alert fired, in the time of its project: when it fires again, that is another firing. `known`
    is what of a higher severity had been announced about the same subject by then: when, in the time of the project,
    by fingerprint. `ended_by` is who withdrew it.
    """

    fingerprint: str
    identity: Identity
    by: str
    comment: str
    at: float
    until: float
    fired_at: float
    known: Mapping[str, float] = field(default_factory=dict)
    end: AckEnd | None = None
    ended_at: float | None = None
    ended_by: str = ""
