"""
What time it is at Alli.

Alli puts its time into the `Date` header of every answer (RFC 9110, section 6.6.1), in whole seconds. Ages and
filters are reckoned in that time, so that a wrong or jumping clock on this machine cannot make a run old.
"""

from __future__ import annotations

import statistics
from collections import deque
from email.utils import parsedate_to_datetime

from monitor.alli.units import EARLIEST, LATEST
from monitor.clock import Clock

__all__ = ["ServerTime", "parse_http_date"]

_SAMPLES = 9
_HYSTERESIS = 1.0  # seconds; what a header of whole seconds cannot tell apart


class ServerTime:
    """
    Alli's clock, derived from its answers.

    It is held relative to `clock.monotonic()`, so a jump of our own wall clock does not move it. It starts at own
    time and follows the median of the last nine answers when that differs by more than a second, so the whole
    seconds of the header do not jitter and synchronised clocks have no offset at all.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._base = clock.now() - clock.monotonic()
        self._samples: deque[float] = deque(maxlen=_SAMPLES)

    @property
    def proven(self) -> bool:
        """Whether Alli has told its time; until then own time stands in for it."""
        return bool(self._samples)

    def now(self) -> float:
        """Alli's time: UTC seconds since the epoch."""
        return self.at(self._clock.monotonic())

    def at(self, monotonic: float) -> float:
        """Alli's time when the clock's `monotonic()` was `monotonic`."""
        return self._base + monotonic

    def offset(self) -> float:
        """How many seconds Alli's clock is ahead of our own wall clock."""
        return self.now() - self._clock.now()

    def to_own(self, server_at: float) -> float:
        """Return the own time of a moment given in Alli's time."""
        return server_at - self.offset()

    def observe(self, date_header: str | None, asked_monotonic: float, answered_monotonic: float) -> None:
        """Learn from one answer; a missing or invalid header teaches nothing."""
        server_at = parse_http_date(date_header)
        if server_at is None:
            return
        # The header cuts off a fraction of a second, half a second on average.
        self._samples.append(server_at + 0.5 - (asked_monotonic + answered_monotonic) / 2)
        median = statistics.median(self._samples)
        if abs(median - self._base) > _HYSTERESIS:
            self._base = median


def parse_http_date(text: str | None) -> float | None:
    """Return the UTC seconds since the epoch of an HTTP date, or None when there is no believable one."""
    if text is None:
        return None
    try:
        at = parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
    return at if EARLIEST <= at <= LATEST else None
