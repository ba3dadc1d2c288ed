"""What is known about the subject of an alert, for messages: values that change, and so are never labels."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Facts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """
    What a message says beyond labels and annotations, as of the newest evaluation; what is not known is absent.

    Durations are seconds. `timezone` is the project's, an IANA name. Of a run: `age` is at least its age and
    `age_at_most` at most, `idle` is the time since its last sign of progress, `limit` is what its app allows, and
    `last_step` is the last thing it said it was doing, `last_step_ago` before. Of a rating: `rating` is positive,
    negative or none, and `rated_by` is user or agent. Of a window: `count` of what happened, and `within` how long.
    `stop` is the result of the stop (`monitor.model.stop.StopResult`) and `stop_reason` its named reason or detail.
    `blind_before` is how long the monitor had seen nothing right before. `excerpt` is text of the conversation,
    redacted, and as long as the most generous receiver may have it.
    """

    timezone: str = "UTC"
    age: float | None = None
    age_at_most: float | None = None
    idle: float | None = None
    limit: float | None = None
    last_step: str = ""
    last_step_ago: float | None = None
    rating: str = ""
    rated_by: str = ""
    count: int | None = None
    within: float | None = None
    stop: str = ""
    stop_reason: str = ""
    blind_before: float = 0.0
    excerpt: str = ""
