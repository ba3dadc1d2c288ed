from __future__ import annotations

import time

from monitor.clock import ScaledClock, SystemClock


class _ManualClock:
    """A clock that stands still until it is told otherwise; it notes how long it was asked to sleep."""

    def __init__(self) -> None:
        self.wall = 1000.0
        self.steady = 50.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.wall

    def monotonic(self) -> float:
        return self.steady

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.steady += seconds

    def real_seconds(self, seconds: float) -> float:
        return seconds


def test_the_system_clock_tells_the_time_of_the_machine() -> None:
    """Own time lies between two looks at the machine's clock, and so does monotonic time."""
    clock = SystemClock()
    before = time.time(), time.monotonic()  # noqa: TID251 - the machine's clock is what this is about
    told = clock.now(), clock.monotonic()
    after = time.time(), time.monotonic()  # noqa: TID251 - the machine's clock is what this is about
    assert before[0] <= told[0] <= after[0]
    assert before[1] <= told[1] <= after[1]
    assert clock.real_seconds(3.0) == 3.0


async def test_the_system_clock_sleeps() -> None:
    """A sleep lasts at least as long as was asked for."""
    clock = SystemClock()
    start = clock.monotonic()
    await clock.sleep(0.01)
    assert clock.monotonic() - start >= 0.009


def test_a_scaled_clock_starts_now_and_runs_faster() -> None:
    """Own and monotonic time start where the machine's are, and advance `speed` times as fast."""
    machine = _ManualClock()
    clock = ScaledClock(60.0, machine)
    assert (clock.now(), clock.monotonic()) == (1000.0, 50.0)
    machine.steady += 2.0
    assert (clock.now(), clock.monotonic()) == (1120.0, 170.0)


def test_a_scaled_clock_does_not_jump_with_the_machine() -> None:
    """Setting the machine's clock does not move a scaled one."""
    machine = _ManualClock()
    clock = ScaledClock(60.0, machine)
    machine.wall += 3600.0
    assert clock.now() == 1000.0


async def test_a_scaled_clock_sleeps_its_own_seconds() -> None:
    """A sleep of an hour at sixty times the speed takes a minute, after which an hour has passed."""
    machine = _ManualClock()
    clock = ScaledClock(60.0, machine)
    await clock.sleep(3600.0)
    assert machine.slept == [60.0]
    assert clock.monotonic() == 50.0 + 3600.0
