"""A silence: what somebody does not want to be told for a while. Times are own time."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Silence", "SilenceState"]


class SilenceState(StrEnum):
    """Whether a silence holds; the words are Alertmanager's."""

    PENDING = "pending"  # it has not begun
    ACTIVE = "active"
    EXPIRED = "expired"  # its time is over, what it was about is over, or somebody ended it


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """
    Alerts that satisfy all `matchers`, which are written as ``name="value"``, are not told from `starts_at` on.

    It ends at `until`; without one, when nothing that it matches fires any more. `ended_at` is when it ended before its
    time, and `ended_by` who ended it, empty where it ended by itself.
    """

    id: str
    matchers: tuple[str, ...]
    author: str
    comment: str
    created_at: float
    starts_at: float
    until: float | None = None
    ended_at: float | None = None
    ended_by: str = ""

    @property
    def ends_at(self) -> float | None:
        """When it ended or will end, None while that is not known."""
        return self.ended_at if self.ended_at is not None else self.until

    def state(self, now: float) -> SilenceState:
        """Return whether it holds at `now`."""
        if self.ends_at is not None and self.ends_at <= now:
            return SilenceState.EXPIRED
        return SilenceState.ACTIVE if self.starts_at <= now else SilenceState.PENDING
