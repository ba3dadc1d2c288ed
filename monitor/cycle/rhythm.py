"""How often each poll of a project is really done: as the settings want it, or as the request budget allows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import structlog

from monitor.cycle.coverage import POLL
from monitor.cycle.project import Project
from monitor.cycle.ratings import CONVERSATIONS, sweep_name
from monitor.durations import format_duration
from monitor.tracking.shedding import Work, intervals

__all__ = ["Rhythm", "count_request"]

log = structlog.get_logger()

_EARLY = 0.5  # of the wanted interval: how much too early a scheduled pass counts as the next


@dataclass(slots=True)
class _Tally:
    requests: int = 0


_tally: ContextVar[_Tally | None] = ContextVar("tally", default=None)


def count_request() -> None:
    """Count a request for the poll that is being done in this context, if one is."""
    if (tally := _tally.get()) is not None:
        tally.requests += 1


class Rhythm:
    """
    Measures what the polls of one project cost, and says which of them have to wait.

    `intervals` are the seconds that each poll keeps between two passes now; infinity while it is put off.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._costs: dict[str, int] = {}
        self._last_costs: dict[str, int] = {}
        self._began_at: dict[str, float] = {}
        self.intervals: Mapping[str, float] = {}
        self.plan()

    def wanted(self) -> dict[str, float]:
        """Return the seconds that the settings want between two passes of each poll, in the order of what matters."""
        polling = self._project.polling
        tiers = {sweep_name(tier): tier.every for tier in polling.ratings}
        return {POLL: polling.runs, CONVERSATIONS: polling.conversations, **tiers}

    def is_due(self, poll: str) -> bool:
        """Whether a pass that the schedule wants now is to be done."""
        wanted, began_at = self.wanted()[poll], self._began_at.get(poll)
        if began_at is None or self.intervals[poll] <= wanted:
            return True
        return self._project.clock.monotonic() - began_at >= self.intervals[poll] - _EARLY * wanted

    @contextmanager
    def measure(self, poll: str) -> Iterator[None]:
        """
        Count what is asked within the block as the cost of a pass.

        A poll is taken to cost what the cheaper of its last two passes did: many runs that begin at once, and all that
        is there at the start, are looked at closely once, and that is no reason to put anything off.
        """
        self._began_at[poll] = self._project.clock.monotonic()
        tally = _Tally()
        token = _tally.set(tally)
        try:
            yield
        finally:
            _tally.reset(token)
            self._costs[poll] = min(tally.requests, self._last_costs.get(poll, 0))
            self._last_costs[poll] = tally.requests
            self.plan()

    def plan(self) -> None:
        """Reckon anew how often each poll is to be done."""
        wanted = self.wanted()
        works = [Work(name=poll, requests=self._costs.get(poll, 0), every=every) for poll, every in wanted.items()]
        budget = self._project.settings.projects[self._project.name].requests_per_minute
        before, self.intervals = self.intervals, intervals(works, requests_per_minute=budget)
        for poll, interval in self.intervals.items():
            self._project.metrics.poll_interval.labels(self._project.name, poll).set(interval)
        if _late(before, wanted) != _late(self.intervals, wanted):
            late = {poll: _shown(self.intervals[poll]) for poll in _late(self.intervals, wanted)}
            log.warning("request budget", project=self._project.name, put_off=late)


def _late(kept: Mapping[str, float], wanted: Mapping[str, float]) -> list[str]:
    return [poll for poll, every in wanted.items() if kept.get(poll, every) > every]


def _shown(interval: float) -> str:
    return "until there is room" if math.isinf(interval) else format_duration(round(interval))
