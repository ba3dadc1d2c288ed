"""
The daemon on a clock that is wrong, for tests of long outages: ``shifted.py SECONDS run --config F``.

Only the clock that the command hands to the daemon is another one: what is behind it knows nothing of this.
"""

from __future__ import annotations

import sys
from functools import partial

from monitor.cli import daemon, main
from monitor.clock import SystemClock

__all__ = ["ShiftedClock"]


class ShiftedClock(SystemClock):
    """The machine's clock, `shift` seconds ahead (or behind, if negative); the shift may be changed at any time."""

    def __init__(self, shift: float) -> None:
        self.shift = shift

    def now(self) -> float:
        """Own time: UTC seconds since the epoch."""
        return super().now() + self.shift


if __name__ == "__main__":
    daemon.SystemClock = partial(ShiftedClock, float(sys.argv.pop(1)))  # type: ignore[misc, assignment]
    main()
