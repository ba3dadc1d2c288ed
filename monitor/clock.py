"""
Where time comes from: the only module that reads the machine's clocks.

Two kinds of time are kept apart everywhere. *Own time* is this machine's wall clock; *server time* is Alli's, which
`monitor.alli` derives from the `Date` header of its answers. Both are UTC seconds since the epoch, as floats.
"""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

__all__ = ["Clock", "ScaledClock", "SystemClock"]


class Clock(Protocol):
    """A source of time that is passed in, so that decisions and tests can choose it."""

    def now(self) -> float:
        """Own time: UTC seconds since the epoch. It may jump when the machine's clock is set."""

    def monotonic(self) -> float:
        """Seconds since an arbitrary start, never running backwards."""

    async def sleep(self, seconds: float) -> None:
        """Wait until this clock has advanced by `seconds`."""

    def real_seconds(self, seconds: float) -> float:
        """How many seconds of the machine's clock pass while this clock advances by `seconds`."""


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> float:
        """Own time: UTC seconds since the epoch."""
        return time.time()  # noqa: TID251 - this module is where the clock is read

    def monotonic(self) -> float:
        """Seconds since an arbitrary start, never running backwards."""
        return time.monotonic()  # noqa: TID251 - this module is where the clock is read

    async def sleep(self, seconds: float) -> None:
        """Wait for `seconds`."""
        await asyncio.sleep(seconds)

    def real_seconds(self, seconds: float) -> float:
        """Return `seconds`: this clock is the machine's."""
        return seconds


class ScaledClock:
    """A clock that starts at the machine's time and runs `speed` times as fast: the demo's."""

    def __init__(self, speed: float, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._speed = speed
        self._wall_start = self._clock.now()
        self._monotonic_start = self._clock.monotonic()

    def now(self) -> float:
        """Own time: UTC seconds since the epoch, `speed` times as fast since this clock was made."""
        return self._wall_start + self._elapsed()

    def monotonic(self) -> float:
        """Seconds since an arbitrary start, never running backwards."""
        return self._monotonic_start + self._elapsed()

    async def sleep(self, seconds: float) -> None:
        """Wait until this clock has advanced by `seconds`."""
        await self._clock.sleep(self.real_seconds(seconds))

    def real_seconds(self, seconds: float) -> float:
        """How many seconds of the machine's clock pass while this clock advances by `seconds`."""
        return seconds / self._speed

    def _elapsed(self) -> float:
        return (self._clock.monotonic() - self._monotonic_start) * self._speed
