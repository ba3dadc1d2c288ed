"""How fast we may ask one project, and who goes first when not everybody can go."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import IntEnum

from monitor.clock import Clock

__all__ = ["Pacer", "Priority"]

_ROUNDING = 1e-6  # tokens; adding up many small refills is not exact
_SHORTEST_SLEEP = 0.001  # seconds; less may not move a clock at all


class Priority(IntEnum):
    """Who goes first: the lower value."""

    STOP = 0  # a stop and the re-checks around it
    RUNS = 1
    CONVERSATIONS = 2
    SWEEP = 3


@dataclass(order=True, slots=True)
class _Waiter:
    priority: Priority
    number: int
    woken: asyncio.Event = field(compare=False, default_factory=asyncio.Event)


class Pacer:
    """
    Grants slots: at most `max_in_flight` at a time, and in any 60 seconds at most `requests_per_minute`.

    It is a token bucket. Its burst is a sixth of the minute's requests, so that a stop with its re-checks need not
    wait on a calm day; what the burst takes is taken from the refill, so that the limit holds over every minute and
    not only on average. Time is that of `clock`.
    """

    def __init__(self, *, requests_per_minute: int, max_in_flight: int, clock: Clock) -> None:
        if requests_per_minute < 1 or max_in_flight < 1:
            raise ValueError("requests_per_minute and max_in_flight are at least 1")
        self._burst = max(1, min(max(max_in_flight, requests_per_minute // 6), (requests_per_minute + 1) // 2))
        # In 60 seconds a full bucket grants burst + 60 * refill; a whole token more than the limit is never reached.
        self._refill = (requests_per_minute + 1 - self._burst) / 60
        self._max_in_flight = max_in_flight
        self._clock = clock
        self._tokens = float(self._burst)
        self._counted_at = clock.monotonic()
        self._held_until = self._counted_at
        self._in_flight = 0
        self._numbers = itertools.count()
        self._waiters: list[_Waiter] = []

    @asynccontextmanager
    async def slot(self, priority: Priority) -> AsyncIterator[None]:
        """Wait for a turn, lower `priority` first and in order of arrival within one; hold it during the block."""
        await self._acquire(priority)
        try:
            yield
        finally:
            self._in_flight -= 1
            self._wake_first()

    def back_off(self, seconds: float) -> None:
        """Grant nothing for `seconds` from now, whatever the priority: the server said so."""
        self._held_until = max(self._held_until, self._clock.monotonic() + seconds)

    @property
    def held_for(self) -> float:
        """The seconds for which nothing is granted because of `back_off`; 0 when it is over."""
        return max(0.0, self._held_until - self._clock.monotonic())

    async def _acquire(self, priority: Priority) -> None:
        # A waiter takes its slot itself, when it is first in line and runs: nothing is handed over that a
        # cancellation could lose. Whoever leaves the line, served or cancelled, wakes the new first.
        waiter = _Waiter(priority, next(self._numbers))
        heapq.heappush(self._waiters, waiter)
        try:
            while (delay := self._delay(waiter)) != 0:
                if delay is None:
                    waiter.woken.clear()
                    await waiter.woken.wait()
                else:
                    await self._clock.sleep(delay)
            self._tokens -= 1
            self._in_flight += 1
        finally:
            self._waiters.remove(waiter)
            heapq.heapify(self._waiters)
            self._wake_first()

    def _delay(self, waiter: _Waiter) -> float | None:
        """Return the seconds until this waiter's turn; None when it depends on others, who will wake it."""
        if self._waiters[0] is not waiter or self._in_flight >= self._max_in_flight:
            return None
        now = self._clock.monotonic()
        self._tokens = min(self._burst, self._tokens + (now - self._counted_at) * self._refill)
        self._counted_at = now
        missing = 1 - self._tokens
        if self._held_until <= now and missing < _ROUNDING:
            return 0
        return max(_SHORTEST_SLEEP, self._held_until - now, missing / self._refill)

    def _wake_first(self) -> None:
        if self._waiters:
            self._waiters[0].woken.set()
