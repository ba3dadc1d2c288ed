"""The daemon's schedule on virtual time: the same jobs at the same moments, run one after the other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from monitor.clock import Clock
from monitor.jobs import Jobs

__all__ = ["VirtualJobs"]

Work = Callable[[], Awaitable[object]]


@dataclass(slots=True, kw_only=True)
class _Job:
    work: Work
    due_at: float
    seconds: float | None  # None: once


class VirtualJobs(Jobs):
    """Jobs that run when they are told to, in the order of their times and then of their names' first mention."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._planned: dict[str, _Job] = {}

    def every(self, name: str, seconds: float, work: Work, *, delay: float = 0.0) -> None:
        """Do `work` every so many seconds, for the first time after `delay`; the same again changes nothing."""
        present = self._planned.get(name)
        if present is not None and present.seconds == seconds:
            return
        self._planned[name] = _Job(work=work, due_at=self._clock.now() + delay, seconds=seconds)

    async def remove(self, prefix: str) -> None:
        """Take everything whose name begins with `prefix` and a space out of the schedule."""
        for name in [name for name in self._planned if name.startswith(f"{prefix} ")]:
            del self._planned[name]

    def at(self, dues: Mapping[str, float], work: Work, *, prefix: str) -> None:
        """Do `work` once at each of these times; this replaces what stood under `prefix`."""
        for name in [name for name in self._planned if name.startswith(f"{prefix} ")]:
            del self._planned[name]
        for key, due_at in dues.items():
            self._planned[f"{prefix} {key}"] = _Job(work=work, due_at=due_at, seconds=None)

    @property
    def next_at(self) -> float:
        """When the next job is due."""
        return min(job.due_at for job in self._planned.values())

    async def run_one(self) -> bool:
        """Run the first job that is due now, if there is one, and return whether there was."""
        now = self._clock.now()
        due = [(job.due_at, name) for name, job in self._planned.items() if job.due_at <= now]
        if not due:
            return False
        _, name = min(due, key=lambda found: found[0])
        job = self._planned[name]
        if job.seconds is None:
            del self._planned[name]
        else:
            missed = (now - job.due_at) // job.seconds
            job.due_at += (missed + 1) * job.seconds
        await job.work()
        return True

    async def run(self, name: str) -> None:
        """Run one job now, out of its turn."""
        await self._planned[name].work()
