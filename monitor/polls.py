"""The polls of one project: which there are, how often each runs, and what a failure of one means."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from monitor.cycle.capability import CapabilityCycle
from monitor.cycle.coverage import POLL, Coverage
from monitor.cycle.daily_counts import DAILY_COUNT, DailyCounts
from monitor.cycle.health import ProjectHealth
from monitor.cycle.project import Project
from monitor.cycle.ratings import CONVERSATIONS, RatingCycle, sweep_name
from monitor.cycle.rhythm import Rhythm
from monitor.cycle.runs import RunCycle
from monitor.errors import ApiAuthError, ApiRefused, MonitorError, RetryableError
from monitor.jobs import Jobs
from monitor.settings import RatingTier
from monitor.storage_alarm import StorageAlarm
from monitor.store.database import StorageError
from monitor.tracking.sweep_budget import Demand

__all__ = ["ProjectPolls"]

log = structlog.get_logger()

_AUTH_RETRY = 6  # poll intervals between two tries while the credential is refused
_SWEEP_STAGGER = 5.0  # seconds between the first sweeps of two tiers
_HOUSEKEEPING = 3600.0
_CUT_SHORT_TOO_OFTEN = 2  # passes in a row
_CAPABILITIES = "capabilities"
_DAILY_COUNT_DELAY = 30.0  # seconds: the probe comes first


class ProjectPolls:
    """
    Runs the cycles of one project and keeps a failure of one from ending anything.

    `completed_at` is when each poll last succeeded, in own time.
    """

    def __init__(self, project: Project, *, jobs: Jobs, alarm: StorageAlarm) -> None:
        self.project = project
        self.health = ProjectHealth(project)
        coverage = Coverage(project)
        self._runs = RunCycle(project, coverage)
        self._ratings = RatingCycle(project, coverage)
        self._daily_counts = DailyCounts(project)
        self._jobs = jobs
        self._alarm = alarm
        self.completed_at: dict[str, float] = {}
        self._errors: dict[str, str] = {}
        self._attempted: set[str] = set()
        self._cut_short: dict[str, int] = {}
        self._auth_retry_at = 0.0
        self.rhythm = Rhythm(project)
        self._capabilities = CapabilityCycle(project)
        self._remembered = False
        self._probing = asyncio.Lock()

    @property
    def unattempted(self) -> list[str]:
        """The polls whose first attempt has not ended yet."""
        return [poll for poll in self.rhythm.wanted() if poll not in self._attempted]

    def demand(self) -> dict[str, Demand]:
        """Return what the newest sweep of each tier of the look-back took, by the name of its poll."""
        return self._ratings.demand()

    def schedule(self) -> None:
        """
        Put every poll into the schedule; the first round begins at once.

        When the settings have changed since, what was scheduled before goes on in its rhythm.
        """
        polling, name = self.project.polling, self.project.name
        self.rhythm.plan()
        for gone in self._cut_short.keys() - self.rhythm.wanted().keys():  # a tier that a reload took away
            del self._cut_short[gone]
            self.health.incomplete.pop(gone, None)
        self._jobs.every(f"{name} capabilities", polling.evaluation, self._probe)
        self._jobs.every(f"{name} runs", polling.runs, self._poll_runs)
        self._jobs.every(f"{name} conversations", polling.conversations, self._poll_conversations)
        for number, tier in enumerate(polling.ratings, start=1):
            delay = number * min(_SWEEP_STAGGER, polling.runs)
            self._jobs.every(f"{name} {sweep_name(tier)}", tier.every, self._sweeper(tier), delay=delay)
        self._jobs.every(f"{name} {DAILY_COUNT}", polling.daily_count, self._poll_daily_count, delay=_DAILY_COUNT_DELAY)
        self._jobs.every(f"{name} evaluation", polling.evaluation, self._evaluate, delay=polling.evaluation)
        self._jobs.every(f"{name} retention", _HOUSEKEEPING, self._prune, delay=_HOUSEKEEPING)

    def drifted(self, kind: str) -> None:
        """Note that an answer did not fit what is known of the API."""
        self.health.drifted(kind)
        self._capabilities.drifted(kind)

    def reconnected(self) -> None:
        """Note that the project has another client, whose credential was not refused yet."""
        self._auth_retry_at = 0.0

    async def unschedule(self) -> None:
        """Take every poll out of the schedule, and cut off what is under way: nothing of it is committed."""
        await self._jobs.remove(self.project.name)

    async def _probe(self) -> None:
        async with self._probing:
            if self._capabilities.due():
                await self._attempt(_CAPABILITIES, self._capabilities.probe)

    async def _poll_runs(self) -> None:
        await self._attempt(POLL, self._runs.poll)
        await self._store_only("health", self.health.evaluate)
        await self._store_only("deadlines", self._schedule_deadlines)

    async def _poll_conversations(self) -> None:
        if self.rhythm.is_due(CONVERSATIONS):
            if _CAPABILITIES not in self._attempted:
                await self._probe()  # with time filters in a wrong unit the baseline would find nothing
            await self._attempt(CONVERSATIONS, self._ratings.poll)

    async def _poll_daily_count(self) -> None:
        await self._attempt(DAILY_COUNT, self._daily_counts.poll)

    def _sweeper(self, tier: RatingTier) -> Callable[[], Awaitable[None]]:
        async def sweep() -> None:
            name, tiers = sweep_name(tier), [sweep_name(each) for each in self.project.polling.ratings]
            if name in tiers and self.rhythm.is_due(name):  # a reload may have taken the tier away
                await self._attempt(name, lambda: self._ratings.sweep(tiers.index(name)))

        return sweep

    async def _evaluate(self) -> None:
        await self._store_only("evaluation", self._runs.evaluate)
        await self._store_only("evaluation", self._ratings.evaluate)
        await self._store_only("health", self.health.evaluate)
        await self._store_only("deadlines", self._schedule_deadlines)

    async def _on_deadline(self) -> None:
        await self._store_only("evaluation", self._runs.evaluate)
        await self._store_only("deadlines", self._schedule_deadlines)

    async def _schedule_deadlines(self) -> None:
        dues = await self._runs.deadlines()
        self._jobs.at(dues, self._on_deadline, prefix=f"{self.project.name} due")

    async def _prune(self) -> None:
        async def prune() -> None:
            before = self.project.moment().server - self.project.settings.storage.retention
            async with self.project.commits.store.transaction() as tx:
                await tx.runs.prune(self.project.name, before=before)
                await tx.ratings.prune(self.project.name, before=before)
                await tx.stops.prune(self.project.name, before=before)

        await self._store_only("retention", prune)

    # What a failure means

    async def _attempt(self, poll: str, work: Callable[[], Awaitable[None]]) -> None:
        """Do one poll: whatever it raises is unknown, and changes nothing but what is said about ourselves."""
        clock = self.project.clock
        if clock.now() < self._auth_retry_at:
            self._attempted.add(poll)  # it would fail as the one before did
            return
        started = clock.monotonic()
        try:
            await self._remember()
            with self.rhythm.measure(poll):
                await work()
        except ApiAuthError as error:
            self.health.auth_error = str(error)
            self._auth_retry_at = clock.now() + _AUTH_RETRY * self.project.polling.runs
            self._failed(poll, error)
            await self._store_only("health", self.health.evaluate)
        except (RetryableError, ApiRefused) as error:
            self._failed(poll, error)
        except StorageError as error:
            self._failed(poll, error)
            await self._alarm.failed(error)
        except Exception:  # whatever was missed must not end the daemon; nothing was committed
            log.exception("poll failed", project=self.project.name, poll=poll)
        else:
            if self._got_through(poll):
                self._succeeded(poll)
            await self._alarm.recovered()
        finally:
            self._attempted.add(poll)
            seconds = clock.monotonic() - started
            self.project.metrics.poll_duration.labels(self.project.name, poll).observe(seconds)
            log.debug("poll", project=self.project.name, poll=poll, seconds=round(seconds, 3))

    async def _remember(self) -> None:
        """Before the first poll, act on what the last daemon found out about the server. Raises StorageError."""
        if not self._remembered:
            await self._capabilities.load()
            self._remembered = True

    async def _store_only(self, what: str, work: Callable[[], Awaitable[None]]) -> None:
        """Do what needs no API."""
        try:
            await work()
        except StorageError as error:
            self._failed(what, error)
            await self._alarm.failed(error)
        except Exception:  # whatever was missed must not end the daemon; nothing was committed
            log.exception("work failed", project=self.project.name, what=what)
        else:
            self._errors.pop(what, None)

    def _got_through(self, poll: str) -> bool:
        """Whether the pass that just ended was complete; that several in a row were not is told."""
        why = (self._runs.incomplete | self._ratings.incomplete).get(poll)
        if why is None:
            self.health.incomplete.pop(poll, None)
            self._cut_short.pop(poll, None)
            return True
        self._cut(poll, why)
        return False

    def _cut(self, poll: str, why: str) -> None:
        self._cut_short[poll] = self._cut_short.get(poll, 0) + 1
        if self._cut_short[poll] >= _CUT_SHORT_TOO_OFTEN:
            self.health.incomplete[poll] = why

    def _succeeded(self, poll: str) -> None:
        if poll == POLL:
            self.health.auth_error = None
            self._auth_retry_at = 0.0
        if self._errors.pop(poll, None) is not None:
            log.info("poll works again", project=self.project.name, poll=poll)
        self.completed_at[poll] = now = self.project.clock.now()
        self.project.metrics.poll_last_success.labels(self.project.name, poll).set(now)

    def _failed(self, poll: str, error: MonitorError) -> None:
        """Say that a poll fails, once for each error."""
        text = f"{type(error).__name__}: {error}"
        if self._errors.get(poll) != text:
            self._errors[poll] = text
            log.warning("poll fails", project=self.project.name, poll=poll, error=str(error))
        if poll in self.rhythm.wanted() and POLL not in self._errors:  # else everything fails, and that is told
            self._cut(poll, str(error))
