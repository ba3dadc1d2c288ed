"""A clock that tests move by hand."""

from __future__ import annotations

__all__ = ["ManualClock"]


class ManualClock:
    """A clock that stands still until it is advanced; to sleep is to advance it."""

    def __init__(self, start: float = 1_800_000_000.0) -> None:
        self._now = start

    def now(self) -> float:
        """Own time: UTC seconds since the epoch."""
        return self._now

    def monotonic(self) -> float:
        """Seconds since an arbitrary start."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Advance by `seconds` at once."""
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass."""
        self._now += seconds

    def real_seconds(self, seconds: float) -> float:  # noqa: ARG002 - the form of a Clock
        """Return 0: no real time passes."""
        return 0.0
