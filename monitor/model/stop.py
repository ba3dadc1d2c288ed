"""A stop: the journal of one decision to end one run, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from monitor.model.conversation import App

__all__ = ["MANUAL", "Answered", "Stop", "StopMode", "StopResult", "StopState", "Verdict"]


MANUAL = "manual"
"""What stands in place of a mode where a person asks for a stop."""


class StopMode(StrEnum):
    """What a rule's stop action may do."""

    OFF = "off"
    SHADOW = "shadow"
    ENFORCE = "enforce"


class StopState(StrEnum):
    """How far a stop has come. Each state is on disk before the step that follows it."""

    INTENDED = "intended"  # decided; nothing was asked yet, or what was asked was refused
    REQUESTING = "requesting"  # a request is about to leave, or left and its answer was never recorded
    REQUESTED = "requested"  # Alli accepted a request, or did not answer it: now look
    DONE = "done"


class StopResult(StrEnum):
    """What came of a stop."""

    STOPPED = "stopped"
    SHADOW = "shadow"
    ALREADY_FINISHED = "already_finished"
    CHANGED = "changed"
    INEFFECTIVE = "ineffective"
    REFUSED = "refused"
    ERROR = "error"


class Verdict(StrEnum):
    """What a shadow stop turned out to be."""

    REGRETTED = "regretted"  # the run ended by itself within one more limit
    JUSTIFIED = "justified"  # it was still running after that


class Answered(StrEnum):
    """What became of one request."""

    PENDING = "pending"  # on its way, or the daemon died before it knew
    ACCEPTED = "accepted"
    UNANSWERED = "unanswered"
    REFUSED = "refused"  # 429, 5xx, no connection: counts for nothing
    WITHOUT_EFFECT = "without_effect"  # pending at a restart, and the run went on: counts for nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """
    One decision about one run; times are server time.

    `result` may be set while the stop goes on: `INEFFECTIVE` is told after `verify_within`, and further requests may
    still be made. `fingerprint` is the alert whose rule asked for it, empty when a person did; `asked_by` is who that
    was, empty while only a rule asks.
    """

    id: int
    project: str
    run_id: str
    conversation_id: str
    app: App | None
    fingerprint: str
    mode: StopMode
    state: StopState
    decided_at: float
    age_since: float  # where the run's age counted from when this was decided
    limit: float  # the run's limit in seconds, for the verdict on a shadow stop
    requests: int = 0  # that Alli accepted or did not answer
    requested_at: float | None = None  # when the last of them was sent
    answered_at: float | None = None  # when Alli answered it, or did not: it may have taken it as late as that
    looked_at: float | None = None  # when its effect was last looked for
    result: StopResult | None = None
    reason: str = ""
    finished_at: float | None = None
    verdict: Verdict | None = None
    asked_by: str = ""

    @property
    def is_manual(self) -> bool:
        """Whether a person asks for it, so that no rule, mode, app list, budget or brake holds it back."""
        return self.asked_by != ""

    @property
    def kind(self) -> str:
        """In which mode it is made: shadow, enforce or manual."""
        return MANUAL if self.is_manual else self.mode.value
