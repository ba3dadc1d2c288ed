"""What truly happened in a simulated world: what a test or the demo compares a monitor's findings with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from monitor.simulator.entities import Ending

__all__ = ["RatingRecord", "Record", "RunRecord", "StopEffect", "StopRecord"]


class StopEffect(StrEnum):
    """What a stop request did."""

    STOPPED = "stopped"
    LAGGING = "lagging"  # the run will end later
    IGNORED = "ignored"  # the run goes on
    IDLE = "idle"  # nothing was running
    MISSING = "missing"  # there is no such conversation
    REFUSED = "refused"  # a fault or the credential kept the request from having an effect


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """
    One run; `ended` and `ending` are None while it runs.

    `listed_at` is when the list of running conversations first showed it, `listed_until` when it last did, and
    `confirmed_at` when an `isRunning` first did, None while nobody could have seen it there. Each may be late or, where
    the server lags, after the end.
    """

    id: str
    conversation_id: str
    app_id: str | None
    app_name: str | None
    began: float
    listed_at: float | None
    listed_until: float | None
    confirmed_at: float | None
    ended: float | None
    ending: Ending | None

    def age(self, now: float) -> float:
        """How many seconds the run lasted, up to `now` if it still runs."""
        return (now if self.ended is None else self.ended) - self.began

    def overdue(self, limit: float, now: float) -> float:
        """How many seconds the run lasted beyond `limit`; 0 when it did not."""
        return max(0.0, self.age(now) - limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRecord:
    """
    One stop request; `run_id` is the run that it hit.

    `status` is the HTTP status of the answer, None where the connection broke before it was carried out.
    """

    at: float
    conversation_id: str
    effect: StopEffect
    run_id: str | None
    status: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingRecord:
    """One change of a rating; `by` is user or agent, a vote is up, down or None."""

    at: float
    conversation_id: str
    chat_id: str
    by: str
    previous: bool | None
    vote: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """
    Everything that happened from `start` to `now`, in the order in which it began.

    `requests` counts what was asked of each operation, whatever the answer was; `untrue` counts those answers that
    said of what runs something that was not so at that moment, because the server lags behind; `faults` counts how
    often each kind of fault struck; `users_created` are the ids that came into being by an `OWN-USER-ID` header.
    """

    start: float
    now: float
    runs: tuple[RunRecord, ...]
    stops: tuple[StopRecord, ...]
    ratings: tuple[RatingRecord, ...]
    requests: Mapping[str, int]
    untrue: Mapping[str, int]
    faults: Mapping[str, int]
    users_created: tuple[str, ...]
