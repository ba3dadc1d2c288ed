"""
The daemon on another clock than the machine's, for tests of long times: ``shifted.py CLOCK CONFIG``.

CLOCK is what `as_argument` makes of a clock. Monotonic time is the machine's, so that a clock that counts by it shows
the same in both processes.
"""

from __future__ import annotations

import asyncio
import base64
import pickle
import sys
from pathlib import Path

from monitor.cli import daemon
from monitor.clock import Clock, SystemClock
from monitor.settings import load
from monitor.settings.supervision import supervision
from monitor.systemd import ServiceManager

__all__ = ["ShiftedClock", "as_argument"]


class ShiftedClock(SystemClock):
    """The machine's clock, `shift` seconds ahead (or behind, if negative); the shift may be changed at any time."""

    def __init__(self, shift: float) -> None:
        self.shift = shift

    def now(self) -> float:
        """Own time: UTC seconds since the epoch."""
        return super().now() + self.shift


def as_argument(clock: Clock) -> str:
    """Return a copy of `clock` as the command line takes it."""
    return base64.b64encode(pickle.dumps(clock)).decode("ascii")


if __name__ == "__main__":
    _clock = pickle.loads(base64.b64decode(sys.argv[1]))  # noqa: S301 - the test that starts this process made it
    _settings = load(Path(sys.argv[2]))
    daemon.prepare(_settings)
    asyncio.run(daemon._serve(_settings, lambda: _settings, _clock, ServiceManager(supervision(), _clock)))
