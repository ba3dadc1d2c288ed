"""What is to be done to the world: a row of the outbox."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Intent", "IntentKind", "IntentState"]


class IntentKind(StrEnum):
    """Which handler an intent is for."""

    NOTIFY = "notify"
    STOP = "stop"


class IntentState(StrEnum):
    """Whether an intent still wants handling."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"  # set aside: trying again the same way cannot help


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """
    One thing to do. Within a `lane`, intents are handled one at a time and in order; times are own time.

    `payload` is for the handler of its kind alone: a notification as JSON, the id of a stop.
    """

    id: int
    kind: IntentKind
    lane: str
    destination: str
    payload: str
    due_at: float
    attempts: int
    created_at: float
