"""The daemon on a clock that is wrong, for tests of long outages: ``shifted.py SECONDS CONFIG``."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from monitor.cli import daemon
from monitor.clock import SystemClock
from monitor.settings import load

__all__ = ["ShiftedClock"]


class ShiftedClock(SystemClock):
    """The machine's clock, `shift` seconds ahead (or behind, if negative); the shift may be changed at any time."""

    def __init__(self, shift: float) -> None:
        self.shift = shift

    def now(self) -> float:
        """Own time: UTC seconds since the epoch."""
        return super().now() + self.shift


if __name__ == "__main__":
    _settings = load(Path(sys.argv[2]))
    daemon.prepare(_settings)
    asyncio.run(daemon._serve(_settings, lambda: _settings, ShiftedClock(float(sys.argv[1]))))
