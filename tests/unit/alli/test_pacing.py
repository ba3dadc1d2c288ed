"""How requests are paced."""

from __future__ import annotations

import asyncio
import heapq
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.alli.pacing import Pacer, Priority
from tests.support.clock import ManualClock

START = 1_800_000_000.0


class VirtualClock(ManualClock):
    """A clock on which several tasks can sleep at once; `run_until` lets time pass from one waking to the next."""

    def __init__(self) -> None:
        super().__init__(START)
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock has advanced by `seconds`."""
        waking: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.now() + seconds, next(self._numbers), waking))
        await waking

    async def run_until(self, seconds_from_start: float) -> None:
        """Let everything happen that happens until then."""
        await _settle()
        while self._sleepers and self._sleepers[0][0] <= START + seconds_from_start:
            at, _, waking = heapq.heappop(self._sleepers)
            self.advance(max(0.0, at - self.now()))
            if not waking.done():
                waking.set_result(None)
            await _settle()
        self.advance(START + seconds_from_start - self.now())
        await _settle()


async def _settle() -> None:
    for _ in range(12):
        await asyncio.sleep(0)


class Line:
    """Tasks that want slots, and who got one when."""

    def __init__(self, *, requests_per_minute: int = 60, max_in_flight: int = 2) -> None:
        self.clock = VirtualClock()
        self.pacer = Pacer(requests_per_minute=requests_per_minute, max_in_flight=max_in_flight, clock=self.clock)
        self.granted: list[tuple[str, float]] = []
        self.in_flight = self.most_in_flight = 0
        self._tasks: list[asyncio.Task[None]] = []

    def join(self, name: str, priority: Priority = Priority.RUNS, seconds: float = 0.0) -> asyncio.Task[None]:
        """Let a task want a slot and keep it for `seconds`."""
        task = asyncio.create_task(self._use(name, priority, seconds))
        self._tasks.append(task)
        return task

    async def _use(self, name: str, priority: Priority, seconds: float) -> None:
        async with self.pacer.slot(priority):
            self.granted.append((name, self.clock.now() - START))
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
            if seconds:
                await self.clock.sleep(seconds)
            self.in_flight -= 1

    async def close(self) -> None:
        """End what still waits."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def names(self) -> list[str]:
        """Who got a slot, in order."""
        return [name for name, _ in self.granted]


async def test_a_burst_goes_at_once_and_the_rest_waits() -> None:
    """A sixth of the minute's requests may go at once; what follows is spread."""
    line = Line(requests_per_minute=60, max_in_flight=100)
    for number in range(100):
        line.join(str(number))
    await line.clock.run_until(0)
    assert len(line.granted) == 60 // 2  # max_in_flight is larger than the share, half of the minute is the limit
    await line.close()

    line = Line(requests_per_minute=60, max_in_flight=2)
    for number in range(100):
        line.join(str(number))
    await line.clock.run_until(0)
    assert len(line.granted) == 10
    await line.clock.run_until(120)
    assert len(line.granted) >= 100
    await line.close()


@settings(max_examples=60, deadline=None)
@given(
    rpm=st.integers(1, 150),
    in_flight=st.integers(1, 6),
    arrivals=st.lists(
        st.tuples(st.floats(0, 240), st.sampled_from(Priority), st.floats(0, 20)), min_size=1, max_size=120
    ),
)
def test_no_minute_holds_more_requests_than_allowed(
    rpm: int, in_flight: int, arrivals: list[tuple[float, Priority, float]]
) -> None:
    """Whatever comes when, no 60 seconds hold more grants than the limit, no more fly than may, and all get served."""

    async def scenario() -> Line:
        line = Line(requests_per_minute=rpm, max_in_flight=in_flight)
        for at, priority, seconds in sorted(arrivals):
            await line.clock.run_until(at)
            line.join("x", priority, seconds)
        await line.clock.run_until(240 + 60 * len(arrivals) + 20 * len(arrivals))
        await line.close()
        return line

    line = asyncio.run(scenario())
    times = [at for _, at in line.granted]
    assert len(times) == len(arrivals)
    assert line.most_in_flight <= in_flight
    for index, begin in enumerate(times):
        assert sum(at < begin + 60 - 1e-3 for at in times[index:]) <= rpm


async def test_the_whole_allowance_of_a_minute_can_be_used() -> None:
    """Under steady demand the first minute grants all requests of the limit, so the limit is not undercut."""
    line = Line(requests_per_minute=60)
    for number in range(200):
        line.join(str(number))
    await line.clock.run_until(60.5)
    assert 60 <= len(line.granted) <= 61
    await line.close()


async def test_lower_priority_values_go_first_and_equal_ones_in_order_of_arrival() -> None:
    """A stop overtakes everybody who waits; within a priority the line is kept."""
    line = Line(max_in_flight=1)
    line.join("busy", Priority.RUNS, seconds=5)
    await line.clock.run_until(0)
    line.join("sweep", Priority.SWEEP)
    line.join("list-1", Priority.CONVERSATIONS)
    line.join("list-2", Priority.CONVERSATIONS)
    line.join("runs", Priority.RUNS)
    line.join("stop", Priority.STOP)
    await line.clock.run_until(10)
    assert line.names == ["busy", "stop", "runs", "list-1", "list-2", "sweep"]
    await line.close()


async def test_a_stop_overtakes_one_who_already_waits_for_a_token() -> None:
    """Who is first in line when the token comes gets it, not who began to wait for it."""
    line = Line(requests_per_minute=1, max_in_flight=1)
    line.join("first")
    await line.clock.run_until(1)
    line.join("sweep", Priority.SWEEP)
    await line.clock.run_until(30)
    line.join("stop", Priority.STOP)
    await line.clock.run_until(200)
    assert [(name, round(at)) for name, at in line.granted] == [("first", 0), ("stop", 60), ("sweep", 120)]
    await line.close()


async def test_back_off_holds_everybody_until_it_has_passed() -> None:
    """A Retry-After is for all, a stop too; a shorter one does not cut a longer one."""
    line = Line()
    line.pacer.back_off(30)
    line.pacer.back_off(5)
    line.join("stop", Priority.STOP)
    await line.clock.run_until(29.9)
    assert line.granted == []
    assert line.pacer.held_for == pytest.approx(0.1)
    await line.clock.run_until(31)
    assert [(name, round(at)) for name, at in line.granted] == [("stop", 30)]
    assert line.pacer.held_for == 0
    await line.close()


async def test_a_back_off_also_holds_those_who_already_wait() -> None:
    """Who waits for a token when the server asks for a pause, waits for the end of the pause."""
    line = Line(requests_per_minute=1, max_in_flight=1)
    line.join("first")
    line.join("second")
    await line.clock.run_until(1)
    line.pacer.back_off(100)
    await line.clock.run_until(200)
    assert [(name, round(at)) for name, at in line.granted] == [("first", 0), ("second", 101)]
    await line.close()


@settings(max_examples=60, deadline=None)
@given(
    cancelled=st.sets(st.integers(0, 11)),
    at=st.floats(0, 30),
    rpm=st.integers(1, 60),
)
def test_a_cancellation_loses_no_slot(cancelled: set[int], at: float, rpm: int) -> None:
    """Whoever is cancelled, waiting or served, everybody else is served and afterwards every slot is free."""

    async def scenario() -> tuple[Line, list[asyncio.Task[None]]]:
        line = Line(requests_per_minute=rpm, max_in_flight=2)
        tasks = [line.join(str(number), Priority(number % 4), seconds=3) for number in range(12)]
        await line.clock.run_until(at)
        for number in cancelled:
            tasks[number].cancel()
        await line.clock.run_until(3600)
        line.in_flight = 0  # the cancelled did not count themselves out
        late = [line.join("late", seconds=1), line.join("late", seconds=1)]
        await line.clock.run_until(7200)
        assert all(task.done() and not task.cancelled() for task in late)
        await line.close()
        return line, tasks

    line, tasks = asyncio.run(scenario())
    assert all(task.done() for task in tasks)
    assert {str(number) for number in range(12)} - set(line.names) <= {str(number) for number in cancelled}


async def test_an_error_inside_a_slot_frees_it() -> None:
    """A request that fails gives its slot back."""
    pacer = Pacer(requests_per_minute=60, max_in_flight=1, clock=ManualClock())
    with pytest.raises(RuntimeError):
        async with pacer.slot(Priority.RUNS):
            raise RuntimeError
    async with pacer.slot(Priority.RUNS):
        pass


@pytest.mark.parametrize(("rpm", "in_flight"), [(0, 1), (1, 0)])
def test_limits_below_one_are_refused(rpm: int, in_flight: int) -> None:
    """A pacer that could never grant anything cannot be made."""
    with pytest.raises(ValueError, match="at least 1"):
        Pacer(requests_per_minute=rpm, max_in_flight=in_flight, clock=ManualClock())
