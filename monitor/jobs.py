"""What runs when: interval and date jobs over APScheduler, on the daemon's clock."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from monitor.clock import Clock, SystemClock

__all__ = ["Jobs"]

Work = Callable[[], Awaitable[object]]


class Jobs:
    """
    A schedule. Work is awaited by `stop`, which APScheduler itself would cancel.

    `beat_at` is when the schedule last ran anything, in seconds of the clock's monotonic time: a heartbeat job sees to
    it that this is often.
    """

    def __init__(self, clock: Clock) -> None:
        # A poll that takes longer than its interval is on a histogram; the scheduler would say so every time.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        self._clock = clock
        self._machine = SystemClock()
        self._scheduler = AsyncIOScheduler(timezone=UTC)
        self._running: dict[asyncio.Future[object], str] = {}
        self._given_up: set[asyncio.Future[object]] = set()
        self._closing = False
        self.beat_at = clock.monotonic()

    def start(self) -> None:
        """Begin to run jobs."""
        self.every("heartbeat", 5.0, self._beat)
        self._scheduler.start()

    async def stop(self, *, within: float) -> None:
        """Start nothing new, and give what runs that many seconds to end."""
        self._closing = True
        if self._scheduler.running:
            self._scheduler.remove_all_jobs()
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=within)
            await self._give_up(late)
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def every(self, name: str, seconds: float, work: Work, *, delay: float = 0.0) -> None:
        """
        Do `work` every so many seconds of the clock, for the first time after `delay`; never twice at once.

        What stands under this name goes on as it is if it has the same interval; with another one, its next time is
        not put off.
        """
        interval = timedelta(seconds=max(self._clock.real_seconds(seconds), 0.001))
        first_at = self._real(self._clock.now() + delay)
        if (present := self._scheduler.get_job(name)) is not None:
            if present.trigger.interval == interval:
                return
            soonest = self._real(self._clock.now()) + interval
            first_at = min(present.next_run_time, soonest)
        self._scheduler.add_job(
            self._tracked(name, work),
            "interval",
            id=name,
            seconds=interval.total_seconds(),
            next_run_time=first_at,
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,
            replace_existing=True,
        )

    async def remove(self, prefix: str) -> None:
        """Take everything whose name begins with `prefix` and a space out of the schedule, and cut off what runs."""
        for job in self._scheduler.get_jobs():
            if job.id.startswith(f"{prefix} "):
                job.remove()
        await self._give_up([work for work, name in self._running.items() if name.startswith(f"{prefix} ")])

    def at(self, dues: Mapping[str, float], work: Work, *, prefix: str) -> None:
        """
        Do `work` once at each of these times, own time, by key; this replaces what stood under `prefix`.

        A job whose time did not change stays as it is. One that is late is done late, never dropped.
        """
        wanted = {f"{prefix} {key}": self._real(at) for key, at in dues.items()}
        for job in self._scheduler.get_jobs():
            if job.id.startswith(f"{prefix} ") and job.id not in wanted:
                job.remove()
        for name, when in wanted.items():
            present = self._scheduler.get_job(name)
            if present is not None and abs(present.trigger.run_date - when) < timedelta(milliseconds=1):
                continue
            self._scheduler.add_job(
                self._tracked(name, work),
                "date",
                id=name,
                run_date=when,
                misfire_grace_time=None,
                replace_existing=True,
            )

    def _real(self, at: float) -> datetime:
        """Return when the machine's clock shows what the daemon's clock will show at `at`."""
        ahead = self._clock.real_seconds(at - self._clock.now())
        return datetime.fromtimestamp(self._machine.now() + ahead, UTC)

    async def _give_up(self, works: Iterable[asyncio.Future[object]]) -> None:
        late = [work for work in works if work is not asyncio.current_task()]
        self._given_up.update(late)
        for work in late:
            work.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    def _tracked(self, name: str, work: Work) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            if self._closing:
                return
            task = asyncio.ensure_future(work())
            self._running[task] = name
            try:
                await task
            except asyncio.CancelledError:
                if task not in self._given_up:
                    raise  # else it was given up, which is no failure of the job
            finally:
                self._running.pop(task, None)
                self._given_up.discard(task)

        return run

    async def _beat(self) -> None:
        self.beat_at = self._clock.monotonic()
